"""An open data set: classes, splits, statistics and digests, independent of its source."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from thriftnet.data.dataset import Dataset
from thriftnet.data.index import Omission
from thriftnet.data.inspection import Collection
from thriftnet.data.options import Fit
from thriftnet.data.statistics import Triple, channel_sums, statistics
from thriftnet.errors import DataError

Subset = tuple[Dataset, NDArray[np.int64]]
"""A data set and the positions of the images to use."""


class NoSplitError(DataError):
    """A data set has no split of that name."""


@dataclass(frozen=True, eq=False)
class OpenDataset:
    """Labelled images in splits, with everything a training needs to know about them."""

    name: str
    """`cifar10`, or the path of a user's own pictures."""
    classes: tuple[str, ...]
    image_size: int
    """Height and width of the images, in pixels."""
    mean: Triple
    """Channel means of the training split, in [0, 1]."""
    std: Triple
    splits: Mapping[str, Callable[[], Subset]]
    """Any of `train`, `val` and `test`; called when needed."""
    digests: Callable[[], dict[str, str]]
    """Computes digests of the images, labels and splits."""
    fit: Fit = "crop"
    """How pictures were made square."""
    whole: Callable[[], Dataset] | None = None
    """All images, if the test split was held out here; None if the source defines it."""
    omissions: list[Omission] = field(default_factory=list[Omission])
    """Omitted pictures."""
    collection: Callable[[], Collection] | None = None
    """All pictures, for `inspect`; None for arrays in memory."""

    def split(self, name: str) -> Dataset:
        """The images of a split; copied unless they are in sequence.

        Raises:
            NoSplitError: There is none of that name.
        """
        whole, at = self.part(name)
        if len(at) == len(whole):
            return whole
        if not len(at) or at[-1] - at[0] + 1 != len(at):
            return whole.subset(at)
        part = slice(at[0], at[-1] + 1)
        groups = None if whole.groups is None else whole.groups[part]
        return Dataset(whole.images[part], whole.labels[part], whole.classes, groups)

    def find(self, name: str) -> Dataset | None:
        """The images of a split; None if there is no such split."""
        return self.split(name) if name in self.splits else None

    def part(self, name: str) -> Subset:
        """A split as ascending positions in a larger data set, which takes no copy.

        Raises:
            NoSplitError: There is none of that name.
        """
        if name not in self.splits:
            raise NoSplitError(
                f"{self.name} has no {name} split (only {', '.join(self.splits)}); add one"
            )
        return self.splits[name]()


def all_of(dataset: Dataset) -> Subset:
    """All images of a data set."""
    return dataset, np.arange(len(dataset))


def open_arrays(
    train: Dataset,
    test: Dataset | None = None,
    val: Dataset | None = None,
    *,
    name: str = "arrays",
) -> OpenDataset:
    """An open data set of arrays in memory, with the statistics of `train`."""
    given = {"train": train, "val": val, "test": test}
    given = {key: each for key, each in given.items() if each is not None}
    side = train.images.shape[1]
    mean, std = statistics(channel_sums(train.images), side**2)

    def digests() -> dict[str, str]:
        whole = hashlib.sha256()
        for key, each in given.items():
            whole.update(key.encode() + each.images.tobytes() + each.labels.tobytes())
        return {"sha256": whole.hexdigest()}

    splits = {key: partial(all_of, each) for key, each in given.items()}
    return OpenDataset(name, train.classes, side, mean, std, splits, digests)
