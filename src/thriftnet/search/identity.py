"""Binds a study folder and its database to each other."""

from __future__ import annotations

import contextlib
import os
import uuid
from pathlib import Path

from thriftnet.errors import SearchError
from thriftnet.files import write_whole

_BOUND = "bound"


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
                new = self._kept.with_name(f"study.id.{uuid.uuid4().hex}")
                new.write_text(uuid.uuid4().hex, "ascii")
                with contextlib.suppress(FileExistsError):  # created by another machine
                    os.link(new, self._kept)
                new.unlink()
            words = self._kept.read_text("ascii").split()
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
