"""Which study folder a database belongs to, and whether the folder has a database already."""

from __future__ import annotations

import contextlib
import os
import uuid
from pathlib import Path

from thriftnet.errors import SearchError
from thriftnet.files import write_whole

_BOUND = "bound"


class StudyIdentity:
    """The file `study.id`: a word that no other folder has, and whether a database has it too.

    Outcomes of stages are in the folder and their jobs in the database. With another one that is
    empty, stages would be done that have no jobs.

    Args:
        path: Of the study folder.

    Raises:
        SearchError: The folder cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._kept = path / "study.id"
        try:
            if not self._kept.is_file():
                new = self._kept.with_name(f"study.id.{uuid.uuid4().hex}")
                new.write_text(uuid.uuid4().hex, "ascii")
                with contextlib.suppress(FileExistsError):  # another machine was first
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
        """Whether a database has the word, so that no other one will do."""

    @classmethod
    def read(cls, path: Path) -> StudyIdentity | None:
        """That of a folder that has one; nothing is written.

        Raises:
            SearchError: The file cannot be read.
        """
        return cls(path) if (path / "study.id").is_file() else None

    def bind(self) -> None:
        """Keep that a database has the word.

        Raises:
            SearchError: The folder cannot be written.
        """
        if not self.bound:
            write_whole(self._kept, f"{self.word}\n{_BOUND}\n".encode(), error=SearchError)
            self.bound = True
