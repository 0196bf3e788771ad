"""Paths as they are recorded, so that they mean the same later and in another folder."""

from __future__ import annotations

import os
from pathlib import Path

from thriftnet.errors import DataError


def recorded(path: Path | str) -> Path:
    """An absolute path, without `..` where nothing changes by that.

    `here/../photos` would lead nowhere once `here` is renamed. After a link, `..` leads elsewhere
    than to the folder before it, and stays.
    """
    whole = Path(path).absolute()
    short = Path(os.path.normpath(whole))
    return short if are_one(short, whole) else whole


def given_path(path: Path | str | None, name: str) -> Path | None:
    """A path that may be left out, as a program gives it.

    Args:
        path: The path.
        name: Of the argument.

    Raises:
        DataError: It is an empty text, which would mean the current folder.
    """
    if path == "":
        raise DataError(f"{name} is empty; give a path, or leave it out")
    return None if path is None else Path(path)


def are_one(path: Path | str, other: Path | str) -> bool:
    """Whether two paths lead to one file or folder, as links and `..` may do."""
    try:
        return Path(path).samefile(other)
    except OSError:  # one is not there or may not be looked at
        return Path(path) == Path(other)
