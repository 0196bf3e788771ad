"""The weights of a model file as arrays, whether they are what was written and finite; no torch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
from numpy.typing import NDArray

from thriftnet.models.metadata import damaged, read_facts

Arrays = Mapping[str, NDArray[Any]]


def digest_arrays(arrays: Arrays) -> str:
    """SHA-256 over names, types, shapes and values, whatever their order in a file."""
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(json.dumps([name, array.dtype.str, array.shape]).encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def digest_halved(arrays: Arrays) -> str:
    """The digest of weights whose matrices and kernels are in half precision, or would be."""
    with np.errstate(over="ignore"):
        return digest_arrays(
            {
                name: array.astype(np.float16)
                if array.ndim > 1 and array.dtype.kind == "f"
                else array
                for name, array in arrays.items()
            }
        )


def find_not_finite(arrays: Arrays) -> str | None:
    """The name of an array with an infinity or a NaN; none where all are finite."""
    return next((name for name, array in arrays.items() if not np.isfinite(array).all()), None)


def read_shapes(path: Path) -> dict[str, list[int]]:
    """Names and shapes of a file's weights; none of them is read.

    Raises:
        RunError: The file is damaged.
    """
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            return {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118
    except (OSError, safetensors.SafetensorError) as fault:
        raise damaged(path, str(fault)) from None


def read_arrays(path: Path, *, sha256: str | None) -> dict[str, NDArray[Any]]:
    """A file's weights.

    Args:
        path: Of the file.
        sha256: That its metadata give; none in files of earlier versions.

    Raises:
        RunError: The file is damaged.
    """
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    # TypeError: a type that NumPy does not have, and no file of ours.
    except (OSError, TypeError, safetensors.SafetensorError) as fault:
        raise damaged(path, str(fault)) from None
    if sha256 is not None and digest_arrays(arrays) != sha256:
        raise damaged(path, "its weights do not match their SHA-256")
    return arrays


def check_model_file(path: Path) -> None:
    """See that a model file is what was written, as before its checkpoints are deleted.

    Raises:
        RunError: It is missing, damaged or not one of ours.
    """
    read_arrays(path, sha256=read_facts(path).weights_sha256)
