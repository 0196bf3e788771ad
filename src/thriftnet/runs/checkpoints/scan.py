"""A checkpoint's pickle, looked through before torch reads it: the file may come from anywhere.

torch's own reader executes nothing, and trusts keys and sizes: the hash of a tuple that holds
another twice, sixty levels down, takes for ever, and a tensor may repeat one value 10^12 times.
"""

from __future__ import annotations

import io
import math
import zipfile
from typing import Any

from thriftnet.data.unpickle import GuardedUnpickler

_PICKLE = "/data.pkl"
_MOST_PICKLED = 2**26
"""Bytes: hundreds of tensors take some ten thousand."""


def scan_checkpoint(archive: bytes) -> None:
    """See that torch can read an archive in bounded time and memory.

    Raises:
        ValueError: It cannot, or it is no archive of torch's.
    """
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        found = [each for each in opened.infolist() if each.filename.endswith(_PICKLE)]
        if len(found) != 1 or found[0].file_size > _MOST_PICKLED:
            raise ValueError("it has no pickle that torch wrote")
        _Scanner(io.BytesIO(opened.read(found[0]))).load()


class _Mapping(dict[Any, Any]):
    """Stands for `OrderedDict`, filled key by key, to which `state_dict` adds attributes."""

    def __init__(self) -> None: ...

    def __setstate__(self, state: object) -> None: ...


class _Scanner(GuardedUnpickler):
    """Goes through a pickle without making a tensor."""

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
        """How many values a storage has."""
        return int(pid[4])


def _check_tensor(values: int, offset: int, size: tuple[int, ...], *_: object) -> None:
    """Stands for what makes a tensor, which may be no larger than its storage."""
    if offset + math.prod(size) > values:
        raise ValueError(f"a tensor of {math.prod(size):,} values has {values:,}")
