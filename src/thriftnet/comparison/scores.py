"""What a comparison asks of one run: its accuracy, what it classified correctly, what it cost."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thriftnet.commands import command
from thriftnet.comparison.labels import name_experiment
from thriftnet.errors import RunError
from thriftnet.evaluation.class_metrics import ClassSummary, summarise_classes
from thriftnet.recipe import Recipe
from thriftnet.runs.advice import advise
from thriftnet.runs.environments import environments
from thriftnet.runs.evaluations import EvaluationKey, latest_evaluations
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.predictions import Predictions

METRICS = {"accuracy": "accuracy", "balanced_accuracy": "balanced accuracy"}
"""That runs can be compared by, and how they are called."""


@dataclass(frozen=True)
class Score:
    """A finished, evaluated run."""

    path: Path
    recipe: Recipe
    tta: str
    """Test-time augmentation, a key of `VIEWS`."""
    metric: str
    """A key of METRICS."""
    accuracy: float
    balanced_accuracy: float | None
    """None where the run keeps neither it nor predictions."""
    image_half_width: float
    """Of the metric's 95% interval over test images."""
    imbalance: float | None
    """Test images of the largest class per image of the smallest; none as `labels`."""
    parameters: int | None
    macs: int | None
    seconds: float | None
    """Training time."""
    evaluations: dict[EvaluationKey, float]
    """Accuracy of everything that the run was evaluated on."""
    classes: tuple[str, ...]
    environments: list[dict[str, Any]]
    """What it began on, and what it went on with each time that this was something else."""
    labels: NDArray[np.int64] | None
    """(N,) of the test images; none where the run keeps no predictions under these views."""
    right: NDArray[np.bool_] | None
    """(N,) whether the network classifies each test image correctly; none as `labels`."""
    missing: str | None
    """What is wrong with the predictions, and what to do."""

    @property
    def value(self) -> float:
        """Of the metric."""
        value = self.accuracy if self.metric == "accuracy" else self.balanced_accuracy
        assert value is not None  # read_score refuses such a run
        return value

    @property
    def seed(self) -> int:
        """The run's seed."""
        return self.recipe.seed

    @property
    def experiment(self) -> str:
        """As `name_experiment` has it: runs that share it differ by their seed."""
        return name_experiment(self.recipe, self.environment.get("data"))

    @property
    def environment(self) -> dict[str, Any]:
        """What it began on."""
        return self.environments[0]


def read_score(path: Path, *, tta: str | None, metric: str = "accuracy") -> Score:
    """Read a run's score.

    Args:
        path: A run folder.
        tta: Test-time augmentation; none: what its recipe chose.
        metric: A key of METRICS.

    Raises:
        RunError: The run is not finished, was never evaluated that way, lacks the metric, or is
            damaged.
        RecipeError: Its recipe was changed and is wrong now.
    """
    run = RunFolder.open(path)
    recipe, lines = run.recipe(), run.metrics(outline=True)
    if not run.finished:
        raise RunError(f"{path} {advise(run)}")
    chosen = tta or recipe.evaluate.tta
    again = f"run: {command('evaluate', path, *(('--tta', tta) if tta else ()))}"
    tests = [line for line in lines if line.get("kind") == "test" and line.get("tta") == chosen]
    if not tests:
        which = f" with --tta {tta}" if tta else ""
        raise RunError(f"{path} was never evaluated{which}; {again}")
    predictions, missing = _predictions(run, chosen, again=again)
    facts = {key: value for line in lines for key, value in line.items() if key in _COSTS}
    try:
        classes = tuple(run.model_facts().classes)
        figures = dict(tests[-1])
        accuracy = float(figures["accuracy"])
    except (KeyError, TypeError, ValueError):
        raise RunError(f"{path} lacks figures of its evaluation; {again}") from None
    labels = right = by_class = None
    if predictions:  # they are the last evaluation's, whatever was read before
        labels = predictions.labels
        right = predictions.logits[chosen].argmax(axis=1) == labels
        accuracy = float(right.mean())
        by_class = _by_class(predictions, chosen, classes)
        if by_class:
            figures |= by_class.figures()
    try:
        low, high = map(float, figures[f"{metric}_interval"])
        balanced = float(figures["balanced_accuracy"]) if "balanced_accuracy" in figures else None
    except (KeyError, TypeError, ValueError):
        raise RunError(f"{path} lacks figures of its evaluation; {again}") from None
    return Score(
        path=path,
        recipe=recipe,
        tta=chosen,
        metric=metric,
        accuracy=accuracy,
        balanced_accuracy=balanced,
        image_half_width=(high - low) / 2,
        imbalance=by_class.imbalance if by_class else None,
        parameters=facts.get("parameters"),
        macs=facts.get("macs"),
        seconds=facts.get("seconds"),
        evaluations={k: float(t["accuracy"]) for k, t in latest_evaluations(lines).items()},
        classes=classes,
        environments=environments(run, lines),
        labels=labels,
        right=right,
        missing=missing,
    )


_COSTS = {"parameters", "macs", "seconds"}


def _by_class(predictions: Predictions, tta: str, classes: tuple[str, ...]) -> ClassSummary | None:
    """Metrics of each class; none where the predictions are of other classes."""
    labels, logits = predictions.labels, predictions.logits[tta]
    count = logits.shape[1]
    if count != len(classes) or not 0 <= int(labels.min()) <= int(labels.max()) < count:
        return None
    cells = np.bincount(labels * count + logits.argmax(axis=1), minlength=count * count)
    return summarise_classes(cells.reshape(count, count), classes)


def _predictions(run: RunFolder, tta: str, *, again: str) -> tuple[Predictions | None, str | None]:
    """The predictions under one kind of views, or why there are none."""
    try:
        predictions = run.load_predictions()
    except RunError:
        return None, f"keeps damaged predictions; {again}"
    logits = predictions.logits.get(tta) if predictions else None
    if predictions is None or logits is None or logits.ndim != 2:
        return None, f"keeps no predictions; {again}"
    if len(logits) != len(predictions.labels) or len(logits) < 2:
        return None, f"keeps predictions that do not fit their labels; {again}"
    return predictions, None
