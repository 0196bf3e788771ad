"""The checkpoints of a run: the last, the one before it, and the weights of the best epoch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from thriftnet.errors import RunError
from thriftnet.files import explain_os_error, replacing


class CheckpointFiles:
    """What a run's folder `checkpoints` holds."""

    def __init__(self, folder: Path) -> None:
        self.last = folder / "last.pt"
        self.previous = folder / "previous.pt"
        self.best = folder / "best.safetensors"

    @property
    def exist(self) -> bool:
        """Whether there is one to go on from, be it damaged."""
        return self.last.is_file() or self.previous.is_file()

    def files(self) -> list[Path]:
        """Those that there are."""
        return [path for path in (self.last, self.previous, self.best) if path.is_file()]

    def write(self, state: dict[str, Any]) -> None:
        """Write the last, whole or not at all, and keep the one that it replaces.

        Raises:
            RunError: The disk is full; those that there are stay.
        """
        from thriftnet.runs.checkpoints.archive import pack_state

        content = pack_state(state)
        with replacing(self.last, error=RunError, former=self.previous) as file:
            file.write(content)

    def read(self) -> tuple[dict[str, Any], str | None]:
        """The latest that is whole, and what is wrong with the last, where it is not that one.

        Raises:
            RunError: None is whole.
        """
        from thriftnet.runs.checkpoints.archive import read_state

        if not self.last.is_file():
            return read_state(self.previous), f"{self.last} is missing"
        try:
            return read_state(self.last), None
        except RunError as fault:
            if not self.previous.is_file():
                raise
            return read_state(self.previous), str(fault).partition(";")[0]

    def drop_last(self) -> None:
        """Put the one before in the place of a damaged last one, which would else outlive it.

        Raises:
            RunError: The folder cannot be written.
        """
        try:
            self.previous.replace(self.last)
        except OSError as fault:
            raise RunError(explain_os_error(fault, self.last)) from None
