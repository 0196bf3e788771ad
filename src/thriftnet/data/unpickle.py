"""Pickles read as data: arrays and plain containers, and nothing that could run.

A pickle names the functions that rebuild its objects. Here each name on a short list is answered
by a stand-in of ours, every other name ends the reading, and NumPy's own reconstruction (which
trusts the sizes and types it is told) is never called.
"""

import collections
import io
import pickle
from collections.abc import Callable, Iterable
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from thriftnet.errors import DataError


def read_pickle(blob: bytes, *, origin: str) -> object:
    """Returns what a pickle holds; strings written by Python 2 come back as bytes.

    Args:
        blob: the whole pickle.
        origin: where it was read, for the message.

    Raises:
        DataError: it is truncated or damaged, or names anything but arrays and plain containers.
    """
    try:
        return _plain(_ArrayUnpickler(io.BytesIO(blob), encoding="bytes").load(), {})
    except _ForbiddenNameError as fault:
        raise DataError(
            f"{origin} holds executable content ({fault}) and was not read; "
            "use a copy from a source you trust"
        ) from None
    # Damaged bytes can make the unpickler raise nearly anything, MemoryError included.
    except Exception as fault:
        raise DataError(
            f"{origin} is not a readable pickle ({type(fault).__name__}: {_one_line(fault)}); "
            "get a fresh copy"
        ) from None


class _ForbiddenNameError(Exception):
    """A pickle asked for a name that is not on the list."""


_Unpickler = pickle._Unpickler  # pyright: ignore[reportPrivateUsage]


def _refuse_containers(keys: Iterable[object]) -> None:
    """See that what is about to be hashed is simple.

    Tuples do not keep their hash: that of one that holds another twice, and so on sixty levels
    down, would take for ever.
    """
    for key in keys:
        if not isinstance(key, str | bytes | int | float | None):
            raise TypeError(f"a key is a {type(key).__name__}")


def _guarded(code: bytes, keys: Callable[[list[Any]], Iterable[object]]) -> Any:
    """What loads an opcode once the keys among the stack's entries are known to be simple."""
    load = _Unpickler.dispatch[code[0]]

    def guarded(unpickler: Any) -> None:
        _refuse_containers(keys(unpickler.stack))
        load(unpickler)

    return guarded


def _load_bytearray(unpickler: Any) -> None:
    """As pickle's own, which makes room for as many bytes as the file says, whether it has them."""
    size = int.from_bytes(unpickler.read(8), "little")
    unpickler.append(bytearray(unpickler.read(min(size, 2**62))))


def _build(unpickler: Any) -> None:
    """As pickle's own, for our stand-ins alone: it would change the attributes of functions."""
    if not isinstance(unpickler.stack[-2], unpickler.stateful):
        raise TypeError(f"a {type(unpickler.stack[-2]).__name__} has no state")
    state = unpickler.stack.pop()
    unpickler.stack[-1].__setstate__(state)


class GuardedUnpickler(_Unpickler):  # the one in C lets nobody see keys, and trusts sizes
    """Reads in a time and memory that the pickle's length bounds, if `find_class` does."""

    stateful: tuple[type, ...] = ()
    """Stand-ins that a pickle may give a state."""
    dispatch = _Unpickler.dispatch | {
        pickle.SETITEM[0]: _guarded(pickle.SETITEM, lambda stack: stack[-2:-1]),
        pickle.SETITEMS[0]: _guarded(pickle.SETITEMS, lambda items: items[::2]),
        pickle.DICT[0]: _guarded(pickle.DICT, lambda items: items[::2]),
        pickle.ADDITEMS[0]: _guarded(pickle.ADDITEMS, lambda items: items),
        pickle.FROZENSET[0]: _guarded(pickle.FROZENSET, lambda items: items),
        pickle.BYTEARRAY8[0]: _load_bytearray,
        pickle.BUILD[0]: _build,
    }


class _Dtype:
    """Stands for `numpy.dtype`: numbers, booleans and fixed-length strings only."""

    def __init__(self, code: str | bytes, *_: object) -> None:
        self.dtype: np.dtype[Any] = np.dtype(_text(code))
        if self.dtype.kind not in "biufSU":
            raise TypeError(f"arrays of {self.dtype} are not supported")

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        order = _text(state[1])
        if order in ("<", ">"):
            self.dtype = self.dtype.newbyteorder(order)


