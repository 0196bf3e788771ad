"""Finds the files that a table names."""

from __future__ import annotations

import os
import posixpath
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from thriftnet.data.index import Index, split_in_name
from thriftnet.data.pictures import special_kind
from thriftnet.data.sources.columns import is_usual
from thriftnet.data.sources.files import Found, scan_folder
from thriftnet.data.sources.rows import TextTable

_ROWS_LOOKED_AT = 20


class NotFoundError(Exception):
    """A name in a table matches no file, or is ambiguous.

    Args:
        name: The name.
        reason: Such as "does not exist".
    """

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name} {reason}")
        self.name, self.reason = name, reason


class Locator:
    """Finds files by a path, or by a name in any folder.

    Args:
        index: The index of the tables; its stamps cache which files exist.
        found: The pictures below its root, if listed already.
    """

    def __init__(self, index: Index, found: Found | None = None) -> None:
        self.index = index
        self._found = found
        self._named: dict[str, list[str]] | None = None
        self._alike: dict[str, list[str]] | None = None

    def path(self, name: str, *, folder: str) -> str | None:
        """The path, relative to the root, of a file that a table in `folder` names by path.

        Returns:
            None if it does not exist; starts with `..` if it is outside the root.
        """
        for spelling in _spellings(name):
            if os.path.isabs(spelling):  # noqa: PTH117
                tried = [os.path.relpath(spelling, self.index.root)]
            else:  # relative to the table's folder, or the root
                own = posixpath.normpath(posixpath.join(folder, spelling))
                tried = list(dict.fromkeys([own, posixpath.normpath(spelling)]))
            for path in tried:
                if _is_outside(path) or self._is_there(path):
                    return path
        return None

    def is_file(self, name: str, *, folder: str) -> bool:
        """Whether a name in a table in `folder` is the path of a file below the root."""
        path = self.path(name, folder=folder)
        if path is None or _is_outside(path):
            return False
        return os.path.isfile(os.path.join(self.index.root, path))  # noqa: PTH113, PTH118

    def named(self, name: str, *, split: str | None = None) -> list[str]:
        """Paths of all pictures below the root with that file name, with or without suffix.

        Upper and lower case count only where that makes a difference.

        Args:
            name: The file name.
            split: Of the table; of several pictures, those in a folder of that split are meant.
        """
        if self._named is None:
            self._named = {}
            for path in (self._found or scan_folder(self.index.root)).pictures:
                base = path.rpartition("/")[2]
                for key in {base, base.rpartition(".")[0]} - {""}:
                    composed = unicodedata.normalize("NFC", key)
                    self._named.setdefault(composed, []).append(path)
                    self._named.setdefault(f"\0{composed.casefold()}", []).append(path)
        own = unicodedata.normalize("NFC", name)
        paths = self._named.get(own) or self._named.get(f"\0{own.casefold()}", [])
        if split is None or len(paths) < 2:
            return paths
        return [p for p in paths if split_in_name(posixpath.dirname(p)) == split] or paths

    def find(self, name: str, *, folder: str, split: str | None) -> str:
        """The path of a file that a table in `folder`, of a split, names.

        Raises:
            NotFoundError: There is none, or several, or it lies outside the root.
        """
        path = self.path(name, folder=folder)
        if path is None:
            paths = self.named(name, split=split) or self._spelt_alike(name, folder=folder)
            if len(paths) > 1:
                raise NotFoundError(name, f"may be {paths[0]} or {paths[1]}")
            if not paths and name.casefold().startswith("file://"):
                raise NotFoundError(name, "is a URL; write the path without file://")
            if not paths and "://" in name:
                raise NotFoundError(name, "is a URL; download it and write the file's name")
            if not paths:
                absent = os.path.join(self.index.root, folder, name)  # noqa: PTH118
                kind = "a folder" if os.path.isdir(absent) else special_kind(absent)  # noqa: PTH112
                raise NotFoundError(name, f"is {kind}" if kind else "does not exist")
            path = paths[0]
        if _is_outside(path):
            absent = os.path.isabs(name) and not os.path.exists(name)  # noqa: PTH110, PTH117
            what = "does not exist" if absent else f"lies outside {self.index.root}"
            raise NotFoundError(name, what)
        return path

    def _spelt_alike(self, name: str, *, folder: str) -> list[str]:
        """Paths that a path in a table differs from by case, Unicode form or its absent suffix."""
        if self._alike is None:
            self._alike = {}
            for path in (self._found or scan_folder(self.index.root)).pictures:
                for key in dict.fromkeys((path, posixpath.splitext(path)[0])):
                    self._alike.setdefault(_folded(key), []).append(path)
        spelling = name.replace("\\", "/")
        for path in (posixpath.join(folder, spelling), spelling):
            if paths := self._alike.get(_folded(posixpath.normpath(path))):
                return paths
        return []

    def _is_there(self, path: str) -> bool:
        if self.index.stamp(path) != (0, 0):
            return True
        del self.index.stamps[path]
        return False


def own_path(file: Path, index: Index) -> str:
    """The path of a table relative to the root."""
    return file.relative_to(index.root).as_posix()


def names_files(table: TextTable, locator: Locator) -> bool:
    """Whether a column has names of files that exist, or is called as if it had."""
    return any(
        is_usual(name.rpartition(".")[2]) or holds_files(table, at, locator, by_name=True)
        for at, name in enumerate(table.columns)
    )


def holds_files(table: TextTable, column: int, locator: Locator, *, by_name: bool) -> bool:
    """Whether one of the first rows has the path of a file, or half of them a bare name."""
    folder = posixpath.dirname(own_path(table.path, locator.index))
    rows = table.rows[:_ROWS_LOOKED_AT]
    names = [name for row in rows if (name := row.cells[column].strip())]
    if any(locator.is_file(name, folder=folder) for name in names):
        return True
    split = split_in_name(own_path(table.path, locator.index))
    found = sum(len(locator.named(name, split=split)) == 1 for name in names) if by_name else 0
    return 2 * found > len(rows)


def files_of(table: TextTable, locator: Locator) -> set[str]:
    """The files that a table of no use names."""
    columns = range(len(table.columns))
    at = next((at for at in columns if holds_files(table, at, locator, by_name=True)), None)
    rows = table.rows if at is not None else ()
    return {path for row in rows for path in possible_files(row.cells[at or 0], table, locator)}


def possible_files(name: str, table: TextTable, locator: Locator) -> list[str]:
    """The files that a cell of a table may mean."""
    own = own_path(table.path, locator.index)
    path = locator.path(name.strip(), folder=posixpath.dirname(own)) if name.strip() else None
    return [path] if path else locator.named(name.strip(), split=split_in_name(own))


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", path).casefold()


def _is_outside(path: str) -> bool:
    """Whether a path relative to the root leaves it."""
    return path.split("/", 1)[0] == ".."


def _spellings(name: str) -> Iterator[str]:
    """A name unchanged, with slashes for backslashes, and in both Unicode normal forms."""
    forms = (unicodedata.normalize(form, name) for form in ("NFC", "NFD"))
    yield from dict.fromkeys((name, name.replace("\\", "/"), *forms))
