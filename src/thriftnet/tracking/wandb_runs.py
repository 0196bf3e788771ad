"""Weights & Biases: one W&B run per run, on a server or in files for `wandb sync`."""

from __future__ import annotations

import os
import uuid
from collections.abc import Sequence
from pathlib import Path

# wandb reads these on import and on use: print nothing between the lines of a training, and send no
# error reports.
os.environ.setdefault("WANDB_SILENT", "true")
os.environ.setdefault("WANDB_CONSOLE", "off")
os.environ.setdefault("WANDB_ERROR_REPORTING", "false")

import wandb

from thriftnet.errors import TrackingError
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.tracked import WandbRecord, save_wandb_record, wandb_record
from thriftnet.tracking.points import CURVES, Point, read_parameters, read_points

_PROJECT = "thriftnet"
_OFFLINE = {"offline", "dryrun", "disabled"}
_EXITS = {"interrupted": 130, "failed": 1}
"""Exit codes by the last line of the metrics; W&B shows 0 as finished, all others as failed."""


class WandbRuns:
    """Updates a run of W&B.

    W&B accepts each step once, so that a resumed run that repeats an epoch has no duplicates.
    Curves are its history; metrics of the end and of evaluations are its summary.
    """

    name = "wandb"

    def __init__(self, runs_dir: Path) -> None:
        """Check the login, before any training.

        Args:
            runs_dir: Parent of the folder `wandb`, where W&B keeps its files.

        Raises:
            TrackingError: W&B is online and not logged in.
        """
        self._runs_dir = runs_dir
        self._run: wandb.Run | None = None
        self._kept = WandbRecord("", -1, "")
        self._last = ""
        settings = wandb.setup().settings
        self._offline = settings.mode in _OFFLINE
        if not self._offline and not _logged_in():
            raise TrackingError(
                "W&B is not logged in; run: wandb login; or set WANDB_MODE=offline to keep files "
                "that wandb sync uploads"
            )
        # Another server, entity or project has none of the points.
        server = "offline" if self._offline else settings.base_url
        self._project = os.environ.get("WANDB_PROJECT") or _PROJECT
        self._place = " ".join((server, settings.entity or "", self._project))

    def update(self, run: RunFolder) -> None:
        """Send new points.

        Raises:
            TrackingError: W&B cannot be reached or refuses.
            RunError: The run folder cannot be written.
        """
        try:
            self._send(run)
        except wandb.Error as fault:
            raise TrackingError((str(fault).splitlines() or [type(fault).__name__])[0]) from fault

    def close(self) -> None:
        """Finish the W&B run."""
        if self._run is not None:
            self._run.finish(exit_code=_EXITS.get(self._last, 0))
            self._run = None

    def _send(self, run: RunFolder) -> None:
        if self._run is None:
            self._run = self._begin(run)
        points = read_points(run)
        for step in sorted({each.step for each in points if each.name in CURVES}):
            if step > self._kept.step:
                here = [each for each in points if each.step == step and each.name in CURVES]
                self._run.log({**_values(here), "seconds": here[0].seconds}, step=step)
                self._kept = WandbRecord(self._kept.run_id, step, self._place)
        self._run.summary.update(_values([each for each in points if each.name not in CURVES]))
        self._last = str((run.metrics(outline=True) or [{}])[-1].get("kind"))
        save_wandb_record(run, self._kept)

    def _begin(self, run: RunFolder) -> wandb.Run:
        found = wandb_record(run)
        if found is None or found.place != self._place:
            found = WandbRecord(uuid.uuid4().hex[:12], -1, self._place)
        self._kept = found
        recipe = run.recipe()
        return wandb.init(
            project=self._project,
            dir=str(self._runs_dir.resolve()),
            id=found.run_id,
            name=run.name,
            config={**read_parameters(run), "digest": recipe.digest()},
            tags=[recipe.name],
            resume="allow",
            reinit="create_new",  # a caller from Python may have a run of its own
            allow_val_change=True,
            save_code=False,
        )


def _values(points: Sequence[Point]) -> dict[str, float]:
    return {point.name: point.value for point in points}


def _logged_in() -> bool:
    """Whether there is a key, without asking for one."""
    try:
        return wandb.run is not None or wandb.login(prompt=False)
    except Exception as fault:  # an invalid key, or a server that refuses it
        reason = (str(fault).splitlines() or [type(fault).__name__])[0]
        raise TrackingError(
            f"W&B cannot be used ({reason}); run: wandb login --relogin; or set WANDB_MODE=offline"
        ) from None
