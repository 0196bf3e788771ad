"""The table of stages of a search, in order.

The paper's method is grid search, performance analysis, targeted refinement and validation. A stage
is an entry of `STAGES`, and starts when the previous one is done.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thriftnet.errors import SearchError
from thriftnet.search.queue.jobs import Decide
from thriftnet.search.snapshot import StoredCandidates, StudySnapshot
from thriftnet.search.space import Space
from thriftnet.search.stages import analysis, grid, refinement, validation
from thriftnet.search.study import Study


@dataclass(frozen=True)
class Stage:
    """A stage, as functions of the study's snapshot."""

    name: str
    horizon: Callable[[Space], int]
    """Epochs of a trial's schedule."""
    decide: Callable[[StudySnapshot], Decide]
    """Returns the function that chooses this stage's next job."""
    expected: Callable[[StudySnapshot], list[tuple[int, float]]]
    """Approximate (jobs, multiply-accumulates x epochs of each) of the whole stage."""
    conclude: Callable[[Study, StudySnapshot, Path | None], dict[str, Any]]
    """When all jobs are over: computes the outcome; may write files and read the data."""


GRID = Stage("grid", grid.horizon, grid.decide, grid.expected, grid.conclude)
ANALYSIS = Stage("analysis", grid.horizon, analysis.decide, analysis.expected, analysis.conclude)
REFINEMENT = Stage(
    "refinement", grid.horizon, refinement.decide, refinement.expected, refinement.conclude
)
VALIDATION = Stage(
    "validation", validation.horizon, validation.decide, validation.expected, validation.conclude
)
STAGES = (GRID, ANALYSIS, REFINEMENT, VALIDATION)


def find_stage(name: str) -> Stage:
    """Find a stage by name.

    Raises:
        SearchError: There is no such stage.
    """
    for stage in STAGES:
        if stage.name == name:
            return stage
    raise SearchError(f"--stage {name!r} is not one of {', '.join(stage.name for stage in STAGES)}")


def stages_before(stage: Stage) -> tuple[Stage, ...]:
    """Stages before a stage."""
    return STAGES[: STAGES.index(stage)]


def read_snapshot(study: Study) -> StudySnapshot:
    """Read everything in a study's storage.

    Raises:
        SearchError: The storage or an outcome is damaged.
    """
    # Jobs first: a job assigned meanwhile may have a new candidate.
    jobs = {stage.name: study.storage.jobs(stage.name) for stage in STAGES}
    candidates = StoredCandidates(study.storage.candidates)
    for row in (row for rows in jobs.values() for row in rows):
        if row.job.candidate not in candidates:
            raise SearchError(
                f"{study.storage.where} is damaged: it has a job of the candidate "
                f"{row.job.candidate!r}, which it does not have; restore it, or move the study away"
            )
    found = {stage.name: study.outcome(stage.name) for stage in STAGES}
    return StudySnapshot(
        space=study.space,
        candidates=candidates,
        jobs=jobs,
        outcomes={name: outcome for name, outcome in found.items() if outcome is not None},
    )
