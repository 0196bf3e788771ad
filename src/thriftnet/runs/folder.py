"""The run folder: the only code that knows its layout.

runs/NAME/
recipe.yaml         complete: running it again is the same experiment
environment.json    versions, device, threads, commit, data digests, command line
metrics.jsonl       one JSON object a line, appended
.lock               locked by the process that writes to the run (lock.py)
checkpoints/last.pt          all that training needs to go on
checkpoints/best.safetensors the weights of the best validation accuracy
model.safetensors   final weights with their metadata
status.json         where the training stands, written anew every few seconds while it goes on
predictions.npz     what the network said of the test images
events.out.tfevents.*        the same lines for TensorBoard, and
mlflow.json                  the run's name in MLflow, where these were asked for

torch, which takes seconds to import, and numpy are imported by the functions that need them: a
list of runs does without.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import time
from itertools import accumulate
from operator import or_
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thriftnet.commands import command
from thriftnet.errors import NoCheckpointError, RunError, RunExistsError
from thriftnet.files import explain_os_error, read_bounded, write_whole
from thriftnet.models.metadata import ModelFacts, read_facts
from thriftnet.recipe import Recipe, load_recipe
from thriftnet.runs.metrics_log import (
    MetricRecord,
    append_line,
    is_torn,
    last_line,
    parse_line,
    read_lines,
)
from thriftnet.trust import refuse_links

if TYPE_CHECKING:
    from thriftnet.runs.predictions import Predictions


_MOST_FACTS = 2**22
"""Bytes of a file of a few facts."""
SILENT_SECONDS = 60.0
"""A status is written every few seconds; after this long without one the training was cut off,
or a single step takes longer than that."""


_UNBORN = ".new"
"""How a run folder's name ends while it is made."""
_UNBORN_SECONDS = 600.0
"""What takes longer to be made was killed: it takes milliseconds."""


