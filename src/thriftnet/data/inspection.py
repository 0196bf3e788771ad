"""Inspects a data set: classes, splits, sizes, near-duplicates and omissions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thriftnet.data.index import Omission
from thriftnet.data.near_duplicates.find import NearDuplicates
from thriftnet.data.options import Fit

FITS: dict[Fit, str] = {
    "crop": "cropped to their central squares",
    "pad": "padded with white to squares",
    "squash": "squashed to squares",
}
"""How pictures are made square, in messages."""
IMBALANCED = 2.0
"""Ratio of the largest to the smallest class from which a data set counts as imbalanced."""


@dataclass(frozen=True, eq=False)
class Collection:
    """All labelled pictures of a data set, across splits."""

    name: str
    kind: str
    images: NDArray[np.uint8]
    """(N, H, W, 3)."""
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    positions: Mapping[str, NDArray[np.int64]]
    """Positions of the pictures of each split."""
    sizes: NDArray[np.integer]
    """(N, 2) original width and height."""
    title: Callable[[int], str]
    """Location of a picture."""
    near: Callable[[], NearDuplicates]
    fit: Fit = "crop"
    decode: Callable[[Sequence[int], int, Fit], Iterable[NDArray[np.uint8] | None]] | None = None
    """Some pictures, by ascending position, at another size and fit; None for one that has become
    unreadable. None: there is no other form of them."""
    omissions: Sequence[Omission] = ()
    others: Mapping[str, int] = field(default_factory=dict[str, int])
    """Number of other files, by suffix."""
    notes: Sequence[str] = ()
    """Remarks, such as which columns are used."""
    groups: Sequence[str | None] = ()
    """The group of each picture by the user's rule; empty without one."""


@dataclass(frozen=True)
class Duplicates:
    """Groups of near-duplicates as sorted positions."""

    copies: int
    """Pictures with the same pixels as an earlier one."""
    groups: tuple[tuple[int, ...], ...]
    across_splits: tuple[tuple[int, ...], ...]
    across_labels: tuple[tuple[int, ...], ...]
    leaked: Mapping[str, int]
    """Pictures of each other split that have a near-duplicate in train."""

    @property
    def pictures(self) -> int:
        """Number of pictures in groups."""
        return sum(map(len, self.groups))


@dataclass(frozen=True)
class Inspection:
    """The result of `thriftnet inspect`."""

    name: str
    kind: str
    counts: Mapping[str, Mapping[str, int]]
    """Pictures by split and class."""
    widths: tuple[int, int, int]
    """Smallest, median and largest, in pixels."""
    heights: tuple[int, int, int]
    aspects: tuple[float, float, float]
    """Width over height: smallest, median and largest."""
    square: int
    grey: int
    """Greyscale pictures."""
    fit: Fit
    duplicates: Duplicates
    omissions: tuple[Omission, ...]
    others: Mapping[str, int]
    notes: tuple[str, ...] = ()

    @property
    def pictures(self) -> int:
        """Number of pictures."""
        return sum(sum(split.values()) for split in self.counts.values())

    def warnings(self) -> list[str]:
        """Warnings, then remarks."""
        found = [*warnings(self.counts, self.duplicates), *self.notes]
        if "test" in self.counts:
            return found
        return [
            "no picture is held out to test, so a network that trains on these is not evaluated; "
            "add pictures or a test split, or raise data.test_ratio",
            *found,
        ]

    def to_json(self, title: Callable[[int], str]) -> dict[str, Any]:
        """JSON values; pictures by their titles."""
        found = asdict(self)
        for key in ("across_splits", "across_labels", "groups"):
            groups: tuple[tuple[int, ...], ...] = getattr(self.duplicates, key)
            found["duplicates"][key] = [[title(at) for at in group] for group in groups]
        found["omissions"] = [
            {"where": omission.where, "reason": omission.fault} for omission in self.omissions
        ]
        largest, smallest, ratio = imbalance(self.counts)
        found["imbalance"] = {"largest": largest, "smallest": smallest, "ratio": ratio}
        return {"pictures": self.pictures, **found, "warnings": self.warnings()}


def inspect(collection: Collection) -> Inspection:
    """Inspect a collection."""
    width, height = collection.sizes.T
    near, labels, positions = collection.near(), collection.labels, collection.positions
    low, middle, high = (float(f"{a:.4g}") for a in np.quantile(width / height, (0, 0.5, 1)))
    return Inspection(
        name=collection.name,
        kind=collection.kind,
        counts=count_classes(labels, collection.classes, positions),
        widths=_spread(width),
        heights=_spread(height),
        aspects=(low, middle, high),
        square=int((width == height).sum()),
        grey=_count_grey(collection.images),
        fit=collection.fit,
        duplicates=find_duplicates(near.groups, labels, positions, copies=int(near.copies.sum())),
        omissions=tuple(collection.omissions),
        others=dict(Counter(collection.others).most_common()),
        notes=tuple(collection.notes),
    )


