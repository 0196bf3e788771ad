"""Decisions on pictures from a review, and applying them to a data set.

A CSV file with a line per picture: `picture`, `digest`, `label`, `decision` (keep, relabel, drop or
empty) and `new_label`. The digest is of the reviewed pixels, so that another picture of the same
name is not changed.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thriftnet.cells import safe_cell
from thriftnet.data.inspection import Collection
from thriftnet.data.opened import OpenDataset, Subset
from thriftnet.errors import DataError
from thriftnet.files import read_bounded

COLUMNS = ("picture", "digest", "label", "decision", "new_label")
DECISIONS = ("keep", "relabel", "drop")
_MOST_BYTES = 2**27


def written(name: str) -> str:
    """A picture or class as the file names it: text in UTF-8 that no spreadsheet takes for more."""
    return str(
        safe_cell(name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace"))
    )


@dataclass(frozen=True)
class Decision:
    """The decision on one picture."""

    picture: str
    digest: str
    label: str
    """Label at the time of the review."""
    decision: str
    new_label: str


def picture_digest(pixels: NDArray[np.uint8]) -> str:
    """Identifies a decoded picture: its side, and 16 hex digits of a digest of its pixels."""
    return f"{len(pixels)}:{hashlib.sha256(np.ascontiguousarray(pixels).data).hexdigest()[:16]}"


def read_decisions(path: Path) -> tuple[list[Decision], str]:
    """The decisions in a file, without empty ones, and the file's SHA-256.

    Raises:
        DataError: The file cannot be read, lacks a column, or has an unknown decision.
    """
    try:
        content = read_bounded(path, most=_MOST_BYTES)
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
        rows: list[dict[str, Any]] = list(reader)
    except OSError as fault:
        raise DataError(f"{path} cannot be read: {fault.strerror}; check the path") from None
    except (UnicodeDecodeError, csv.Error) as fault:
        raise DataError(f"{path} is not a CSV file in UTF-8 ({fault}); save it as one") from None
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise DataError(
            f"{path} lacks the column {', '.join(missing)}; keep the columns of the file that "
            "thriftnet audit wrote, separated by commas"
        )
    found: dict[str, Decision] = {}
    for number, row in enumerate(rows, start=2):
        each = Decision(*(str(row[name] or "") for name in COLUMNS))
        if fault := _wrong_with(each, found.get(each.picture)):
            raise DataError(f"{path} line {number}: {fault}")
        if each.decision:
            found[each.picture] = each
    return list(found.values()), hashlib.sha256(content).hexdigest()


def _wrong_with(each: Decision, before: Decision | None) -> str | None:
    """What is wrong with a line by itself, and beside an earlier one of the same picture."""
    if each.decision not in ("", *DECISIONS):
        return f"{each.decision!r} is not one of {', '.join(DECISIONS)}; correct it"
    if each.new_label and each.decision != "relabel":
        return f"new_label {each.new_label!r} is for the decision relabel; write that, or empty it"
    if before and each.decision and each != before:
        return f"{each.picture} has another decision in an earlier line; delete one of them"
    return None


def apply_decisions(data: OpenDataset, path: Path) -> OpenDataset:
    """Apply decisions to the train and val splits of a data set; test is not changed.

    Raises:
        DataError: The file is invalid, or lists pictures that are missing or changed.
    """
    if data.collection is None:
        raise DataError(f"{data.name} has no list of pictures, so that {path} cannot be applied")
    decisions, sha256 = read_decisions(path)
    collection = data.collection()
    kept, labels = _applied(collection, decisions, path)

    def take(name: str) -> Subset:
        (whole, at), places = data.part(name), collection.positions[name]
        changed = whole.labels.copy()
        changed[at] = labels[places]
        return replace(whole, labels=changed), at[kept[places]]

    splits = {
        name: partial(take, name) if name in ("train", "val") else make
        for name, make in data.splits.items()
    }
    return replace(data, splits=splits, digests=lambda: {**data.digests(), "decisions": sha256})


def _applied(
    collection: Collection, decisions: list[Decision], path: Path
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which pictures stay, and the labels of all."""
    titles = [collection.title(at) for at in range(len(collection.labels))]
    places = {written(title): at for at, title in enumerate(titles)}
    places |= {title: at for at, title in enumerate(titles)}  # of files from elsewhere
    classes = _positions(collection.classes)
    kept, labels = np.ones(len(collection.labels), bool), collection.labels.copy()
    _check_present(collection, decisions, places, path)
    for each in decisions:
        at = places[each.picture]
        if each.decision == "drop":
            kept[at] = False
        if each.decision == "relabel":
            if each.new_label not in classes:
                raise DataError(
                    f"{path}: {each.picture} would become {each.new_label!r}, which is none of the "
                    f"classes {', '.join(collection.classes)}; correct new_label"
                )
            labels[at] = classes[each.new_label]
    train = collection.positions.get("train", np.empty(0, np.int64))
    for number, name in enumerate(collection.classes):
        if number in collection.labels[train] and number not in labels[train][kept[train]]:
            raise DataError(
                f"{path} leaves no picture of {name} to train on; keep one, or take the class out "
                "of the data set"
            )
    return kept, labels


def _positions(classes: Sequence[str]) -> dict[str, int]:
    """Of classes, as they are called and as the file writes them."""
    found = {written(name): at for at, name in enumerate(classes)}
    return found | {name: at for at, name in enumerate(classes)}


def _check_present(
    collection: Collection, decisions: list[Decision], places: Mapping[str, int], path: Path
) -> None:
    """Check that every picture exists and is the one that was reviewed."""
    gone = [each.picture for each in decisions if each.picture not in places]
    if gone:
        raise DataError(
            f"{path} has {len(gone):,} lines of pictures that do not exist, the first of "
            f"{gone[0]}; delete them, or audit again"
        )
    for each in decisions:
        at = places[each.picture]
        now = picture_digest(collection.images[at])
        if each.digest != now:
            side, found = each.digest.partition(":")[0], now.partition(":")[0]
            reason = (
                f"was audited at {side} pixels and is decoded at {found}; set "
                f"data.image_size={side}"
                if side.isdigit() and side != found
                else "is not the picture that was reviewed; delete its line, or audit again"
            )
            raise DataError(f"{path}: {each.picture} {reason}")
        own = collection.classes[int(collection.labels[at])]
        if each.label not in (own, written(own)):
            raise DataError(
                f"{path}: the label of {each.picture} is no longer {each.label!r}; delete its "
                "line, or audit again"
            )
