"""Reads and verifies the weights of a model file as NumPy arrays, without torch."""

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
    """SHA-256 over names, types, shapes and values, independent of their order."""
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(json.dumps([name, array.dtype.str, array.shape]).encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def digest_halved(arrays: Arrays) -> str:
    """The digest after conversion of matrices and kernels to half precision."""
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
    """The name of an array with an infinity or a NaN; None if all are finite."""
    return next((name for name, array in arrays.items() if not np.isfinite(array).all()), None)


def read_shapes(path: Path) -> dict[str, list[int]]:
    """Names and shapes of a file's weights, without reading them.

    Raises:
        RunError: The file is damaged.
    """
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            return {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118
    except (OSError, safetensors.SafetensorError) as fault:
        raise damaged(path, str(fault)) from None


def read_arrays(path: Path, *, sha256: str | None) -> dict[str, NDArray[Any]]:
    """Read a file's weights.

    Args:
        path: The file.
        sha256: Expected digest, from its metadata; None in files of earlier versions.

    Raises:
        RunError: The file is damaged.
    """
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    # TypeError: a dtype that NumPy lacks.
    except (OSError, TypeError, safetensors.SafetensorError) as fault:
        raise damaged(path, str(fault)) from None
    if sha256 is not None and digest_arrays(arrays) != sha256:
        raise damaged(path, "its weights do not match their SHA-256")
    return arrays


def check_model_file(path: Path) -> None:
    """Check that a model file is intact.

    Raises:
        RunError: It is missing, damaged or not a thriftnet model.
    """
    read_arrays(path, sha256=read_facts(path).weights_sha256)
