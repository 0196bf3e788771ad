import collections
import io
import os
import pickle
import pickletools
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from official_layouts import python2_batch
from thriftnet.data.cifar10.formats import as_integers
from thriftnet.data.unpickle import read_pickle
from thriftnet.errors import DataError

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(),
    lambda inner: st.lists(inner)
    | st.tuples(inner, inner)
    | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=20,
)


@given(value=plain, protocol=st.integers(2, pickle.HIGHEST_PROTOCOL))
def test_plain_containers_come_back(value: object, protocol: int) -> None:
    assert read_pickle(pickle.dumps(value, protocol), origin="x") == value


def test_a_list_that_holds_one_twice_and_so_on_takes_no_time() -> None:
    """A hundred bytes would be 2^60 lists."""
    value: list[object] = []
    for _ in range(60):
        value = [value, value]

    found = read_pickle(pickle.dumps(value), origin="x")

    for _ in range(60):
        assert isinstance(found, list)
        found, other = found
        assert found is other


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    "array",
    [
        np.arange(24, dtype=np.uint8).reshape(2, 3, 4),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(5, dtype=">i4"),
        np.arange(12)[::2],
        np.array(["cat", "dog"]),
        np.zeros((0, 3)),
        np.array([True, False]),
    ],
    ids=lambda array: f"{array.dtype.str}{array.shape}",
)
@pytest.mark.parametrize("core", [b"numpy.core", b"numpy._core"])
def test_arrays_come_back(array: np.ndarray, protocol: int, core: bytes) -> None:
    """Of NumPy 1 and NumPy 2, whichever is installed here."""
    blob = pickle.dumps({"data": array}, protocol)
    if core == b"numpy.core" and protocol < 4:  # later protocols count the letters of names
        blob = blob.replace(b"numpy._core", core)
    content = read_pickle(blob, origin="x")

    assert isinstance(content, dict)
    assert np.array_equal(content["data"], array)
    assert content["data"].dtype == array.dtype


def test_file_written_by_python_2() -> None:
    rows = np.arange(2 * 3072).astype(np.uint8).reshape(2, 3072)
    content = read_pickle(python2_batch(rows, [3, 8]), origin="x")

    assert isinstance(content, dict)
    assert content[b"labels"] == [3, 8]
    assert content[b"batch_label"] == b"testing batch 1 of 1"
    assert np.array_equal(content[b"data"], rows)


def test_other_harmless_things_come_back() -> None:
    value = {
        "ordered": collections.OrderedDict(a=1),
        "set": {1, 2},
        "numbers": [np.int64(3), np.float32(0.5)],
    }

    assert read_pickle(pickle.dumps(value), origin="x") == value


class Call:
    """Pickles to a call of any function."""

    def __init__(self, function: Any, *arguments: object) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> tuple[Any, tuple[object, ...]]:
        return self.function, self.arguments


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    ("function", "name"),
    [
        (os.system, "posix.system"),
        (subprocess.Popen, "subprocess.Popen"),
        (eval, "builtins.eval"),
        (getattr, "builtins.getattr"),
        (np.load, "numpy.load"),
        (io.open_code, "open_code"),
    ],
)
def test_calls_are_refused_and_named(
    function: Any, name: str, protocol: int, tmp_path: Path
) -> None:
    trace = tmp_path / "executed"
    blob = pickle.dumps({"data": [Call(function, f"touch {trace}")]}, protocol)

    with pytest.raises(DataError, match="FILE holds executable content") as caught:
        read_pickle(blob, origin="FILE")
    assert name.rpartition(".")[2] in str(caught.value)
    assert "use a copy from a source you trust" in str(caught.value)
    assert not trace.exists()


@pytest.mark.parametrize(
    "blob",
    [
        b"cos\nsystem\n(S'true'\ntR.",
        b"(S'true'\nios\nsystem\n.",
        b"\x80\x04\x8c\x02os\x8c\x06system\x93.",
        b"\x80\x02cnumpy\nndarray.__class__\n.",
        b"\x80\x04\x8c\x05numpy\x8c\x11ndarray.__class__\x93.",
    ],
)
def test_every_opcode_that_names_something_is_guarded(blob: bytes) -> None:
    assert any(
        code.name in ("GLOBAL", "INST", "STACK_GLOBAL") for code, _, _ in pickletools.genops(blob)
    )
    with pytest.raises(DataError, match="executable content"):
        read_pickle(blob, origin="x")


