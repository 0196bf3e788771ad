"""The checkpoint files of a run: last, previous, and the weights of the best epoch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from thriftnet.errors import RunError
from thriftnet.files import explain_os_error, replacing


class CheckpointFiles:
    """The files in a run's folder `checkpoints`."""

    def __init__(self, folder: Path) -> None:
        self.last = folder / "last.pt"
        self.previous = folder / "previous.pt"
        self.best = folder / "best.safetensors"

    @property
    def exist(self) -> bool:
        """Whether there is a checkpoint to resume from, possibly damaged."""
        return self.last.is_file() or self.previous.is_file()

    def files(self) -> list[Path]:
        """The files that exist."""
        return [path for path in (self.last, self.previous, self.best) if path.is_file()]

    def write(self, state: dict[str, Any]) -> None:
        """Write the last checkpoint atomically, and keep the one it replaces.

        Raises:
            RunError: The disk is full; existing checkpoints are kept.
        """
        from thriftnet.runs.checkpoints.archive import pack_state

        content = pack_state(state)
        with replacing(self.last, error=RunError, former=self.previous) as file:
            file.write(content)

    def read(self) -> tuple[dict[str, Any], str | None]:
        """The latest valid checkpoint, and what is wrong with the last if that is damaged.

        Raises:
            RunError: All are damaged; without a remedy.
        """
        from thriftnet.runs.checkpoints.archive import read_state

        if not self.last.is_file():
            return read_state(self.previous), f"{self.last} is missing"
        try:
            return read_state(self.last), None
        except RunError as fault:
            if not self.previous.is_file():
                raise
            return read_state(self.previous), str(fault)

    def drop_last(self) -> None:
        """Replace a damaged last checkpoint by the previous one.

        Raises:
            RunError: The folder cannot be written.
        """
        try:
            self.previous.replace(self.last)
        except OSError as fault:
            raise RunError(explain_os_error(fault, self.last)) from None