class RunFolder:
    """Everything a run knows, in one folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.recipe_path = path / "recipe.yaml"
        self.environment_path = path / "environment.json"
        self.metrics_path = path / "metrics.jsonl"
        self.lock_path = path / ".lock"
        self.status_path = path / "status.json"
        self.last_path = path / "checkpoints" / "last.pt"
        self.best_path = path / "checkpoints" / "best.safetensors"
        self.model_path = path / "model.safetensors"
        self.predictions_path = path / "predictions.npz"
        self.mlflow_path = path / "mlflow.json"
        self.report_path = path / "report.html"
        self.figures_path = path / "figures"

    @classmethod
    def create(cls, path: Path, recipe: Recipe, environment: dict[str, Any]) -> RunFolder:
        """Make a new run folder, whole or not at all, also of several processes at once.

        Raises:
            RunExistsError: The path exists.
            RunError: It cannot be written.
        """
        _remove_unborn(path.parent)
        new = cls(path.with_name(f".{path.name}.{secrets.token_hex(4)}{_UNBORN}"))
        content = json.dumps(environment, indent=2) + "\n"
        try:
            new.path.mkdir(parents=True)
            write_whole(new.environment_path, content.encode(), error=RunError)
            write_whole(new.recipe_path, recipe.to_yaml().encode(), error=RunError)
            new.path.rename(path)  # refused where something is there
        except OSError as fault:
            if path.exists() or path.is_symlink():
                raise RunExistsError(f"{path} exists already; choose another --name") from None
            raise RunError(explain_os_error(fault, path)) from None
        finally:
            shutil.rmtree(new.path, ignore_errors=True)
        return cls(path)

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """Open an existing run folder.

        Raises:
            RunError: There is no folder, it is not a run, or it holds links.
        """
        run = cls(path)
        if not path.is_dir():
            raise RunError(f"there is no run folder {path}; check the path")
        if not run.recipe_path.is_file():
            raise RunError(f"{path} is not a run folder: it has no recipe.yaml; check the path")
        refuse_links(path)
        return run

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.path.resolve().name

    def recipe(self) -> Recipe:
        """The run's complete recipe.

        Raises:
            RecipeError: The file was changed and is wrong now.
        """
        return load_recipe(self.recipe_path)

    def environment(self) -> dict[str, Any]:
        """What the run ran on; empty if the file is missing or damaged, as no figure needs it."""
        try:
            return parse_line(read_bounded(self.environment_path, most=_MOST_FACTS)) or {}
        except OSError:
            return {}

    def moves(self) -> list[MetricRecord]:
        """What changed of `environment` where a cut run went on elsewhere, with the step."""
        return _moves(self.metrics())

    def environments(self, lines: list[MetricRecord] | None = None) -> list[dict[str, Any]]:
        """`environment`, and after it what each of `moves` made of it.

        Args:
            lines: Of the metrics, where they were read already.
        """
        moves = _moves(self.metrics() if lines is None else lines)
        return list(accumulate(moves, or_, initial=self.environment()))

    def append(self, line: MetricRecord) -> None:
        """Add a line to the metrics, whole or not at all, in the place of a torn last one.

        Raises:
            RunError: The disk is full or the folder cannot be written.
        """
        append_line(self.metrics_path, line)

    def metrics(self, *, outline: bool = False) -> list[MetricRecord]:
        """All whole lines; one torn at the end (a machine that stopped) is left out.

        Args:
            outline: Leave out the epochs before the last two, which saves most of the time.

        Raises:
            RunError: Another line is not a JSON object, or the file cannot be read.
        """
        return read_lines(self.metrics_path, outline=outline)

    @property
    def torn(self) -> bool:
        """Whether the last line of the metrics was cut while it was written."""
        return is_torn(self.metrics_path)

    def save_status(self, status: MetricRecord | None) -> None:
        """Say where the training stands, for those who watch; none: it goes on no longer.

        Nothing depends on it: a full disk is no error here, and a cut file no harm.
        """
        with contextlib.suppress(OSError):
            if status is None:
                self.status_path.unlink(missing_ok=True)
            else:  # in one go, as an empty file would tell a reader that nothing goes on
                new = self.status_path.with_suffix(".new")
                new.write_text(json.dumps(status) + "\n", "utf-8")
                new.replace(self.status_path)

    def status(self) -> tuple[MetricRecord, float]:
        """Where the training stands, and how many seconds ago; empty where none goes on."""
        try:
            found = parse_line(read_bounded(self.status_path, most=_MOST_FACTS)) or {}
            return found, max(0.0, time.time() - self.status_path.stat().st_mtime)
        except OSError:
            return {}, 0.0

    def rewind(self, step: int) -> None:
        """Drop the metrics of steps that a resumed run is about to repeat."""
        kept = [line for line in self.metrics() if line.get("step", 0) <= step]
        text = "".join(json.dumps(line) + "\n" for line in kept)
        write_whole(self.metrics_path, text.encode(), error=RunError)

    def save_state(self, state: dict[str, Any]) -> None:
        """Write the checkpoint that `--resume` reads, whole or not at all.

        Raises:
            RunError: The disk is full; the checkpoint before stays.
        """
        from thriftnet.runs.checkpoint_file import pack_state

        # Its lines first: after a power cut, a checkpoint without them would lose an epoch.
        with contextlib.suppress(OSError), self.metrics_path.open("rb") as metrics:
            os.fsync(metrics.fileno())
        write_whole(self.last_path, pack_state(state), error=RunError)

    def load_state(self) -> dict[str, Any]:
        """Read the checkpoint.

        Raises:
            NoCheckpointError: There is none.
            RunError: It is damaged.
        """
        from thriftnet.runs.checkpoint_file import read_state

        if not self.last_path.is_file():
            again = command("train", "--resume", self.path)
            raise NoCheckpointError(f"{self.path} has no checkpoint yet; train it with: {again}")
        return read_state(self.last_path)

    def save_predictions(self, predictions: Predictions) -> None:
        """Write what the network said of the test images, whole or not at all.

        Raises:
            RunError: The disk is full or the folder cannot be written.
        """
        write_whole(self.predictions_path, predictions.to_bytes(), error=RunError)

    def load_predictions(self) -> Predictions | None:
        """What the network said of the test images; none if it was never evaluated.

        Raises:
            RunError: The file is damaged.
        """
        from thriftnet.runs.predictions import Predictions

        if not self.predictions_path.is_file():
            return None
        try:
            return Predictions.from_bytes(read_bounded(self.predictions_path, most=2**30))
        except (OSError, ValueError):
            raise RunError(
                f"{self.predictions_path} is damaged; write it anew with: "
                f"{command('evaluate', self.path)}"
            ) from None

    def event_files(self) -> list[Path]:
        """TensorBoard's event files; of several the last one counts."""
        return sorted(self.path.glob("events.out.tfevents.*.thriftnet"))

    def new_event_file(self) -> Path:
        """Where the next event file goes; TensorBoard reads them in the order of their names."""
        return self.path / f"events.out.tfevents.{time.time_ns()}.thriftnet"

    def mlflow_run(self) -> str | None:
        """What MLflow calls this run; none where it was not tracked, or the file is damaged."""
        try:
            found = (parse_line(read_bounded(self.mlflow_path, most=_MOST_FACTS)) or {}).get(
                "run_id"
            )
        except OSError:
            return None
        return found if isinstance(found, str) else None

    def save_mlflow_run(self, run_id: str) -> None:
        """Keep what MLflow calls this run, for the sittings to come.

        Raises:
            RunError: The disk is full or the folder cannot be written.
        """
        content = json.dumps({"run_id": run_id}) + "\n"
        write_whole(self.mlflow_path, content.encode(), error=RunError)

    @property
    def finished(self) -> bool:
        """Whether the run came to its end and has its final weights."""
        return self.model_path.is_file()

    def model_facts(self) -> ModelFacts:
        """What the final model says of itself, without building the network.

        Raises:
            RunError: There is no final model, or its file is damaged.
        """
        return read_facts(self.model_path)

    def superseded(self) -> list[Path]:
        """Checkpoints that the final model has taken the place of.

        Of a run that is not finished, or whose final model cannot be read, there is none: on a disk
        that filled up, the last line is still to be written, by what `--resume` reads.
        """
        try:
            refuse_links(self.path)
            self.model_facts()
            told = last_line(self.metrics(outline=True), "end")
        except RunError:
            return []
        return self.checkpoints() if told else []

    def checkpoints(self) -> list[Path]:
        """Those that there are; without them a run that is not finished cannot go on.

        Raises:
            RunError: The run holds links, through which others' files would be removed.
        """
        refuse_links(self.path)
        return [path for path in (self.last_path, self.best_path) if path.is_file()]


def _remove_unborn(folder: Path) -> None:
    """Remove new run folders that a kill left behind before they had their name."""
    for path in folder.glob(f".*{_UNBORN}"):
        with contextlib.suppress(OSError):
            if time.time() - path.lstat().st_mtime > _UNBORN_SECONDS:
                shutil.rmtree(path)


def _moves(lines: list[MetricRecord]) -> list[MetricRecord]:
    return [line for line in lines if line.get("kind") == "environment"]
