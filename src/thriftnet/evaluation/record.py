"""Records evaluations in a run folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from thriftnet.errors import RunError
from thriftnet.evaluation.results import Evaluation
from thriftnet.runs.evaluations import latest_evaluations
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.lock import writing
from thriftnet.runs.predictions import Predictions

_RECORD_SECONDS = 10.0
"""Longest wait for another process that records in the same run."""


def record_evaluation(
    run: RunFolder, evaluation: Evaluation, predictions: Predictions
) -> str | None:
    """Save new metrics in a run, and the predictions of a test; returns as `try_to_write`."""
    return try_to_write(run, lambda: _append(run, evaluation, predictions))


def try_to_write(run: RunFolder, write: Callable[[], None]) -> str | None:
    """Write to a run under its lock; the evaluation is reported even if that fails.

    Returns:
        Why nothing was written, such as in a read-only run; None if it was.
    """
    try:
        with writing(run, wait=_RECORD_SECONDS):
            write()
    except RunError as fault:
        return str(fault)
    return None


def _append(run: RunFolder, evaluation: Evaluation, predictions: Predictions) -> None:
    known = latest_evaluations(run.metrics())
    # The latest of several precisions counts, so a line is written unless it is that one.
    latest = {replace(key, precision=""): line for key, line in known.items()}
    for metrics in evaluation.results:
        key = evaluation.key(metrics)
        interval = {"accuracy_interval": [*metrics.accuracy_interval]}
        line = key.record({**metrics.summary(), **interval, **metrics.by_class.figures()})
        if line != latest.get(replace(key, precision="")):
            run.append(line)
    if evaluation.key(evaluation.chosen).is_test:
        lines = (line for key, line in latest.items() if key.is_test)
        own = [line for line in lines if line.get("precision") == evaluation.precision]
        same = {str(line.get("tta")) for line in own}
        run.save_predictions(_with_kept(run, predictions, same))


def _with_kept(run: RunFolder, new: Predictions, same: set[str]) -> Predictions:
    """New predictions merged with the run's predictions for other views in the same precision.

    `compare` uses them when two runs were evaluated with different views.
    """
    try:
        kept = run.load_predictions()
    except RunError:  # damaged, and replaced now
        kept = None
    if kept is None or not np.array_equal(kept.labels, new.labels):
        return new
    return replace(new, logits={k: v for k, v in kept.logits.items() if k in same} | new.logits)
