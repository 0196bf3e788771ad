"""The status of a study, for `thriftnet search status` and during a search."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from thriftnet.search.conclusion import conclusion_of
from thriftnet.search.queue.jobs import JobRow
from thriftnet.search.snapshot import StudySnapshot
from thriftnet.search.stages.order import STAGES, Stage, read_snapshot, stages_before
from thriftnet.search.study import Study


@dataclass(frozen=True)
class StageStatus:
    """The status of a stage."""

    name: str
    state: str
    """waiting, running, stopped or done."""
    done: int
    """Finished jobs."""
    expected: int | None
    """Approximate number of jobs; None before the stage starts."""
    running: int
    pruned: int
    """Trials not trained to the full horizon, once the stage is done."""
    failed: int
    best: float | None
    """Validation accuracy at the highest number of epochs reached."""
    best_label: str | None
    seconds_left: float | None
    """At the speed so far; None if unknown or nothing runs."""


@dataclass(frozen=True)
class Failure:
    """A failed trial."""

    stage: str
    label: str
    """Label of its candidate, with the seed if not 0."""
    reason: str
    given_up: bool
    """Whether it was given up after crashes of its workers and can be retried."""


@dataclass(frozen=True)
class StudyStatus:
    """The status of a study."""

    path: str
    space: str
    candidates: int
    """Candidates within budget."""
    over_budget: int
    stages: list[StageStatus]
    failures: list[Failure]
    retry: str | None
    """The command that retries trials that were given up; None if there are none."""

    @property
    def over(self) -> bool:
        """Whether every stage is done."""
        return all(stage.state == "done" for stage in self.stages)

    def to_json(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)


def read_study_status(study: Study) -> StudyStatus:
    """Read the status of a study.

    Raises:
        SearchError: The storage cannot be read.
    """
    snapshot = read_snapshot(study)
    stages = [stage_status(stage, snapshot) for stage in STAGES]
    for at, stage in enumerate(STAGES):
        conclusion = study.storage.jobs(conclusion_of(stage))
        if stages[at].state != "done" and any(row.state == "running" for row in conclusion):
            stages[at] = replace(stages[at], state="running")  # as the analysis does completely
    failures = failures_of(snapshot)
    return StudyStatus(
        path=str(study.path),
        space=study.space.name,
        candidates=len(snapshot.competing),
        over_budget=snapshot.over_budget,
        stages=stages,
        failures=failures,
        retry=study.search_command("--retry") if any(f.given_up for f in failures) else None,
    )


def failures_of(snapshot: StudySnapshot) -> list[Failure]:
    """Every failed trial, in order of stages and jobs."""
    return [
        Failure(stage, label_of(snapshot, row), row.reason or "no reason is known", row.given_up)
        for stage, rows in snapshot.jobs.items()
        for row in rows
        if row.state == "failed"
    ]


def label_of(snapshot: StudySnapshot, row: JobRow) -> str:
    """Label of a job's trial."""
    label = snapshot.candidates[row.job.candidate].label
    return label + (f"  seed {row.job.seed}" if row.job.seed else "")


def stage_status(stage: Stage, snapshot: StudySnapshot) -> StageStatus:
    """The status of a stage, from its jobs and outcome.

    Raises:
        SearchError: An earlier outcome is of other candidates.
    """
    rows = snapshot.jobs[stage.name]
    over = [row for row in rows if row.over]
    running = [row for row in rows if row.state == "running"]
    ready = all(before.name in snapshot.outcomes for before in stages_before(stage))
    expected = stage.expected(snapshot) if ready else []
    done = stage.name in snapshot.outcomes
    trials = {(row.job.candidate, row.job.seed) for row in rows}
    full = stage.horizon(snapshot.space)
    moving = {
        (row.job.candidate, row.job.seed)
        for row in rows
        if row.state != "finished" or row.job.epochs == full
    }
    best = max(
        (row for row in rows if row.value is not None),
        key=lambda row: (row.job.epochs, row.value or 0.0),
        default=None,
    )
    state = "done" if done else "running" if running else "stopped" if rows else "waiting"
    return StageStatus(
        name=stage.name,
        state=state,
        done=len(over),
        expected=len(rows) if done else max(len(rows), sum(n for n, _ in expected)) or None,
        running=len(running),
        pruned=len(trials - moving) if done else 0,
        failed=sum(row.state == "failed" for row in rows),
        best=best.value if best else None,
        best_label=snapshot.candidates[best.job.candidate].label if best else None,
        seconds_left=None if done else _seconds_left(snapshot, stage, len(running), expected),
    )


def _seconds_left(
    snapshot: StudySnapshot, stage: Stage, running: int, expected: list[tuple[int, float]]
) -> float | None:
    """Remaining work at the speed of finished jobs, divided among active workers."""
    finished = [row for row in snapshot.jobs[stage.name] if row.state == "finished"]
    done = sum(snapshot.work(row) for row in finished)
    spent = sum(snapshot.seconds(row) for row in finished)
    if not running or not spent:
        return None
    left = sum(count * work for count, work in expected) - done
    return max(0.0, left) * spent / done / running
