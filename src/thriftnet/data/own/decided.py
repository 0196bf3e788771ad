"""Applies decisions on pictures to a data set."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from thriftnet.data.inspection import FITS, Collection
from thriftnet.data.opened import OpenDataset, Subset
from thriftnet.data.own.decisions import Decision, picture_digest, read_decisions, written
from thriftnet.errors import DataError

_NUMBER = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?(e[-+]?[0-9]+)?")
_UNDECIDED = "it has no decisions; save those of the audit page there"


def apply_decisions(data: OpenDataset, path: Path, *, say: Callable[[str], None]) -> OpenDataset:
    """Apply decisions to the train and val splits of a data set; test is not changed.

    Args:
        data: The data set.
        path: The file of decisions.
        say: Called with a line about what they change.

    Raises:
        DataError: The file is invalid, or lists pictures that are missing or changed.
    """
    if data.collection is None:
        raise DataError(f"{data.name} has no list of pictures, so that {path} cannot be applied")
    decisions, sha256 = read_decisions(path)
    collection = data.collection()
    kept, labels = _applied(collection, decisions, path)
    say(f"{path}: {_summary(collection, kept, labels) if decisions else _UNDECIDED}")

    def take(name: str) -> Subset:
        (whole, at), places = data.part(name), collection.positions[name]
        changed = whole.labels.copy()
        changed[at] = labels[places]
        return replace(whole, labels=changed), at[kept[places]]

    splits = {
        name: partial(take, name) if name in ("train", "val") else make
        for name, make in data.splits.items()
    }
    return replace(
        data,
        splits=splits,
        digests=lambda: {**data.digests(), "decisions": sha256},
        collection=lambda: _decided(collection, kept, labels),
    )


def _decided(
    collection: Collection, kept: NDArray[np.bool_], labels: NDArray[np.int64]
) -> Collection:
    """A collection as the splits are after the decisions."""
    positions, now = dict(collection.positions), collection.labels.copy()
    for name in {"train", "val"} & positions.keys():
        at = positions[name]
        positions[name], now[at] = at[kept[at]], labels[at]
    return replace(collection, positions=positions, labels=now)


def _summary(collection: Collection, kept: NDArray[np.bool_], labels: NDArray[np.int64]) -> str:
    """How many pictures change, and how many would if they were no test images."""
    learned = np.zeros(len(labels), bool)
    for name in ("train", "val"):
        learned[collection.positions.get(name, [])] = True
    relabelled, dropped = kept & (labels != collection.labels), ~kept
    counts = ((each & learned).sum() for each in (relabelled, dropped))
    text = "{:,} pictures relabelled, {:,} dropped".format(*counts)
    test = int(((relabelled | dropped) & ~learned).sum())
    return f"{text}; {test:,} more are test images, which stay as they are" if test else text


def _applied(
    collection: Collection, decisions: list[Decision], path: Path
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which pictures stay, and the labels of all."""
    places = _positions([collection.title(at) for at in range(len(collection.labels))])
    find_class = _class_finder(collection.classes)
    kept, labels = np.ones(len(collection.labels), bool), collection.labels.copy()
    _check_present(collection, decisions, places, path)
    for each in decisions:
        at = places[each.picture]
        if each.decision == "drop":
            kept[at] = False
        if each.decision == "relabel":
            found = find_class(each.new_label)
            if found is None:
                raise DataError(
                    f"{path}, {each.at}: {each.picture} would become {each.new_label!r}, which is "
                    f"not one of the classes {', '.join(collection.classes)}; correct new_label"
                )
            labels[at] = found
    train = collection.positions.get("train", np.empty(0, np.int64))
    for number, name in enumerate(collection.classes):
        if number in collection.labels[train] and number not in labels[train][kept[train]]:
            raise DataError(
                f"{path} leaves no picture of {name} to train on; keep one, or take the class out "
                "of the data set"
            )
    return kept, labels


def _positions(names: Sequence[str]) -> dict[str, int]:
    """Of pictures or classes, by what a file of decisions may call them.

    That is as an audit writes them or as they are, in a file that `read_rows` splits: it has no
    white space around a cell and one kind of line break. A name that is another's spelling wins.
    """
    spellings = [dict[str, int]() for _ in range(3)]
    for at, name in enumerate(names):
        for found, spelling in zip(
            spellings, (_as_cell(written(name)), _as_cell(name), name), strict=True
        ):
            found[spelling] = at
    return spellings[0] | spellings[1] | spellings[2]


def _class_finder(names: Sequence[str]) -> Callable[[str], int | None]:
    """A function that finds a class by what a file of decisions calls it.

    A spreadsheet saves 7 for 007, 1 for 1.0 and TRUE for true. What several classes would become is
    none of them, unless it is the name of one.
    """
    exact, saved = _positions(names), [_as_saved(name) for name in names]
    alike = {each: at for at, each in enumerate(saved) if saved.count(each) == 1}
    return lambda text: exact.get(text, alike.get(_as_saved(text)))


def _as_saved(name: str) -> str:
    """What is the same for a class and for the cell that a spreadsheet saves of it."""
    text = _as_cell(name).casefold()
    return repr(float(text)) if _NUMBER.fullmatch(text) else text


def _as_cell(name: str) -> str:
    return "\n".join(re.split("\r\n|\r|\n", name)).strip()


def _check_present(
    collection: Collection, decisions: list[Decision], places: Mapping[str, int], path: Path
) -> None:
    """Check that every picture exists and is the one that was reviewed."""
    gone = [each for each in decisions if each.picture not in places]
    if gone:
        more = f"nor are {len(gone) - 1:,} more; delete these lines" if gone[1:] else "delete it"
        raise DataError(
            f"{path}, {gone[0].at}: {gone[0].picture} is not among the pictures, {more}, or audit "
            "again"
        )
    changed = _unlike_reviewed(collection, decisions, places)
    for each in decisions:
        at = places[each.picture]
        if each in changed:
            raise DataError(
                f"{path}, {each.at}: {each.picture} is not the picture that was reviewed; delete "
                "its line, or audit again"
            )
        own = collection.classes[int(collection.labels[at])]
        if _class_finder([own])(each.label) is None:
            raise DataError(
                f"{path}, {each.at}: {each.picture} has the label {own!r} now, not {each.label!r}; "
                f"if a spreadsheet changed it, write {own} there, else delete the line"
            )


def _unlike_reviewed(
    collection: Collection, decisions: Sequence[Decision], places: Mapping[str, int]
) -> set[Decision]:
    """The decisions whose pictures are not those that were reviewed.

    A training may have another image size than the audit, or another fit, as pictures that were
    added have other shapes; those that differ are decoded again as they were reviewed.
    """

    def differs(each: Decision, pixels: NDArray[np.uint8] | None) -> bool:
        return pixels is None or each.digest.lower() != picture_digest(pixels)

    left = [each for each in decisions if differs(each, collection.images[places[each.picture]])]
    decode = collection.decode
    if decode is None:
        return set(left)
    for fit in sorted(FITS, key=lambda fit: fit != collection.fit):
        for side in {_side(each) for each in left} - {0}:
            some = [each for each in left if _side(each) == side]
            at = sorted({places[each.picture] for each in some})
            found = dict(zip(at, decode(at, side, fit), strict=True))
            left = [
                each
                for each in left
                if _side(each) != side or differs(each, found[places[each.picture]])
            ]
    return set(left)


def _side(each: Decision) -> int:
    """The size in pixels at which a picture was reviewed; 0 if the digest does not say it."""
    side = each.digest.partition(":")[0]
    return int(side) if re.fullmatch("[1-9][0-9]{1,2}", side) else 0
