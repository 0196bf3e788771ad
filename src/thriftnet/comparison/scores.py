"""The data of one run for a comparison: accuracy, correct predictions and cost."""

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
from thriftnet.weights.adopt import adopted

METRICS = {"accuracy": "accuracy", "balanced_accuracy": "balanced accuracy"}
"""Metrics to compare by, and their names in text."""


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
    """None if the run has neither it nor predictions."""
    image_half_width: float
    """Half of the metric's 95% interval over test images."""
    imbalance: float | None
    """Test images of the largest class divided by the smallest; None if `labels` is."""
    parameters: int | None
    macs: int | None
    seconds: float | None
    """Training time."""
    evaluations: dict[EvaluationKey, float]
    """Accuracy of every evaluation of the run."""
    classes: tuple[str, ...]
    environments: list[dict[str, Any]]
    """The environment at the start, and after each change on resumption."""
    labels: NDArray[np.int64] | None
    """(N,) test labels; None without predictions for these views."""
    right: NDArray[np.bool_] | None
    """(N,) whether each test image is classified correctly; None if `labels` is."""
    missing: str | None
    """What is wrong with the predictions, and what to do."""

    @property
    def value(self) -> float:
        """Value of the metric."""
        value = self.accuracy if self.metric == "accuracy" else self.balanced_accuracy
        assert value is not None  # read_score refuses such a run
        return value

    @property
    def title(self) -> str:
        """The run's path, or the name of a network that was evaluated in the cache."""
        alone = adopted(self.environments[0]) is not None
        return self.path.name if alone else str(self.path)

    @property
    def seed(self) -> int:
        """The run's seed."""
        return self.recipe.seed

    @property
    def experiment(self) -> str:
        """From `name_experiment`; runs with the same value differ only in the seed."""
        return name_experiment(self.recipe, self.environment)

    @property
    def environment(self) -> dict[str, Any]:
        """The environment at the start."""
        return self.environments[0]


def read_score(path: Path, *, tta: str | None, metric: str = "accuracy") -> Score:
    """Read a run's score.

    Args:
        path: A run folder.
        tta: Test-time augmentation; None: its recipe's.
        metric: A key of METRICS.

    Raises:
        RunError: The run is not finished or not evaluated with these views, lacks the metric, or is
            damaged.
        RecipeError: Its recipe was edited and is invalid.
    """
    run = RunFolder.open(path)
    recipe, lines = run.recipe(), run.metrics(outline=True)
    if not run.finished:
        raise RunError(f"{path} {advise(run)}")
    chosen = tta or recipe.evaluate.tta
    again = f"run: {command('evaluate', path, *(('--tta', tta) if tta else ()))}"
    if adopted(run.environment()):  # of pictures that nobody has named
        again = "give its pictures with --data PATH"
    tests = [line for line in lines if line.get("kind") == "test" and line.get("tta") == chosen]
    if not tests:
        which = f" with --tta {tta}" if tta else ""
        raise RunError(f"{path} was never evaluated{which}; {again}")
    predictions, missing = _predictions(run, chosen, again=again)
    facts = {key: value for line in lines for key, value in line.items() if key in _COSTS}
    labels = right = by_class = None
    try:
        classes = tuple(run.model_facts().classes)
        figures = dict(tests[-1])
        if predictions:  # of the latest evaluation
            labels = predictions.labels
            right = predictions.logits[chosen].argmax(axis=1) == labels
            by_class = _by_class(predictions, chosen, classes)
            figures |= {"accuracy": right.mean(), **(by_class.figures() if by_class else {})}
        accuracy = float(figures["accuracy"])
        low, high = map(float, figures[f"{metric}_interval"])
        balanced = float(figures["balanced_accuracy"]) if "balanced_accuracy" in figures else None
    except (KeyError, TypeError, ValueError):
        raise RunError(f"{path} lacks results of its evaluation; {again}") from None
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
    """Metrics per class; None if the predictions have other classes."""
    labels, logits = predictions.labels, predictions.logits[tta]
    count = logits.shape[1]
    if count != len(classes) or not 0 <= int(labels.min()) <= int(labels.max()) < count:
        return None
    cells = np.bincount(labels * count + logits.argmax(axis=1), minlength=count * count)
    return summarise_classes(cells.reshape(count, count), classes)


def _predictions(run: RunFolder, tta: str, *, again: str) -> tuple[Predictions | None, str | None]:
    """The predictions for one kind of views, or why there are none."""
    try:
        predictions = run.load_predictions()
    except RunError:
        return None, f"has damaged predictions; {again}"
    logits = predictions.logits.get(tta) if predictions else None
    if predictions is None or logits is None or logits.ndim != 2:
        return None, f"has no saved predictions; {again}"
    if len(logits) != len(predictions.labels) or len(logits) < 2:
        return None, f"has predictions that do not match their labels; {again}"
    return predictions, None