@pytest.mark.parametrize(
    "value",
    [
        np.array([{"a": 1}], dtype=object),
        np.zeros(2, dtype=[("a", "i4"), ("b", "f8")]),
        np.array(["2020-01-01"], dtype="datetime64[D]"),
    ],
)
def test_arrays_of_other_than_numbers_and_text_are_refused(value: np.ndarray) -> None:
    with pytest.raises(DataError, match="is not a readable pickle .*are not supported"):
        read_pickle(pickle.dumps(value), origin="x")


def test_size_that_does_not_fit_the_bytes_is_refused() -> None:
    """NumPy itself would trust the shape of such a file."""
    blob = pickle.dumps(np.zeros(100, np.uint8), 2).replace(b"Kd\x85", b"Ke\x85")

    with pytest.raises(DataError, match="cannot reshape"):
        read_pickle(blob, origin="x")


@pytest.mark.parametrize("put", [b"r\xff\xff\xff\xff", b"p4294967295\n", b"q\xff"])
def test_number_of_a_memo_takes_no_memory(put: bytes) -> None:
    """The unpickler in C would make a table as long as that."""
    assert read_pickle(b"\x80\x02]" + put + b".", origin="x") == []


def test_bytes_that_are_not_there_take_no_memory() -> None:
    with pytest.raises(DataError, match="is not a readable pickle"):
        read_pickle(b"\x80\x05\x96" + (2**40).to_bytes(8, "little") + b"abc.", origin="x")


NESTED = b"K\x01\x94" + b"".join(bytes([*b"h", n, *b"h", n, 0x86, 0x94]) for n in range(60))
"""A tuple that holds another twice, and so on: its hash takes 2^60 steps."""


@pytest.mark.parametrize(
    "use",
    [
        b"}" + NESTED + b"K\x01s.",
        b"}(" + NESTED + b"K\x01u.",
        b"(" + NESTED + b"K\x01d.",
        b"\x8f(" + NESTED + b"\x90.",
        b"(" + NESTED + b"\x91.",
        NESTED + b"c__builtin__\nset\n(]h\x3catR.",
        NESTED + b"c__builtin__\nfrozenset\n(]h\x3catR.",
        NESTED + b"ccollections\nOrderedDict\n(]h\x3cK\x01\x86atR.",
    ],
)
def test_key_that_takes_for_ever_is_refused(use: bytes) -> None:
    with pytest.raises(DataError, match="a key is a tuple"):
        read_pickle(b"\x80\x04" + use, origin="x")


def test_functions_on_the_list_keep_their_attributes() -> None:
    from thriftnet.data import unpickle

    with pytest.raises(DataError, match="has no state"):
        read_pickle(b"cnumpy.core.multiarray\n_reconstruct\n}U\x01aK\x01sb.", origin="x")
    assert not vars(unpickle._reconstruct)


def test_labels_nested_in_each_other_never_become_an_array() -> None:
    value: list[object] = [1]
    for _ in range(40):
        value = [value, value]
    assert as_integers(value) is None
    assert as_integers([]) is not None


def test_list_that_holds_itself_is_refused() -> None:
    endless: list[object] = []
    endless.append(endless)

    with pytest.raises(DataError, match="RecursionError"):
        read_pickle(pickle.dumps(endless), origin="x")


@given(cut=st.integers(0, 6_000), flip=st.integers(0, 255))
def test_damage_is_an_error_or_harmless(cut: int, flip: int) -> None:
    rows = np.zeros((2, 3072), np.uint8)
    blob = bytearray(python2_batch(rows, [1, 2]))
    blob[cut % 200] ^= flip
    for damaged in (bytes(blob), bytes(blob[:cut])):
        try:
            read_pickle(damaged, origin="x")
        except DataError as fault:
            assert "\n" not in str(fault)  # noqa: PT017