def find_duplicates(
    numbers: NDArray[np.int64],
    labels: NDArray[np.int64],
    positions: Mapping[str, NDArray[np.int64]],
    *,
    copies: int = 0,
) -> Duplicates:
    """Classify groups of near-duplicates by the splits and labels that they span.

    Args:
        numbers: (N,) group of each picture.
        labels: (N,).
        positions: Positions of the pictures of each split.
        copies: Pictures with the same pixels as an earlier one.
    """
    split = np.full(len(labels), -1)
    for number, at in enumerate(positions.values()):
        split[at] = number
    _, kind, size = np.unique(numbers, return_inverse=True, return_counts=True)
    several = np.flatnonzero(size[kind] > 1)
    order = several[np.argsort(kind[several], kind="stable")]
    cuts = np.flatnonzero(np.diff(kind[order])) + 1
    groups = sorted(np.split(order, cuts), key=lambda g: g[0]) if len(order) else []
    leaked = dict.fromkeys((name for name in positions if name != "train"), 0)
    names = list(positions)
    for group in groups:
        here = split[group]
        if "train" in names and names.index("train") in here:
            for name in leaked:
                leaked[name] += int((here == names.index(name)).sum())
    return Duplicates(
        copies=copies,
        groups=_as_tuples(groups),
        across_splits=_as_tuples(g for g in groups if len(set(split[g].tolist())) > 1),
        across_labels=_as_tuples(g for g in groups if len(set(labels[g].tolist())) > 1),
        leaked=leaked,
    )


def count_classes(
    labels: NDArray[np.int64],
    classes: Sequence[str],
    positions: Mapping[str, NDArray[np.int64]],
) -> dict[str, dict[str, int]]:
    """Pictures by split and class."""
    counts = {
        name: np.bincount(labels[at], minlength=len(classes)).tolist()
        for name, at in positions.items()
    }
    return {name: dict(zip(classes, each, strict=True)) for name, each in counts.items()}


def warnings(counts: Mapping[str, Mapping[str, int]], same: Duplicates) -> Iterator[str]:
    """Sentences on problems of a data set.

    Args:
        counts: Pictures by split and class.
        same: The near-duplicates.
    """
    if same.groups:
        text = f"{same.pictures:,} pictures are near-duplicates, in {_groups(len(same.groups))}"
        yield text + (f"; exact copies: {same.copies:,}" * bool(same.copies))
    for name, count in same.leaked.items():
        if count:
            share = count / sum(counts[name].values())
            pictures, have = ("picture", "has") if count == 1 else ("pictures", "have")
            yield (
                f"{count:,} {name} {pictures} ({share:.1%}) {have} a near-duplicate in train, so "
                f"the {name} accuracy is optimistic"
            )
    if same.across_labels:
        have = "has" if len(same.across_labels) == 1 else "have"
        yield f"{_groups(len(same.across_labels))} of near-duplicates {have} more than one label"
    largest, smallest, ratio = imbalance(counts)
    if ratio >= IMBALANCED:
        yield (
            f"classes are imbalanced: train has {ratio:.1f} times as many pictures of {largest} as "
            f"of {smallest}"
        )
    for name in counts:
        absent = [label for label, count in counts[name].items() if not count]
        if absent:
            they = "it" if len(absent) == 1 else "they"
            trained = "" if name == "train" else f"; {they} cannot be tested"
            yield f"{name} has no picture of {listed(absent)}{trained}"


def imbalance(counts: Mapping[str, Mapping[str, int]]) -> tuple[str, str, float]:
    """The largest and the smallest class of train, and their ratio."""
    train = counts.get("train") or next(iter(counts.values()))
    present = {label: count for label, count in train.items() if count}
    largest, smallest = max(present, key=present.__getitem__), min(present, key=present.__getitem__)
    return largest, smallest, present[largest] / present[smallest]


def listed(words: Sequence[str], shown: int = 6) -> str:
    """Such as `cat, dog and 3 more`."""
    more = f" and {len(words) - shown:,} more" if len(words) > shown else ""
    return ", ".join(words[:shown]) + more


def _groups(count: int) -> str:
    return f"{count:,} group{'s' * (count != 1)}"


def _spread(values: NDArray[np.integer]) -> tuple[int, int, int]:
    return int(values.min()), int(np.median(values)), int(values.max())


def _as_tuples(groups: Any) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(group.tolist()) for group in groups)


def _count_grey(images: NDArray[np.uint8]) -> int:
    count = 0
    for start in range(0, len(images), 1000):
        some = images[start : start + 1000]
        count += int((some == some[..., :1]).all(axis=(1, 2, 3)).sum())
    return count
