"""Finds the files that a table names."""

from __future__ import annotations

import os
import posixpath
import unicodedata
from collections.abc import Iterator

from thriftnet.data.index import Index
from thriftnet.data.sources.files import Found, scan_folder


class NotFoundError(Exception):
    """A name in a table matches no file, or is ambiguous."""


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
                if path.startswith("..") or self._is_there(path):
                    return path
        return None

    def is_file(self, name: str, *, folder: str) -> bool:
        """Whether a name in a table in `folder` is the path of a file below the root."""
        path = self.path(name, folder=folder)
        if path is None or path.startswith(".."):
            return False
        return os.path.isfile(os.path.join(self.index.root, path))  # noqa: PTH113, PTH118

    def named(self, name: str) -> list[str]:
        """Paths of all pictures below the root with that file name, with or without suffix."""
        if self._named is None:
            self._named = {}
            for path in (self._found or scan_folder(self.index.root)).pictures:
                base = path.rpartition("/")[2]
                for key in {base, base.rpartition(".")[0]} - {""}:
                    self._named.setdefault(unicodedata.normalize("NFC", key), []).append(path)
        return self._named.get(unicodedata.normalize("NFC", name), [])

    def find(self, name: str, *, folder: str) -> str:
        """The path of a file that a table in `folder` names.

        Raises:
            NotFoundError: There is none, or several, or it lies outside the root.
        """
        path = self.path(name, folder=folder)
        if path is None:
            paths = self.named(name)
            if len(paths) > 1:
                raise NotFoundError(f"{name} may be {paths[0]} or {paths[1]}")
            if not paths:
                raise NotFoundError(f"{name} does not exist")
            path = paths[0]
        if path.startswith(".."):
            raise NotFoundError(f"{name} lies outside {self.index.root}")
        return path

    def _is_there(self, path: str) -> bool:
        if self.index.stamp(path) != (0, 0):
            return True
        del self.index.stamps[path]
        return False


def _spellings(name: str) -> Iterator[str]:
    """A name unchanged, with slashes for backslashes, and in both Unicode normal forms."""
    forms = (unicodedata.normalize(form, name) for form in ("NFC", "NFD"))
    yield from dict.fromkeys((name, name.replace("\\", "/"), *forms))