class _Array:
    """Stands for `numpy.ndarray` while it is rebuilt."""

    def __init__(self) -> None:
        self.array: NDArray[Any] | None = None

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, fortran_order, raw = state
        self.fill(raw, dtype, shape, "F" if fortran_order else "C")

    def fill(self, raw: bytes, dtype: _Dtype, shape: tuple[int, ...], order: str) -> None:
        flat = np.frombuffer(raw, dtype.dtype)
        self.array = flat.reshape(shape, order="F" if order == "F" else "C")


def _reconstruct(*_: object) -> _Array:
    """Stands for `numpy.core.multiarray._reconstruct`; the state that follows fills the array."""
    return _Array()


def _from_buffer(raw: bytes, dtype: _Dtype, shape: tuple[int, ...], order: str) -> _Array:
    """Stands for `numpy.core.numeric._frombuffer`, by which protocol 5 writes arrays."""
    array = _Array()
    array.fill(raw, dtype, shape, _text(order))
    return array


def _scalar(dtype: _Dtype, raw: bytes) -> object:
    """Stands for `numpy.core.multiarray.scalar`: one number."""
    return np.frombuffer(raw, dtype.dtype)[0].item()


def _encode(text: str | bytes, encoding: str | bytes) -> bytes:
    """Stands for `_codecs.encode`, by which Python 3 writes bytes under protocols 0 to 2."""
    if _text(encoding) != "latin1":
        raise ValueError(f"encoding {_text(encoding)} is not expected")
    return _text(text).encode("latin1")


def _bytes() -> bytes:
    """Stands for `bytes`, by which the same protocols write empty ones."""
    return b""


def _set(items: Iterable[object] = ()) -> set[object]:
    """Stands for `set`."""
    found = list(items)
    _refuse_containers(found)
    return set(found)


def _frozenset(items: Iterable[object] = ()) -> frozenset[object]:
    """Stands for `frozenset`."""
    return frozenset(_set(items))


def _ordered(pairs: Iterable[tuple[object, object]] = ()) -> dict[object, object]:
    """Stands for `collections.OrderedDict`; dictionaries keep their order."""
    found = list(pairs)
    _refuse_containers(key for key, _ in found)
    return collections.OrderedDict(found)


# NumPy 2 renamed numpy.core to numpy._core; Python 3 renamed __builtin__ to builtins.
_ADMITTED: dict[tuple[str, str], object] = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "memmap"): _Array,
    ("numpy", "dtype"): _Dtype,
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy.core.multiarray", "scalar"): _scalar,
    ("numpy._core.multiarray", "scalar"): _scalar,
    ("numpy.core.numeric", "_frombuffer"): _from_buffer,
    ("numpy._core.numeric", "_frombuffer"): _from_buffer,
    ("_codecs", "encode"): _encode,
    ("__builtin__", "bytes"): _bytes,
    ("builtins", "bytes"): _bytes,
    ("collections", "OrderedDict"): _ordered,
    ("__builtin__", "set"): _set,
    ("builtins", "set"): _set,
    ("__builtin__", "frozenset"): _frozenset,
    ("builtins", "frozenset"): _frozenset,
}


class _ArrayUnpickler(GuardedUnpickler):
    stateful = (_Array, _Dtype)

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ADMITTED[module, name]
        except KeyError:
            raise _ForbiddenNameError(f"{module}.{name}") from None


def _plain(value: object, done: dict[int, object]) -> object:
    """Replaces stand-ins by what they stand for, through dictionaries, lists and tuples.

    Args:
        value: What was unpickled.
        done: What was made of containers, by their id: a list that holds one list twice, and that
            one another twice, would else take twice the time with every level.
    """
    if id(value) in done:
        return done[id(value)]
    found = value
    if isinstance(value, _Array):
        if value.array is None:
            raise ValueError("an array without content")
        return value.array
    if isinstance(value, dict):
        items = cast("dict[object, object]", value).items()
        found = {key: _plain(content, done) for key, content in items}
    elif isinstance(value, list):
        found = [_plain(content, done) for content in cast("list[object]", value)]
    elif isinstance(value, tuple):
        found = tuple(_plain(content, done) for content in cast("tuple[object, ...]", value))
    if found is not value:
        done[id(value)] = found
    return found


def _text(value: str | bytes) -> str:
    return value.decode("latin1") if isinstance(value, bytes) else value


def _one_line(fault: Exception) -> str:
    return " ".join(str(fault).split())[:120]
