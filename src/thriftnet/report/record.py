"""Reads a run folder for a report, and notes what is missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from thriftnet.commands import command
from thriftnet.data.registry import known_classes
from thriftnet.errors import RunError
from thriftnet.models.saved import SavedModel, read_model
from thriftnet.recipe import Recipe, shipped_recipes
from thriftnet.recipe.epochs import Epochs
from thriftnet.runs.advice import failure_reason, retrain_advice
from thriftnet.runs.environments import environments
from thriftnet.runs.evaluations import EvaluationKey, latest_evaluations
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.metrics_log import MetricRecord, has_figures, is_figure, last_line
from thriftnet.runs.predictions import Predictions
from thriftnet.runs.state import is_training
from thriftnet.weights.adopt import adopted
from thriftnet.weights.shipped import shipped_weights

_EPOCH_KEYS = ("epoch", "step", "train_loss", "train_accuracy", "seconds", "images_per_second")
_T = TypeVar("_T")
_NO_PREDICTIONS = (
    "There are no test predictions yet, so confusion, classes, calibration and mistakes are missing"
)


@dataclass(frozen=True)
class RunRecord:
    """Everything that a report shows of a run."""

    run: RunFolder
    recipe: Recipe
    environments: list[dict[str, Any]]
    """Its first environment, and each different one on resuming."""
    start: MetricRecord
    """The `start` line; empty if it is missing."""
    epochs: list[MetricRecord]
    end: MetricRecord
    """The `end` line; empty in an unfinished run."""
    test: MetricRecord
    """The latest test metrics with the recipe's views; empty before `evaluate`."""
    evaluations: dict[EvaluationKey, MetricRecord]
    """The latest evaluation per data set, corruption, views and precision."""
    robustness: MetricRecord
    """The latest accuracy under corruption; empty before `evaluate --robust`."""
    model: SavedModel | None
    logits: NDArray[np.float32] | None
    """(N, classes) for the test images, with `tta`."""
    labels: NDArray[np.int64] | None
    """(N,)."""
    tta: str
    """The recipe's views, as in the test metrics."""
    running: bool
    """Whether it is training."""
    failed: bool
    """Whether the training failed, and was not resumed since."""
    missing: tuple[str, ...]
    """A sentence for each missing item, with its remedy; `untested_notes` has that of the test."""
    untested: str
    """Why there are no test predictions to show; empty if there are."""

    @property
    def environment(self) -> dict[str, Any]:
        """Its first environment."""
        return self.environments[0]

    @property
    def alone(self) -> bool:
        """Whether it is a network without the log of its training."""
        return adopted(self.environment) is not None

    @property
    def target(self) -> Path | str:
        """What names it on the command line: its folder, or the name of shipped weights."""
        shipped = self.alone and self.run.name in shipped_weights()
        return self.run.name if shipped else self.run.path

    @property
    def recipe_known(self) -> bool:
        """Whether its recipe trained it; of a network alone it may tell the architecture only."""
        return not self.alone or self.recipe.name in shipped_recipes()

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names."""
        return _classes(self.model, self.start)

    @property
    def total_steps(self) -> int:
        """Steps of the whole run; a time budget may end it before those planned."""
        return int(self.end.get("step", self.start.get("steps", 0)))

    @property
    def state(self) -> str:
        """State of the run in a few words."""
        if self.alone:
            return "trained; no log"
        if self.end:
            return "finished"
        if self.running:
            return "running"
        word = "failed" if self.failed else "interrupted"
        last = self.epochs[-1]["step"] if self.epochs else 0
        return f"{word} at step {last:,} of {self.total_steps:,}" if self.start else word

    def untested_notes(self, *, tests: bool = True) -> list[str]:
        """That there are no test predictions, with the remedy; empty if there are.

        Args:
            tests: Whether the data has a test split, as far as is known.
        """
        if not self.untested:
            return []
        if tests:
            return [f"{self.untested}: {_again(self.run)}"]
        evaluate = command("evaluate", self.target, "--data")
        return [
            "The data has no test split, so confusion, classes, calibration and mistakes are "
            f"missing; evaluate the network on other pictures with: {evaluate} PATH"
        ]

    def epoch_plan(self) -> Epochs | None:
        """Steps per epoch; None if the `start` line is missing, or has too few images."""
        if "train_images" not in self.start:
            return None
        plan = Epochs.of(self.recipe.train, images=int(self.start["train_images"]))
        return plan if plan.full_steps and plan.steps_in(plan.full_epochs) else None

    def series(self, key: str) -> tuple[list[float], list[float]]:
        """Epochs with a finite value of `key`, and the values."""
        pairs = [(e["epoch"], e[key]) for e in self.epochs if is_figure(e.get(key))]
        return [float(x) for x, _ in pairs], [float(y) for _, y in pairs]


def folders_of(*records: RunRecord) -> tuple[Path, ...]:
    """Folders of this machine that the recipe and the commands of runs name."""
    found: list[Path] = []
    for record in records:
        data, weights = record.recipe.data, record.recipe.init.weights
        found.append(record.run.path.absolute().parent.parent)
        found += [Path(each).parent for each in (data.dataset, data.decisions, weights) if each]
    return tuple(folder for folder in found if folder.is_absolute())


def read_record(path: Path) -> RunRecord:
    """Read a run folder in any state.

    Raises:
        RunError: There is no run at `path`.
        RecipeError: Its recipe.yaml is wrong.
    """
    run = RunFolder.open(path)
    recipe = run.recipe()
    missing: list[str] = []
    lines = _or_say(run.metrics, [], missing)
    readable = not missing
    if run.torn:
        missing.append("The last line of the metrics was truncated and is left out.")
    ran_on = environments(run, lines)
    alone = adopted(ran_on[0]) is not None
    start = last_line(lines, "start", *(() if alone else ("train_images", "steps")))
    end = last_line(lines, "end", "step", "seconds")
    epochs = [
        line for line in lines if line.get("kind") == "epoch" and has_figures(line, _EPOCH_KEYS)
    ]
    running = not end and is_training(run)
    ended_by: MetricRecord = lines[-1] if lines and not end and not running else {}
    failed = ended_by if ended_by.get("kind") == "failed" else {}
    if alone:
        missing.append("A network without a training log: there are no curves.")
    elif readable:  # or nothing is known of the training
        missing += _missing_lines(
            run, start=start, end=end, epochs=epochs, running=running, failed=failed
        )
    if not ran_on[0]:
        missing.append("environment.json is missing or damaged: the machine is unknown.")
    model = _or_say(lambda: read_model(run.model_path), None, missing) if run.finished else None
    said = _or_say(run.load_predictions, None, missing)
    tta, untested = recipe.evaluate.tta, ""
    if said is None:
        damaged = any("predictions" in text for text in missing)
        untested = _NO_PREDICTIONS if (end or alone) and not damaged else ""
    elif not _fits(said, len(_classes(model, start))):
        said, untested = None, "The predictions do not fit the run"
    elif tta not in said.logits:
        said, untested = None, f"The test set was not evaluated with the views {tta}"
    tests = [line for line in lines if line.get("kind") == "test"]
    test = last_line([t for t in tests if t.get("tta") == tta], "test", "accuracy", "loss")
    return RunRecord(
        run=run,
        recipe=recipe,
        environments=ran_on,
        start=start,
        epochs=epochs,
        end=end,
        test=test,
        evaluations=latest_evaluations(lines),
        robustness=last_line(lines, "robustness", "mean", "clean"),
        model=model,
        logits=said.logits[tta] if said else None,
        labels=said.labels if said else None,
        tta=tta,
        running=running,
        failed=bool(failed),
        missing=tuple(missing),
        untested=untested,
    )


def _missing_lines(
    run: RunFolder,
    *,
    start: MetricRecord,
    end: MetricRecord,
    epochs: list[MetricRecord],
    running: bool,
    failed: MetricRecord,
) -> list[str]:
    """Notes on missing lines of the metrics."""
    found: list[str] = []
    if not start:
        found.append("The metrics have no start line: the learning rate by step is not shown.")
    if running:
        found.append(
            "Training in progress: curves stop at the last finished epoch, and test metrics "
            "follow after the end."
        )
    elif failed:
        found.append(f"The training failed: {failure_reason(failed)}; {retrain_advice(run)}")
    elif not end:
        found.append(
            "The training was interrupted; its curves stop there. "
            f"Resume with: {command('train', '--resume', run.path)}"
        )
    if not epochs:
        found.append("No epoch has finished yet: there are no curves.")
    return found


def _or_say(read: Callable[[], _T], otherwise: _T, missing: list[str]) -> _T:
    """Read a part; if it is damaged, its error becomes a note of the report."""
    try:
        return read()
    except RunError as fault:
        missing.append(str(fault))
        return otherwise


def _classes(model: SavedModel | None, start: MetricRecord) -> tuple[str, ...]:
    """Classes of the model, or of the data at the start; old runs used CIFAR-10's."""
    if model is not None:
        return model.classes
    said = start.get("classes")
    return tuple(map(str, said)) if isinstance(said, list) else known_classes("cifar10") or ()


def _fits(said: Predictions, classes: int) -> bool:
    count = len(said.labels)
    return (
        count > 0
        and said.labels.ndim == 1
        and 0 <= int(said.labels.min()) <= int(said.labels.max()) < classes
        and len(said.logits) > 0
        and all(logits.shape == (count, classes) for logits in said.logits.values())
        and all(bool(np.isfinite(logits).all()) for logits in said.logits.values())
    )


def _again(run: RunFolder) -> str:
    if adopted(run.environment()):
        return "give its pictures with --data PATH"
    return f"evaluate the run with: {command('evaluate', run.path)}"
