"""Opens a user's own pictures as a data set."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache, partial
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from thriftnet.data.dataset import Dataset
from thriftnet.data.index import SPLITS, Entry, Index, Omission
from thriftnet.data.inspection import Collection, listed
from thriftnet.data.opened import OpenDataset
from thriftnet.data.options import DatasetSpec, Fit
from thriftnet.data.own.also_there import also_there
from thriftnet.data.own.class_names import check_classes, label_positions, merged_spellings
from thriftnet.data.own.decoded import DecodedPictures
from thriftnet.data.own.decoded_cache import Listed, content_name, remembered_fit
from thriftnet.data.own.decoding import decode_all
from thriftnet.data.own.fit import choose_fit, sample_sizes
from thriftnet.data.own.groups import group_notes, with_groups
from thriftnet.data.own.messages import describe, refuse_omissions, summarise
from thriftnet.data.own.near_cache import cached_near_duplicates, near_duplicate_groups
from thriftnet.data.pictures import address_of, natural_key, special_kind
from thriftnet.data.places import recorded
from thriftnet.data.sources import SOURCES, tables
from thriftnet.data.sources.unread import why_unread
from thriftnet.data.splits import grouped_split, merge_groups
from thriftnet.data.statistics import statistics
from thriftnet.errors import DataError

_TEST_SEED = 0
"""Seed of the test split, independent of the run's seed so that runs are comparable."""
FORMS = (
    "a folder for each class, a table of file names and labels (.csv, .jsonl), .npz, .parquet or "
    "IDX files"
)


def open_own(path: Path, spec: DatasetSpec, *, say: Callable[[str], None]) -> OpenDataset:
    """Open a user's own pictures.

    Args:
        path: Folder or file in a form of `sources.SOURCES`.
        spec: How to open it.
        say: Called with one line of information at a time.

    Raises:
        DataError: There are no usable pictures, classes do not match, or the disk is full.
    """
    index = list_pictures(path, spec)
    content = content_name(index)
    auto = remembered_fit(content) or choose_fit(sample_sizes(index))
    fit, why = (spec.fit, "as data.fit says") if spec.fit != "auto" else auto
    listed = Listed(index, content, auto, given=path)
    pictures = listed.decoded(size=spec.image_size, fit=fit, say=say)
    entries = [index.entries[at] for at in pictures.at.tolist()]  # decodable ones
    omissions = [*index.omissions, *pictures.omissions]
    classes = _classes(entries, omissions, spec, path)
    labels = label_positions(entries, classes)
    near = near_duplicate_groups(listed, pictures, fit=fit, say=say)
    given = [entry.group for entry in entries]
    groups = merge_groups(len(entries), near, given)
    positions = _split(entries, labels, groups, spec)
    held_out = not any(entry.split == "test" for entry in entries)
    if spec.strict:
        refuse_omissions(path, omissions)
    learned = pictures.sums[positions["train"]] if "train" in positions else pictures.sums
    mean, std = statistics(learned, spec.image_size**2)
    collection = Collection(
        name=str(path),
        kind=index.kind,
        images=pictures.images,
        labels=labels,
        classes=classes,
        positions=positions,
        sizes=pictures.sizes,
        title=lambda at: str(entries[at].origin),
        near=cache(lambda: cached_near_duplicates(pictures, fit=fit, say=say)),
        fit=fit,
        decode=partial(_decode, index, entries),
        omissions=omissions,
        others=index.others,
        notes=[*index.notes, *_lost_classes(index, entries)],
        groups=given if any(given) else (),
    )
    share = spec.test_ratio if held_out else None
    told = describe(collection, near=near, groups=groups, why=why, held_out=share)
    for line in islice(told, 1 if spec.known else None):
        say(line)
    whole = Dataset(pictures.images, labels, classes, groups)
    return OpenDataset(
        name=str(recorded(path)),
        classes=classes,
        image_size=spec.image_size,
        mean=mean,
        std=std,
        splits={name: (lambda at=at: (whole, at)) for name, at in positions.items()},
        digests=lambda: {"sha256": _digest(pictures, entries, positions)},
        fit=fit,
        omissions=omissions,
        whole=(lambda: whole) if held_out else None,
        collection=lambda: collection,
    )


