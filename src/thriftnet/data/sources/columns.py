"""Identifies the columns of a table by the user's options, their names or their content."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from thriftnet.data.options import SourceOptions
from thriftnet.errors import DataError, NoColumnError

_NAMES = {
    "image": "file_name filename file filepath file_path path image_path image_file image img "
    "picture photo image_name img_path image_id img_id photo_id id",
    "label": "label class category target labels class_name label_name species y",
    "split": "split subset partition",
    "group": "group group_id",
}


_NO_LABELS = {"", "unnamed: 0", "index", "id", "image_id", "img_id", "photo_id"}
"""Names of columns that are row numbers or ids, not labels."""


@dataclass(frozen=True)
class Columns:
    """Positions of the used columns."""

    image: int
    label: int
    split: int | None
    group: int | None


def choose_columns(
    names: Sequence[str],
    options: SourceOptions,
    *,
    where: str,
    names_pictures: Callable[[int], bool],
    named: bool = True,
) -> Columns:
    """Identify the columns of a table.

    Without a header, the label column is assumed to follow the image column.

    Args:
        names: Names of the columns, in order.
        options: The user's options.
        where: The table, for messages.
        names_pictures: Whether a column contains names of picture files.
        named: Whether the table has a header; otherwise columns are numbered.

    Raises:
        DataError: A given column does not exist, or a column cannot be identified.
    """
    image = _find(names, "image", options.image_column, where)
    if image is None or (options.image_column is None and not names_pictures(image)):
        holding = [at for at in range(len(names)) if names_pictures(at)]
        image = holding[0] if holding else image
    split = _find(names, "split", options.split_column, where)
    asked = options.group if options.group in names else None
    grouped = _find(names, "group", asked, where)
    label = _find(names, "label", options.label_column, where)
    if label is None:
        left = [at for at in range(len(names)) if at not in {image, split, grouped}]
        if not named and image is not None:
            left = [at for at in left if at > image][:1] or left[:1]
        elif len(left) > 1:
            left = [at for at in left if names[at].strip().casefold() not in _NO_LABELS]
        label = left[0] if len(left) == 1 else None
    for kind, found in (("image", image), ("label", label)):
        if found is None:
            what = "has the file names" if kind == "image" else "holds the labels"
            raise DataError(
                f"{where}: it is not clear which column {what}; give --set "
                f"data.{kind}_column=NAME, one of {', '.join(names)}"
            )
    if options.group != asked:
        grouped = None  # a rule for paths replaces a column that was only guessed
    assert image is not None
    assert label is not None
    if image == label:
        raise DataError(
            f"{where}: the column {names[image]} cannot hold both file names and labels; give "
            "--set data.label_column=NAME"
        )
    return Columns(image, label, split, grouped)


def is_usual(name: str) -> bool:
    """Whether this is a common name of the image column."""
    return name.strip().casefold() in _NAMES["image"].split()


def has_no_labels(names: Sequence[str], label: str | None) -> bool:
    """Whether a table lacks the label column of others, as a competition's test table does.

    Args:
        names: Names of the columns.
        label: Name of the label column of another table of the data set; None: there is none.
    """
    return label is not None and label not in names and not names_labels(names)


def names_labels(names: Sequence[str]) -> bool:
    """Whether a column has a common name of the label column."""
    return _usual(names, "label") is not None


def _find(names: Sequence[str], kind: str, given: str | None, where: str) -> int | None:
    """The position of a column, by the user's option or by common names."""
    if given is not None:
        if given in names:
            return names.index(given)
        if given.isdecimal() and 1 <= int(given) <= len(names):
            return int(given) - 1
        raise NoColumnError(
            f"{where} has no column {given}; it has {', '.join(names)}", key=f"{kind}_column"
        )
    return _usual(names, kind)


def _usual(names: Sequence[str], kind: str) -> int | None:
    """The position of a column with a common name, such as `label` or `image.label`."""
    whole = [name.strip().casefold() for name in names]
    for known in (whole, [name.rpartition(".")[2] for name in whole]):
        for name in _NAMES[kind].split():
            if name in known:
                return known.index(name)
    return None
