"""Evaluations in a run folder, side by side."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from thriftnet.errors import RunError
from thriftnet.evaluation.results import Evaluation
from thriftnet.runs.evaluations import latest_evaluations
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.lock import writing
from thriftnet.runs.predictions import Predictions

_RECORD_SECONDS = 10.0
"""How long another evaluation of the same run is waited for: it records in much less."""


def record_evaluation(
    run: RunFolder, evaluation: Evaluation, predictions: Predictions
) -> str | None:
    """Save the metrics in a run unless they are the latest there, and a test's predictions.

    Returns:
        Why they could not be saved: a run that may only be read is evaluated all the same.
    """
    try:
        with writing(run, wait=_RECORD_SECONDS):
            _append(run, evaluation, predictions)
    except RunError as fault:
        return str(fault)
    return None


def _append(run: RunFolder, evaluation: Evaluation, predictions: Predictions) -> None:
    known = latest_evaluations(run.metrics())
    # Of several precisions the latest counts, so each is written where it is not that.
    latest = {replace(key, precision=""): line for key, line in known.items()}
    for metrics in evaluation.results:
        key = evaluation.key(metrics)
        interval = {"accuracy_interval": [*metrics.accuracy_interval]}
        line = key.record({**metrics.summary(), **interval, **metrics.by_class.figures()})
        if line != latest.get(replace(key, precision="")):
            run.append(line)
    if evaluation.key(evaluation.chosen).is_test:
        lines = (line for key, line in latest.items() if key.is_test)
        same = {line["tta"] for line in lines if line["precision"] == evaluation.precision}
        run.save_predictions(_with_kept(run, predictions, same))


def _with_kept(run: RunFolder, new: Predictions, same: set[str]) -> Predictions:
    """Predictions with those that the run has of other views, in the same precision.

    `compare` asks for them when two runs were read in different ways.
    """
    try:
        kept = run.load_predictions()
    except RunError:  # damaged, and about to be mended
        kept = None
    if kept is None or not np.array_equal(kept.labels, new.labels):
        return new
    return replace(new, logits={k: v for k, v in kept.logits.items() if k in same} | new.logits)
