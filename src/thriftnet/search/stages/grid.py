"""The first stage: the grid at a short horizon, by successive halving."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from typing import Any

from thriftnet.errors import SearchError
from thriftnet.search.queue.jobs import Answer, Decide, Job, JobRow
from thriftnet.search.snapshot import StudySnapshot
from thriftnet.search.space import Space
from thriftnet.search.stages.halving import Halving, RungJob, expected_steps, leaderboard
from thriftnet.search.study import Study

NAME = "grid"


def horizon(space: Space) -> int:
    """Epochs of every trial's schedule: the last rung."""
    return space.halving.rungs[-1]


def decide(snapshot: StudySnapshot) -> Decide:
    """Choose by halving; candidates start in the pseudo-random order of their digests."""
    settings = snapshot.space.halving
    halving = Halving(
        candidates=sorted(candidate.digest for candidate in snapshot.competing),
        rungs=len(settings.rungs),
        eta=settings.eta,
        lag=settings.lag,
    )

    def choose(rows: Sequence[JobRow]) -> Job | Answer:
        found = halving.next_step(as_steps(snapshot.space, rows))
        if isinstance(found, Answer):
            return found
        return Job(NAME, found.candidate, settings.seed, settings.rungs[found.rung])

    return choose


def as_steps(space: Space, rows: Sequence[JobRow]) -> list[RungJob]:
    """Convert jobs to steps of the halving."""
    return [_as_step(space, row) for row in rows]


def ranking(snapshot: StudySnapshot) -> list[str]:
    """Digests of trained candidates, best first."""
    return [step.candidate for step in leaderboard(as_steps(snapshot.space, snapshot.jobs[NAME]))]


def expected(snapshot: StudySnapshot) -> list[tuple[int, float]]:
    """Approximate (jobs, multiply-accumulates x epochs of each) per rung."""
    rungs, competing = snapshot.space.halving.rungs, snapshot.competing
    macs = fmean(candidate.macs for candidate in competing) if competing else 0.0
    counts = expected_steps(len(competing), len(rungs), snapshot.space.halving.eta)
    added = [after - before for before, after in pairwise((0, *rungs))]
    return [(count, macs * epochs) for count, epochs in zip(counts, added, strict=True)]


def conclude(study: Study, snapshot: StudySnapshot, data: Path | None) -> dict[str, Any]:
    """Rank the candidates, and compare the cost with training all of them to the end."""
    del study, data
    rows = snapshot.jobs[NAME]
    found = leaderboard(as_steps(snapshot.space, rows))
    table = [
        {
            "place": place,
            **snapshot.candidates[step.candidate].to_json(),
            "epochs": snapshot.space.halving.rungs[step.rung],
            "val_accuracy": step.value,
        }
        for place, step in enumerate(found, start=1)
    ]
    exhaustive = sum(candidate.macs for candidate in snapshot.competing) * horizon(snapshot.space)
    return {
        "stage": NAME,
        "competing": len(snapshot.competing),
        "over_budget": snapshot.over_budget,
        "jobs": len(rows),
        "failed": sum(row.state == "failed" for row in rows),
        "seconds": sum(snapshot.seconds(row) for row in rows),
        "share_of_exhaustive": sum(snapshot.work(row) for row in rows) / exhaustive,
        "best": table[0] if table else None,
        "reference": next((entry for entry in table if entry["reference"]), None),
        "ranking": table,
    }


def _as_step(space: Space, row: JobRow) -> RungJob:
    """Convert a job to a step of the halving.

    Raises:
        SearchError: Its epochs are not a rung.
    """
    if row.job.epochs not in space.halving.rungs:
        raise SearchError(
            f"the study's database is damaged: it has a job of {row.job.epochs} epochs, and the "
            f"space's rungs are {', '.join(map(str, space.halving.rungs))}; restore it, or move "
            "the study away"
        )
    return RungJob(row.job.candidate, space.halving.rungs.index(row.job.epochs), _value(row))


def _value(row: JobRow) -> float | None:
    if row.state == "failed":
        return -math.inf
    return row.value if row.state == "finished" else None
