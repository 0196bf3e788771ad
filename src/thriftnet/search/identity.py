"""Binds a study folder and its database to each other."""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from pathlib import Path

from thriftnet.errors import SearchError
from thriftnet.files import write_whole

_BOUND = "bound"
_WAIT, _PAUSE = 2.0, 0.05
"""Seconds to wait for a file that is empty, and between two looks."""


class StudyIdentity:
    """The file `study.id`: a random id of the folder, and whether a database has it, too.

    Outcomes of stages are in the folder and their jobs in the database; with another, empty
    database they would be inconsistent.

    Args:
        path: The study folder.

    Raises:
        SearchError: The folder cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._kept = path / "study.id"
        try:
            if not self._kept.is_file():
                _create(self._kept)
            words = _read_words(self._kept)
        except (OSError, ValueError) as fault:
            raise SearchError(
                f"{self._kept} cannot be used ({fault}); check the folder's permissions"
            ) from None
        if not words:
            raise SearchError(f"{self._kept} is empty; restore it, or begin another study")
        self.word = words[0]
        self.bound = _BOUND in words[1:]
        """Whether a database has the id, so that no other database can be used."""

    @classmethod
    def read(cls, path: Path) -> StudyIdentity | None:
        """Read the identity of a folder, without writing.

        Raises:
            SearchError: The file cannot be read.
        """
        return cls(path) if (path / "study.id").is_file() else None

    def bind(self) -> None:
        """Record that a database has the id.

        Raises:
            SearchError: The folder cannot be written.
        """
        if not self.bound:
            write_whole(self._kept, f"{self.word}\n{_BOUND}\n".encode(), error=SearchError)
            self.bound = True


def _create(path: Path) -> None:
    """Write a random id, unless another machine does so first.

    Raises:
        OSError: The folder cannot be written.
    """
    new = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
    try:
        new.write_text(uuid.uuid4().hex, "ascii")
        try:
            os.link(new, path)
        except FileExistsError:  # created by another machine
            pass
        except OSError:  # no hard links, as on exFAT and some network mounts
            with contextlib.suppress(FileExistsError), path.open("x", encoding="ascii") as file:
                file.write(new.read_text("ascii"))
    finally:
        new.unlink(missing_ok=True)


def _read_words(path: Path) -> list[str]:
    """The words of the file; without hard links, another machine may be about to write them."""
    deadline = time.monotonic() + _WAIT
    while not (words := path.read_text("ascii").split()) and time.monotonic() < deadline:
        time.sleep(_PAUSE)
    return words
