"""Labelled images in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from thriftnet.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled images; the arrays are read-only and may be memory-mapped.

    Attributes:
        images: (N, H, W, 3) uint8, RGB.
        labels: (N,) int64, positions in `classes`.
        classes: names of the classes.
        groups: (N,) int64; images of a group stay in one split. None: no groups.

    Raises:
        DataError: shapes or types differ from the above, or a label is outside `classes`.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    groups: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        if self.images.ndim != 4 or self.images.shape[3] != 3 or self.images.dtype != np.uint8:
            raise DataError(
                f"images are {self.images.shape} {self.images.dtype}; give (N, H, W, 3) uint8"
            )
        if self.labels.shape != self.images.shape[:1] or self.labels.dtype != np.int64:
            raise DataError(
                f"labels are {self.labels.shape} {self.labels.dtype} for {len(self.images)} "
                "images; give one int64 per image"
            )
        if len(self.labels) and not 0 <= self.labels.min() <= self.labels.max() < len(self.classes):
            raise DataError(
                f"labels run from {self.labels.min()} to {self.labels.max()}; "
                f"{len(self.classes)} classes allow 0 to {len(self.classes) - 1}"
            )
        if self.groups is not None and self.groups.shape != self.labels.shape:
            raise DataError(
                f"groups are {self.groups.shape} for {len(self.labels)} images; give one per image"
            )
        for name in ("images", "labels", "groups"):
            if getattr(self, name) is None:
                continue
            view = getattr(self, name).view()  # the caller's array stays writable
            view.flags.writeable = False
            object.__setattr__(self, name, view)

    def __len__(self) -> int:
        return len(self.labels)

    def subset(self, indices: NDArray[np.integer] | Sequence[int]) -> Dataset:
        """Returns a copy of the examples at `indices`, in that order."""
        chosen = np.asarray(indices, dtype=np.int64)
        groups = None if self.groups is None else self.groups[chosen]
        return Dataset(self.images[chosen], self.labels[chosen], self.classes, groups)
