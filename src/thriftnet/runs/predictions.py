"""The test logits of a run, and their file."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thriftnet.digests import open_archive, seal_archive
from thriftnet.errors import RunError
from thriftnet.files import read_bounded


@dataclass(frozen=True)
class Predictions:
    """Labels and logits of the test images, in order."""

    labels: NDArray[np.int64]
    """(N,)."""
    logits: dict[str, NDArray[np.float32]]
    """(N, classes) per test-time augmentation."""

    def to_bytes(self) -> bytes:
        """A compressed .npz archive with its SHA-256."""
        buffer = io.BytesIO()
        arrays: dict[str, Any] = {"labels": self.labels}
        arrays |= {f"logits_{tta}": logits for tta, logits in self.logits.items()}
        np.savez_compressed(buffer, **arrays)  # NumPy 2.1 would store allow_pickle as an array
        return seal_archive(buffer.getvalue())

    @classmethod
    def from_bytes(cls, content: bytes) -> Predictions:
        """Read the archive; nothing in it is executed.

        Raises:
            ValueError: It is damaged.
        """
        try:
            with np.load(io.BytesIO(open_archive(content)), allow_pickle=False) as arrays:
                labels = np.asarray(arrays["labels"], dtype=np.int64)
                logits = {
                    name.removeprefix("logits_"): np.asarray(arrays[name], dtype=np.float32)
                    for name in arrays.files
                    if name != "labels"
                }
        # Damaged bytes can raise almost any exception.
        except Exception as fault:
            raise ValueError(f"not an archive of predictions: {fault}") from None
        _check_shapes(labels, logits)
        return cls(labels, logits)


def _check_shapes(labels: NDArray[np.int64], logits: dict[str, NDArray[np.float32]]) -> None:
    """Check the shapes, that logits are finite, and that labels are valid classes.

    Raises:
        ValueError: They are not.
    """
    if labels.ndim != 1:
        raise ValueError("labels are not a vector")
    for tta, values in logits.items():
        if values.ndim != 2 or not np.isfinite(values).all():
            raise ValueError(f"logits of {tta} are not finite or no table")
        if len(labels) and not 0 <= labels.min() <= labels.max() < values.shape[1]:
            raise ValueError(f"labels are none of the classes of {tta}")


def read_predictions(path: Path, *, again: str) -> Predictions | None:
    """The predictions in a file; None if there is no file.

    Args:
        path: The file.
        again: Command that recreates it.

    Raises:
        RunError: The file is damaged.
    """
    if not path.is_file():
        return None
    try:
        return Predictions.from_bytes(read_bounded(path, most=2**30))
    except (OSError, ValueError):
        raise RunError(f"{path} is damaged; recreate it with: {again}") from None
