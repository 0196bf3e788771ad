"""Opens data sets by name or path."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from thriftnet.data.cifar10.facts import CIFAR10_CLASSES
from thriftnet.data.cifar10.load import cached_cifar10
from thriftnet.data.cifar10.open import holds_cifar10, open_cifar10
from thriftnet.data.opened import OpenDataset
from thriftnet.data.options import DatasetSpec
from thriftnet.data.own.class_names import check_classes
from thriftnet.data.own.decided import apply_decisions
from thriftnet.data.own.open import list_pictures, open_own
from thriftnet.errors import DataError
from thriftnet.plain import to_stderr


class NamedDataset(NamedTuple):
    """A data set with a name in recipes."""

    open: Callable[..., OpenDataset]
    """Opens it by a `DatasetSpec`, with `say` for messages."""
    classes: tuple[str, ...]
    holds: Callable[[Path], bool]
    """Whether a path contains this data set."""
    is_at_hand: Callable[[], bool]
    """Whether it can be opened without fetching."""


DATASETS = {
    "cifar10": NamedDataset(
        open_cifar10, CIFAR10_CLASSES, holds_cifar10, lambda: cached_cifar10() is not None
    ),
}
"""Named data sets; any other is a path."""


def open_dataset(spec: DatasetSpec, *, say: Callable[[str], None] = to_stderr) -> OpenDataset:
    """Open the data set of a recipe or a user's path.

    A `spec.source` with CIFAR-10 in an official form is read as CIFAR-10, whatever `spec.dataset`
    is; any other is a user's own pictures.

    Raises:
        DataError: It cannot be opened, has no usable pictures, or has other classes than required.
    """
    found = name_of(spec)
    if found in DATASETS:
        data = DATASETS[found].open(spec, say=say)
    else:
        data = open_own(Path(found), spec, say=say)
    if spec.decisions is None:
        return data
    return apply_decisions(data, spec.decisions, say=(lambda _: None) if spec.known else say)


def name_of(spec: DatasetSpec) -> str:
    """What `open_dataset` opens: a key of `DATASETS`, or the path of own pictures.

    Raises:
        DataError: It is neither a known name nor an existing path.
    """
    if spec.source is not None:
        source = spec.source.expanduser()
        named = (name for name, each in DATASETS.items() if each.holds(source))
        return next(named, str(source))
    if spec.dataset in DATASETS:
        return spec.dataset
    check_dataset(spec.dataset, key="data.dataset=", remedy="give its path with --data PATH")
    return str(Path(spec.dataset).expanduser())


def check_dataset(dataset: str, *, key: str = "", remedy: str = "check the path") -> None:
    """Check that a data set is a key of `DATASETS` or a path that exists.

    Args:
        dataset: As given.
        key: What precedes it in the message.
        remedy: What to do, unless a key is spelled much like it.

    Raises:
        DataError: It is neither.
    """
    if dataset in DATASETS or Path(dataset).expanduser().exists():
        return
    near = difflib.get_close_matches(dataset, DATASETS, 1)
    hint = f"did you mean {near[0]}?" if near else remedy
    raise DataError(
        f"{key}{dataset} is neither a path that exists nor a named data set "
        f"({', '.join(DATASETS)}); {hint}"
    )


def known_classes(dataset: str) -> tuple[str, ...] | None:
    """The classes of a named data set; None for own pictures."""
    return DATASETS[dataset].classes if dataset in DATASETS else None


@functools.lru_cache(maxsize=16)
def num_classes(spec: DatasetSpec) -> int:
    """Number of classes of a data set, without decoding pictures.

    Raises:
        DataError: There is no such data set, or it has no usable pictures.
    """
    known = known_classes(spec.dataset)
    if known is not None:
        return len(known)
    path = Path(name_of(spec))
    return len(check_classes(list_pictures(path, spec).entries, None, where=str(path)))


def is_at_hand(dataset: str) -> bool:
    """Whether a data set can be opened without fetching."""
    named = DATASETS.get(dataset)
    return named.is_at_hand() if named else Path(dataset).exists()
