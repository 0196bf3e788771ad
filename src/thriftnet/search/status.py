"""Where a study stands: for `thriftnet search status`, and while it runs."""

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
    """One stage in figures."""

    name: str
    state: str
    """waiting, running, stopped or done."""
    done: int
    """Jobs over."""
    expected: int | None
    """Jobs in all, about; none before the stage begins."""
    running: int
    pruned: int
    """Trials that a stage has not taken to the full horizon, once it is done."""
    failed: int
    best: float | None
    """Validation accuracy at the highest number of epochs reached."""
    best_label: str | None
    seconds_left: float | None
    """At the speed so far; none while nothing is known, or nothing runs."""


@dataclass(frozen=True)
class Failure:
    """A trial that the results are without."""

    stage: str
    label: str
    """Of its candidate, with its seed if that is not 0."""
    reason: str
    given_up: bool
    """Whether crashes of its workers ended it, so that it may be tried again."""


@dataclass(frozen=True)
class StudyStatus:
    """A study in figures."""

    path: str
    space: str
    candidates: int
    """Within budget."""
    over_budget: int
    stages: list[StageStatus]
    failures: list[Failure]
    retry: str | None
    """The command that tries again what was given up; none if nothing was."""

    @property
    def over(self) -> bool:
        """Whether every stage is done."""
        return all(stage.state == "done" for stage in self.stages)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def read_standing(study: Study) -> StudyStatus:
    """Count what the storage holds.

    Raises:
        SearchError: The storage cannot be read.
    """
    snapshot = read_snapshot(study)
    stages = [standing_of(stage, snapshot) for stage in STAGES]
    for at, stage in enumerate(STAGES):
        conclusion = study.storage.jobs(conclusion_of(stage))
        if stages[at].state != "done" and any(row.state == "running" for row in conclusion):
            stages[at] = replace(stages[at], state="running")  # as the whole of the analysis is
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
    """Every failed trial, in the order of the stages and jobs."""
    return [
        Failure(stage, label_of(snapshot, row), row.reason or "no reason is known", row.given_up)
        for stage, rows in snapshot.jobs.items()
        for row in rows
        if row.state == "failed"
    ]


def label_of(snapshot: StudySnapshot, row: JobRow) -> str:
    """What a job trains, in words."""
    label = snapshot.candidates[row.job.candidate].label
    return label + (f"  seed {row.job.seed}" if row.job.seed else "")


def standing_of(stage: Stage, snapshot: StudySnapshot) -> StageStatus:
    """One stage, by the outcomes and jobs that are known; a stage without an outcome is not done.

    Raises:
        SearchError: The outcome of a stage before is of other candidates.
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
    """Work left at the speed of the jobs that are over, shared by the workers at it."""
    finished = [row for row in snapshot.jobs[stage.name] if row.state == "finished"]
    done = sum(snapshot.work(row) for row in finished)
    spent = sum(snapshot.seconds(row) for row in finished)
    if not running or not spent:
        return None
    left = sum(count * work for count, work in expected) - done
    return max(0.0, left) * spent / done / running
