"""What a network said of the test images, as it is kept in a run."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Predictions:
    """What a network said of the test images, in their order."""

    labels: NDArray[np.int64]
    """(N,)."""
    logits: dict[str, NDArray[np.float32]]
    """(N, classes) for each way of test-time augmentation that was read."""

    def to_bytes(self) -> bytes:
        """A compressed .npz archive."""
        buffer = io.BytesIO()
        arrays: dict[str, Any] = {"labels": self.labels}
        arrays |= {f"logits_{tta}": logits for tta, logits in self.logits.items()}
        np.savez_compressed(buffer, **arrays)  # NumPy 2.1 takes allow_pickle for an array
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> Predictions:
        """Read the archive; nothing in it is executed.

        Raises:
            ValueError: It is damaged.
        """
        try:
            _refuse_bomb(content)
            with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                labels = np.asarray(arrays["labels"], dtype=np.int64)
                logits = {
                    name.removeprefix("logits_"): np.asarray(arrays[name], dtype=np.float32)
                    for name in arrays.files
                    if name != "labels"
                }
        # Damaged bytes can make the reader raise nearly anything.
        except Exception as fault:
            raise ValueError(f"not an archive of predictions: {fault}") from None
        return cls(labels, logits)


def _refuse_bomb(content: bytes) -> None:
    """See that an archive unpacks to little more than it holds: logits hardly shrink.

    Raises:
        ValueError: It unpacks to far more.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > 2**24 + 16 * len(content):
        raise ValueError(f"it unpacks to {unpacked:,} bytes")
