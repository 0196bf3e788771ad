"""The run folder: the only code that knows its layout.

runs/NAME/
recipe.yaml         complete: running it again is the same experiment
environment.json    versions, device, threads, commit, data digests, command line
metrics.jsonl       one JSON object a line, appended
.lock               locked by the process that writes to the run (lock.py)
checkpoints/last.pt          all that training needs to go on, and
checkpoints/previous.pt      the one before, for when that is damaged
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
from thriftnet.digests import dump_json, seal_yaml
from thriftnet.errors import NoCheckpointError, RunError, RunExistsError
from thriftnet.files import (
    explain_os_error,
    read_bounded,
    remove_leftovers,
    sync_folder,
    write_whole,
)
from thriftnet.models.metadata import ModelFacts, read_facts
from thriftnet.recipe import Recipe, load_recipe
from thriftnet.runs.checkpoints import CheckpointFiles
from thriftnet.runs.evaluations import EvaluationKey, latest_evaluations
from thriftnet.runs.metrics_log import (
    MetricRecord,
    append_line,
    is_torn,
    last_line,
    parse_line,
    read_lines,
    write_lines,
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
        self.saved = CheckpointFiles(path / "checkpoints")
        self.last_path = self.saved.last
        self.best_path = self.saved.best
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
        content = dump_json(environment, indent=2) + "\n"
        try:
            new.path.mkdir(parents=True)
            write_whole(new.environment_path, content.encode(), error=RunError)
            write_whole(new.recipe_path, seal_yaml(recipe.to_yaml()).encode(), error=RunError)
            new.path.rename(path)  # refused where something is there
            sync_folder(path.parent)
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

    def recipe(self) -> Recipe:
        """The run's complete recipe.

        Raises:
            RecipeError: The file was cut or changed.
        """
        return load_recipe(self.recipe_path, own=True)

    def environment(self) -> dict[str, Any]:
        """What the run ran on; empty if the file is missing or damaged, as no figure needs it."""
        return read_facts_file(self.environment_path)

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
        """Add a line to the metrics, whole or not at all, in the place of a cut last one.

        Raises:
            RunError: The disk is full or the folder cannot be written.
        """
        append_line(self.metrics_path, line)

    def metrics(self, *, outline: bool = False) -> list[MetricRecord]:
        """All whole lines; one cut at the end (a machine that stopped) is left out.

        Args:
            outline: Leave out the epochs before the last two, which saves most of the time.

        Raises:
            RunError: A line is not what was written, or the file cannot be read.
        """
        return read_lines(self.metrics_path, outline=outline)

    def evaluations(self) -> dict[EvaluationKey, MetricRecord]:
        """The latest evaluation of each key, the latest last.

        Raises:
            RunError: The metrics are damaged.
        """
        return latest_evaluations(self.metrics(outline=True))

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
            age = time.time() - self.status_path.stat().st_mtime
        except OSError:
            return {}, 0.0
        return read_facts_file(self.status_path), max(0.0, age)

    def rewind(self, step: int) -> None:
        """Drop the metrics of steps that a resumed run is about to repeat."""
        kept = [line for line in self.metrics() if line.get("step", 0) <= step]
        write_lines(self.metrics_path, kept)

    def save_state(self, state: dict[str, Any]) -> None:
        """Write the checkpoint that `--resume` reads, whole or not at all, and keep the one before.

        Raises:
            RunError: The disk is full; the checkpoints before stay.
        """
        # Its lines first: after a power cut, a checkpoint without them would lose an epoch.
        with contextlib.suppress(OSError), self.metrics_path.open("rb") as metrics:
            os.fsync(metrics.fileno())
        self.saved.write(state)

    def load_state(self) -> dict[str, Any]:
        """The latest whole checkpoint; raises as `find_state`."""
        return self.find_state()[0]

    def find_state(self) -> tuple[dict[str, Any], str | None]:
        """The latest whole checkpoint, and what is wrong with the last, where it is not that one.

        Raises:
            NoCheckpointError: There is none.
            RunError: All are damaged.
        """
        if not self.saved.exist:
            again = command("train", "--resume", self.path)
            raise NoCheckpointError(f"{self.path} has no checkpoint yet; train it with: {again}")
        return self.saved.read()

    def remove_leftovers(self) -> None:
        """Remove the temporary files of a writer that was killed."""
        for path in (*vars(self).values(), self.saved.previous):
            if isinstance(path, Path):
                remove_leftovers(path)
        self.status_path.with_suffix(".new").unlink(missing_ok=True)

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
                f"{self.predictions_path} is damaged; recreate it with: "
                f"{command('evaluate', self.path)}"
            ) from None

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
            from thriftnet.models.tensors import check_model_file

            found = self.checkpoints()
            if found and last_line(self.metrics(outline=True), "end"):
                check_model_file(self.model_path)
                return found
        except RunError:
            pass
        return []

    def checkpoints(self) -> list[Path]:
        """Those that there are; without them a run that is not finished cannot go on.

        Raises:
            RunError: The run holds links, through which others' files would be removed.
        """
        refuse_links(self.path)
        return self.saved.files()


def read_facts_file(path: Path) -> dict[str, Any]:
    """The object in a small JSON file; empty where the file is missing or damaged."""
    try:
        return parse_line(read_bounded(path, most=_MOST_FACTS)) or {}
    except OSError:
        return {}


def _remove_unborn(folder: Path) -> None:
    """Remove new run folders that a kill left behind before they had their name."""
    for path in folder.glob(f".*{_UNBORN}"):
        with contextlib.suppress(OSError):
            if time.time() - path.lstat().st_mtime > _UNBORN_SECONDS:
                shutil.rmtree(path)


def _moves(lines: list[MetricRecord]) -> list[MetricRecord]:
    return [line for line in lines if line.get("kind") == "environment"]
