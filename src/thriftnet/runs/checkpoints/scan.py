"""Scans a checkpoint's pickle before torch reads it, as files may be untrusted.

torch's reader with `weights_only` executes nothing but does not limit resources: hashing a tuple
nested twice per level is exponential, and a tensor with stride 0 may have 10^12 elements.
"""

from __future__ import annotations

import io
import math
import zipfile
from typing import Any

from thriftnet.data.unpickle import GuardedUnpickler

_PICKLE = "/data.pkl"
_MOST_PICKLED = 2**26
"""Bytes; hundreds of tensors take some ten thousand."""


def scan_checkpoint(archive: bytes) -> None:
    """Check that torch can read an archive in bounded time and memory.

    Raises:
        ValueError: It cannot, or it is not a torch archive.
    """
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        found = [each for each in opened.infolist() if each.filename.endswith(_PICKLE)]
        if len(found) != 1 or found[0].file_size > _MOST_PICKLED:
            raise ValueError("it has no pickle that torch wrote")
        _Scanner(io.BytesIO(opened.read(found[0]))).load()


class _Mapping(dict[Any, Any]):
    """Replaces `OrderedDict`, with the attributes that `state_dict` adds."""

    def __init__(self) -> None: ...

    def __setstate__(self, state: object) -> None: ...


class _Scanner(GuardedUnpickler):
    """Unpickles without creating tensors."""

    stateful = (_Mapping,)

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return _Mapping
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _check_tensor
        if module == "torch" and name.endswith("Storage"):
            return name
        raise ValueError(f"it names {module}.{name}")

    def persistent_load(self, pid: Any) -> int:
        """Number of elements of a storage."""
        return int(pid[4])


def _check_tensor(values: int, offset: int, size: tuple[int, ...], *_: object) -> None:
    """Replaces torch's tensor constructor: checks that the tensor fits its storage."""
    if offset + math.prod(size) > values:
        raise ValueError(f"a tensor of {math.prod(size):,} values has {values:,}")