def _decode(
    index: Index, entries: Sequence[Entry], at: Sequence[int], size: int, fit: Fit
) -> Iterator[NDArray[np.uint8] | None]:
    """Pictures of some of the entries at a size and fit; None for one that cannot be read."""
    some = replace(index, entries=[entries[each] for each in at])
    for found in decode_all(some, size=size, fit=fit, say=lambda _: None):
        yield None if isinstance(found, str) else found.pixels


def list_pictures(path: Path, spec: DatasetSpec) -> Index:
    """Index a path with the first source that recognises it.

    Raises:
        DataError: The path does not exist or has no labelled pictures.
    """
    if not path.is_file() and not path.is_dir():
        if (address := address_of(path)) is not None:
            raise DataError(f"{address} is a URL; download the pictures and give their folder")
        kind = special_kind(path)
        what = f"is {kind}" if kind else "does not exist"
        raise DataError(f"{path} {what}; give {FORMS}")
    try:
        found = (source for source in SOURCES.values() if source.recognises(path))
        source = next(found, None)
        index = None if source is None else source.read_index(path, spec.options)
    except OSError as fault:
        raise DataError(f"{path} cannot be read: {fault.strerror}; check the path") from None
    if index is None:
        raise DataError(f"{path} {why_unread(path) or f'is not a data set; give {FORMS}'}")
    try:
        _check_labels(index, spec, path)  # before anything is decoded
    except DataError as fault:
        also = also_there(path, index, partial(list_pictures, spec=spec))
        raise DataError(f"{fault}{also}") from None
    index.entries = with_groups(index.entries, spec.options.group, where=str(path))
    index.notes += [*merged_spellings(index), *group_notes(index.entries)]
    return index


def _check_labels(index: Index, spec: DatasetSpec, path: Path) -> None:
    """Check that there are pictures of classes.

    Raises:
        DataError: There are none, or their classes cannot be used.
    """
    if not index.entries:
        first = f" ({index.omissions[0]})" if index.omissions else ""
        remedy = f"give {FORMS}"
        if index.kind == tables.KIND:
            remedy = f"write a file name that is relative to {index.root}, and a label, in each row"
            if index.omissions and not any(omission.about for omission in index.omissions):
                remedy = "fix its rows"  # which have other faults
        raise DataError(f"{path} holds no labelled picture{first}; {remedy}")
    _classes(index.entries, index.omissions, spec, path)


def _classes(
    entries: Sequence[Entry], omissions: Sequence[Omission], spec: DatasetSpec, path: Path
) -> tuple[str, ...]:
    """The classes; where they cannot be used, the error also has what was left out before."""
    try:
        return check_classes(entries, spec.classes, where=str(path))
    except DataError as fault:
        left_out = f". {summarise(omissions)}" if omissions else ""
        raise DataError(f"{fault}{left_out}") from None


def _lost_classes(index: Index, entries: Sequence[Entry]) -> list[str]:
    """A note on classes of which no picture can be decoded."""
    lost = {entry.label for entry in index.entries} - {entry.label for entry in entries}
    if not lost:
        return []
    names = listed(sorted(lost, key=natural_key))
    return [f"no picture of {names} can be read, so it is left out as a class"]


def _split(
    entries: Sequence[Entry],
    labels: NDArray[np.int64],
    groups: NDArray[np.int64],
    spec: DatasetSpec,
) -> dict[str, NDArray[np.int64]]:
    """Positions of each split; without a test split in the source, some are held out."""
    names = np.array([entry.split or "train" for entry in entries])
    found = {name: np.flatnonzero(names == name) for name in SPLITS}
    positions = {name: at for name, at in found.items() if len(at)}
    if "test" not in positions and "train" in positions and spec.test_ratio > 0:
        train = positions["train"]
        kept, held = grouped_split(
            labels[train], groups[train], ratio=spec.test_ratio, seed=_TEST_SEED
        )
        positions |= {"train": train[kept], "test": train[held]} if len(held) else {}
    return positions


def _digest(
    pictures: DecodedPictures, entries: Sequence[Entry], positions: dict[str, NDArray[np.int64]]
) -> str:
    """Digest of contents, labels and splits, independent of the location."""
    whole = hashlib.sha256(pictures.digests.tobytes())
    whole.update("".join(f"{entry.label}\0" for entry in entries).encode())
    for name, at in positions.items():
        whole.update(name.encode() + at.tobytes())
    return whole.hexdigest()
