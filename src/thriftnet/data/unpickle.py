"""Reads pickles of arrays and plain containers safely, without executing anything.

A pickle names the functions that rebuild its objects. Names on a short list are mapped to safe
replacements; any other name is an error. NumPy's own reconstruction, which trusts sizes and types
in the file, is never called.
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
    """Returns the content of a pickle; strings written by Python 2 become bytes.

    Args:
        blob: the whole pickle.
        origin: where it was read from, for the message.

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
    # Damaged bytes can raise almost any exception, including MemoryError.
    except Exception as fault:
        raise DataError(
            f"{origin} is not a readable pickle ({type(fault).__name__}: {_one_line(fault)}); "
            "get a fresh copy"
        ) from None


class _ForbiddenNameError(Exception):
    """A pickle has a name that is not on the list."""


_Unpickler = pickle._Unpickler


def _refuse_containers(keys: Iterable[object]) -> None:
    """Check that a value to be hashed is simple.

    Hashes of tuples are not cached: with shared nested tuples, hashing is exponential in the depth.
    """
    for key in keys:
        if not isinstance(key, str | bytes | int | float | None):
            raise TypeError(f"a key is a {type(key).__name__}")


def _guarded(code: bytes, keys: Callable[[list[Any]], Iterable[object]]) -> Any:
    """Wraps the handler of an opcode with a check of the keys on the stack."""
    load = _Unpickler.dispatch[code[0]]

    def guarded(unpickler: Any) -> None:
        _refuse_containers(keys(unpickler.stack))
        load(unpickler)

    return guarded


def _load_bytearray(unpickler: Any) -> None:
    """Replaces pickle's handler, which allocates as many bytes as the file claims."""
    size = int.from_bytes(unpickler.read(8), "little")
    unpickler.append(bytearray(unpickler.read(min(size, 2**62))))


def _build(unpickler: Any) -> None:
    """Replaces pickle's handler, which could change attributes of functions."""
    if not isinstance(unpickler.stack[-2], unpickler.stateful):
        raise TypeError(f"a {type(unpickler.stack[-2]).__name__} has no state")
    state = unpickler.stack.pop()
    unpickler.stack[-1].__setstate__(state)


class GuardedUnpickler(_Unpickler):  # the C version does not allow checks of keys and trusts sizes
    """An unpickler with time and memory bounded by the pickle's length, if `find_class` is."""

    stateful: tuple[type, ...] = ()
    """Replacement classes that may have a state."""
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
    """Replaces `numpy.dtype`: numbers, booleans and fixed-length strings only."""

    def __init__(self, code: str | bytes, *_: object) -> None:
        self.dtype: np.dtype[Any] = np.dtype(_text(code))
        if self.dtype.kind not in "biufSU":
            raise TypeError(f"arrays of {self.dtype} are not supported")

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        order = _text(state[1])
        if order in ("<", ">"):
            self.dtype = self.dtype.newbyteorder(order)


class _Array:
    """Replaces `numpy.ndarray` while it is rebuilt."""

    def __init__(self) -> None:
        self.array: NDArray[Any] | None = None

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, fortran_order, raw = state
        self.fill(raw, dtype, shape, "F" if fortran_order else "C")

    def fill(self, raw: bytes, dtype: _Dtype, shape: tuple[int, ...], order: str) -> None:
        flat = np.frombuffer(raw, dtype.dtype)
        self.array = flat.reshape(shape, order="F" if order == "F" else "C")


def _reconstruct(*_: object) -> _Array:
    """Replaces `numpy.core.multiarray._reconstruct`; the state fills the array."""
    return _Array()


def _from_buffer(raw: bytes, dtype: _Dtype, shape: tuple[int, ...], order: str) -> _Array:
    """Replaces `numpy.core.numeric._frombuffer`, used by protocol 5."""
    array = _Array()
    array.fill(raw, dtype, shape, _text(order))
    return array


def _scalar(dtype: _Dtype, raw: bytes) -> object:
    """Replaces `numpy.core.multiarray.scalar`."""
    return np.frombuffer(raw, dtype.dtype)[0].item()


def _encode(text: str | bytes, encoding: str | bytes) -> bytes:
    """Replaces `_codecs.encode`, used for bytes by protocols 0 to 2 in Python 3."""
    if _text(encoding) != "latin1":
        raise ValueError(f"encoding {_text(encoding)} is not expected")
    return _text(text).encode("latin1")


def _bytes() -> bytes:
    """Replaces `bytes`, used for empty ones by the same protocols."""
    return b""


def _set(items: Iterable[object] = ()) -> set[object]:
    """Replaces `set`."""
    found = list(items)
    _refuse_containers(found)
    return set(found)


def _frozenset(items: Iterable[object] = ()) -> frozenset[object]:
    """Replaces `frozenset`."""
    return frozenset(_set(items))


def _ordered(pairs: Iterable[tuple[object, object]] = ()) -> dict[object, object]:
    """Replaces `collections.OrderedDict`."""
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
    """Convert replacement objects in dictionaries, lists and tuples to real values.

    Args:
        value: The unpickled value.
        done: Converted containers by id, so that shared containers do not take exponential time.
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
