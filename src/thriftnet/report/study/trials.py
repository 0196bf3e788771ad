"""Trials of each candidate: accuracies by epoch, cost and state."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from thriftnet.errors import RunError
from thriftnet.models.describe import training_flops
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.metrics_log import MetricRecord
from thriftnet.search.queue.jobs import Candidate, Job, JobRow
from thriftnet.search.study import Study

SEARCHED = ("grid", "refinement")
"""Stages whose trials share schedule and seed, and are comparable."""


@dataclass(frozen=True)
class Trial:
    """A candidate of grid or refinement; without rows if it never trained."""

    candidate: Candidate
    rows: tuple[JobRow, ...]
    """Jobs by epochs."""
    curve: Mapping[int, float]
    """Validation accuracy in [0, 1] by epoch, from the run folder."""
    full: int
    """Epochs of the full schedule."""
    operations: float | None
    """Mean floating-point operations per training epoch; None if unknown."""

    @property
    def values(self) -> dict[int, float]:
        """Validation accuracy of each finished job, by epochs."""
        return {row.job.epochs: row.value for row in self.rows if row.value is not None}

    @property
    def reached(self) -> int:
        """Epochs of the last finished job; 0 without one."""
        return max(self.values, default=0)

    @property
    def value(self) -> float | None:
        """Validation accuracy of the last finished job."""
        return self.values.get(self.reached)

    @property
    def whole(self) -> bool:
        """Whether it finished the full schedule."""
        return self.reached == self.full

    @property
    def refined(self) -> bool:
        """Whether the refinement created or trained it."""
        own = self.candidate.origin == "refinement"
        return own or any(row.job.stage == "refinement" for row in self.rows)

    def at(self, epochs: int) -> float | None:
        """Validation accuracy after so many epochs, from the storage or the run folder."""
        return self.values.get(epochs, self.curve.get(epochs))

    def standing(self, *, grid_done: bool) -> str:
        """State in a few words.

        Args:
            grid_done: Whether promotion is over.
        """
        if self.candidate.refused:
            return f"over budget: {self.candidate.refused}"
        last = self.rows[-1] if self.rows else None
        if last is None:
            return "never trained" if grid_done else "waits"
        if last.state == "failed":
            return f"failed: {last.reason}" if last.reason else "failed"
        if last.state != "finished":
            word = "running" if last.state == "running" else "stopped"
            return f"{word}, on its way to epoch {last.job.epochs}"
        if self.whole:
            return "finished"
        return f"{'pruned' if grid_done else 'waits'} at epoch {self.reached}"


def read_trials(
    study: Study,
    candidates: Mapping[str, Candidate],
    jobs: Mapping[str, Sequence[JobRow]],
    *,
    full: int,
) -> dict[str, Trial]:
    """Read all candidates by digest, in the order they were added.

    Args:
        study: Has the run folders; without one, the curve has the storage's values.
        candidates: Candidates by digest.
        jobs: Jobs by stage.
        full: Epochs of the full schedule.
    """
    rows: dict[str, list[JobRow]] = {digest: [] for digest in candidates}
    for stage in SEARCHED:
        for row in jobs[stage]:
            rows[row.job.candidate].append(row)
    found: dict[str, Trial] = {}
    for digest, own in rows.items():
        own.sort(key=lambda row: row.job.epochs)
        lines = trial_lines(study, own[-1].job) if own else []
        curve, pflop = _accuracies(lines), counted_operations(lines)
        operations = 1e15 * pflop / len(curve) if pflop and curve else None
        found[digest] = Trial(candidates[digest], tuple(own), curve, full, operations)
    return found


def trial_lines(study: Study, job: Job) -> list[MetricRecord]:
    """Metrics of a job's trial; empty if unreadable."""
    try:
        return RunFolder.open(study.trial_path(job)).metrics()
    except RunError:
        return []


def counted_operations(lines: Sequence[MetricRecord]) -> float | None:
    """Operations of a trial's training so far, in PFLOP; None if unknown.

    A paused trial has no `end` line; its epochs are then counted as in the `start` line, with all
    images.
    """
    start = next((line for line in lines if line.get("kind") == "start"), {})
    for line in reversed(lines):
        if line.get("kind") == "end" and isinstance(line.get("pflop"), int | float):
            return float(line["pflop"])
    epochs = len(_accuracies(lines))
    try:
        return training_flops(int(start["macs"]), int(start["train_images"])) * epochs / 1e15
    except (KeyError, TypeError, ValueError):
        return None


def _accuracies(lines: Sequence[MetricRecord]) -> dict[int, float]:
    found: dict[int, float] = {}
    for line in lines:
        epoch, value = line.get("epoch"), line.get("val_accuracy")
        if line.get("kind") != "epoch" or not isinstance(epoch, int):
            continue
        if isinstance(value, int | float) and math.isfinite(value):
            found[epoch] = float(value)
    return found
