"""The run folder, the only code that knows its layout.

runs/NAME/
recipe.yaml         complete: training it again repeats the experiment
decisions.csv       a copy of data.decisions, if the recipe has them
environment.json    versions, device, threads, commit, data digests, command line
metrics.jsonl       one JSON object per line, appended
.lock               locked by the process that writes to the run (lock.py)
checkpoints/last.pt          the state that --resume continues from
checkpoints/previous.pt      the state before, in case that is damaged
checkpoints/best.safetensors the weights of the best validation accuracy
model.safetensors   final weights with their metadata
status.json         state of the training, rewritten every few seconds while it runs
predictions.npz     logits of the test images
before-restart/     checkpoints, metrics, weights and logits of before --restart
events.out.tfevents.*        the metrics for TensorBoard, with --track tensorboard
mlflow.json                  the run's id in MLflow, with --track mlflow
wandb.json                   the run's id in Weights & Biases, with --track wandb

torch, which takes seconds to import, and numpy are imported where needed; listing needs neither.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thriftnet.commands import command
from thriftnet.errors import DamagedCheckpointsError, NoCheckpointError, RunError
from thriftnet.files import explain_os_error, remove_leftovers, write_whole
from thriftnet.models.metadata import ModelFacts, read_facts
from thriftnet.recipe import Recipe, load_recipe
from thriftnet.runs.checkpoints.files import CheckpointFiles
from thriftnet.runs.evaluations import EvaluationKey, latest_evaluations
from thriftnet.runs.metrics_log import (
    MetricRecord,
    append_line,
    is_torn,
    read_lines,
    write_lines,
)
from thriftnet.runs.status import read_facts_file, read_status, write_status
from thriftnet.trust import refuse_links

if TYPE_CHECKING:
    from thriftnet.runs.predictions import Predictions


class RunFolder:
    """A run folder; methods read and write its files."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.recipe_path = path / "recipe.yaml"
        self.decisions_path = path / "decisions.csv"
        self.environment_path = path / "environment.json"
        self.metrics_path = path / "metrics.jsonl"
        self.lock_path = path / ".lock"
        self.status_path = path / "status.json"
        self.saved = CheckpointFiles(path / "checkpoints")
        self.last_path = self.saved.last
        self.best_path = self.saved.best
        self.model_path = path / "model.safetensors"
        self.predictions_path = path / "predictions.npz"
        self.mlflow_path = path / "mlflow.json"
        self.wandb_path = path / "wandb.json"
        self.report_path = path / "report.html"
        self.figures_path = path / "figures"

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """Open an existing run folder.

        Raises:
            RunError: There is no folder, it is not a run, or it contains links.
        """
        run = cls(path)
        if path.is_file():
            near = next((each for each in path.parents if (each / "recipe.yaml").is_file()), None)
            hint = f"give the run folder: {near}" if near else "give the folder of a run"
            raise RunError(f"{path} is a file; {hint}")
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

    def check_in_place(self) -> None:
        """Check that the folder has not been moved: a file written now would begin another one.

        Raises:
            RunError: It was moved or removed.
        """
        if not self.recipe_path.is_file():
            raise RunError(
                f"{self.path} was moved or removed while it was trained; give the new place to: "
                "thriftnet train --resume"
            )

    def recipe(self) -> Recipe:
        """The run's complete recipe.

        Raises:
            RecipeError: The file is truncated or was edited.
        """
        return load_recipe(self.recipe_path, own=True)

    def environment(self) -> dict[str, Any]:
        """The environment at the start; empty if the file is missing or damaged."""
        return read_facts_file(self.environment_path)

    def append(self, line: MetricRecord) -> None:
        """Append a line to the metrics atomically, replacing a truncated last line.

        Raises:
            RunError: The disk is full or the folder cannot be written.
        """
        append_line(self.metrics_path, line)

    def metrics(self, *, outline: bool = False) -> list[MetricRecord]:
        """All complete lines; a truncated last line is omitted.

        Args:
            outline: Omit the epochs before the last two, which saves most of the time.

        Raises:
            RunError: A line is damaged, or the file cannot be read.
        """
        return read_lines(self.metrics_path, outline=outline)

    def evaluations(self) -> dict[EvaluationKey, MetricRecord]:
        """The latest evaluation of each key, in order of time.

        Raises:
            RunError: The metrics are damaged.
        """
        return latest_evaluations(self.metrics(outline=True))

    @property
    def torn(self) -> bool:
        """Whether the last line of the metrics is truncated."""
        return is_torn(self.metrics_path)

    def save_status(self, status: MetricRecord | None) -> None:
        """Write the status that `watch` reads; None: the training has ended."""
        write_status(self.status_path, status)

    def status(self) -> tuple[MetricRecord, float]:
        """The status of the training and its age in seconds; empty if none is running."""
        return read_status(self.status_path)

    def rewind(self, step: int) -> None:
        """Drop the metrics of steps that a resumed run will repeat."""
        lines = self.metrics()
        kept = [line for line in lines if line.get("step", 0) <= step]
        if len(kept) < len(lines):
            write_lines(self.metrics_path, kept)

    def save_state(self, state: dict[str, Any]) -> None:
        """Write the checkpoint that `--resume` reads, atomically, and keep the previous one.

        Raises:
            RunError: The disk is full, or the run was moved; existing checkpoints are kept.
        """
        self.check_in_place()
        # Metrics first: after a power cut, a checkpoint without its lines would lose an epoch.
        with contextlib.suppress(OSError), self.metrics_path.open("rb") as metrics:
            os.fsync(metrics.fileno())
        self.saved.write(state)

    def load_state(self) -> dict[str, Any]:
        """The latest valid checkpoint; raises as `find_state`."""
        return self.find_state()[0]

    def find_state(self) -> tuple[dict[str, Any], str | None]:
        """The latest valid checkpoint, and what is wrong with the last if that is damaged.

        Raises:
            NoCheckpointError: There is none.
            DamagedCheckpointsError: All are damaged.
        """
        if not self.saved.exist:
            again = command("train", "--resume", self.path)
            raise NoCheckpointError(f"{self.path} has no checkpoint yet; train it with: {again}")
        try:
            return self.saved.read()
        except RunError as fault:
            again = command("train", "--resume", self.path, "--restart")
            raise DamagedCheckpointsError(
                f"{fault}, and there is no other checkpoint; start again in the same folder, "
                f"where earlier files are set aside, with: {again}"
            ) from None

    def set_aside(self) -> Path:
        """Move what a training has written into a folder of its own; returns that folder.

        Raises:
            RunError: The folder cannot be written.
        """
        numbers = ("", *(f"-{number}" for number in range(2, 1000)))
        places = (self.path / f"before-restart{number}" for number in numbers)
        place = next(each for each in places if not each.exists())
        written = (self.metrics_path, self.model_path, self.predictions_path)
        try:
            place.mkdir()
            for path in (*self.saved.files(), *written):
                if path.is_file():
                    path.rename(place / path.name)
        except OSError as fault:
            raise RunError(explain_os_error(fault, place)) from None
        return place

    def remove_leftovers(self) -> None:
        """Remove the temporary files of a writer that was killed."""
        for path in (*vars(self).values(), self.saved.previous):
            if isinstance(path, Path):
                remove_leftovers(path)
        self.status_path.with_suffix(".new").unlink(missing_ok=True)

    def save_predictions(self, predictions: Predictions) -> None:
        """Write the logits of the test images atomically.

        Raises:
            RunError: The disk is full or the folder cannot be written.
        """
        write_whole(self.predictions_path, predictions.to_bytes(), error=RunError)

    def load_predictions(self) -> Predictions | None:
        """The logits of the test images; None if not evaluated.

        Raises:
            RunError: The file is damaged.
        """
        from thriftnet.runs.predictions import read_predictions

        return read_predictions(self.predictions_path, again=command("evaluate", self.path))

    @property
    def finished(self) -> bool:
        """Whether the run has its final weights."""
        return self.model_path.is_file()

    def model_facts(self) -> ModelFacts:
        """The metadata of the final model, without building the network.

        Raises:
            RunError: There is no final model, or its file is damaged.
        """
        return read_facts(self.model_path)

    def checkpoints(self) -> list[Path]:
        """The checkpoint files that exist.

        Raises:
            RunError: The run contains links, through which other files would be removed.
        """
        refuse_links(self.path)
        return self.saved.files()
