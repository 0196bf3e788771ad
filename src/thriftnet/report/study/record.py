"""Reads a study folder for a report, and notes what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from thriftnet.errors import SearchError
from thriftnet.recipe.keys import flatten
from thriftnet.report.study.trials import Trial, counted_operations, read_trials, trial_lines
from thriftnet.search.queue.jobs import Candidate, JobRow
from thriftnet.search.snapshot import StudySnapshot
from thriftnet.search.space import Space
from thriftnet.search.stages import grid, refinement
from thriftnet.search.stages.order import STAGES
from thriftnet.search.status import StageStatus, stage_status
from thriftnet.search.study import Study


@dataclass(frozen=True)
class StudyRecord:
    """Everything that a report shows of a study."""

    study: Study
    snapshot: StudySnapshot
    """Snapshot with all readable outcomes."""
    trials: Mapping[str, Trial]
    """All candidates of grid and refinement, by digest."""
    stages: Sequence[StageStatus]
    settings: Mapping[str, Any]
    """Recipe values of the space's base, by dotted key."""
    pflop: float | None
    """Operations of all trials; None if some are unknown."""
    missing: tuple[str, ...]
    """A sentence for each missing item, with its remedy."""

    @property
    def space(self) -> Space:
        """The search space."""
        return self.study.space

    @property
    def full(self) -> int:
        """Epochs of the full schedule in grid and refinement."""
        return grid.horizon(self.space)

    @property
    def rungs(self) -> tuple[int, ...]:
        """Epochs after which candidates are promoted."""
        return self.space.halving.rungs

    def done(self, stage: str) -> bool:
        """Whether a stage is done."""
        return any(each.name == stage and each.state == "done" for each in self.stages)

    def outcome(self, stage: str) -> Mapping[str, Any]:
        """Outcome of a stage; empty before it is done."""
        return self.snapshot.outcomes.get(stage, {})

    @property
    def trained(self) -> list[Trial]:
        """Candidates with an accuracy."""
        return [trial for trial in self.trials.values() if trial.value is not None]

    @property
    def ranked(self) -> list[Trial]:
        """Candidates with an accuracy, best first; those with the full schedule first."""
        return [self.trials[digest] for digest in refinement.ranking(self.snapshot)]

    @property
    def winner(self) -> Trial | None:
        """Winner of the validation."""
        return self.trials.get(self.outcome("validation").get("winner", ""))

    @property
    def best(self) -> Trial | None:
        """The winner, or the best so far."""
        return self.winner or next(iter(self.ranked), None)

    @property
    def best_word(self) -> str:
        """Label of the best candidate."""
        return "winner" if self.winner else "best so far"

    @property
    def reference(self) -> Trial | None:
        """The reference configuration; of several, the best."""
        chosen = [trial for trial in self.ranked if trial.candidate.reference]
        left = [trial for trial in self.trials.values() if trial.candidate.reference]
        return next(iter([*chosen, *left]), None)

    def setting(self, candidate: Candidate, key: str) -> Any:
        """Value of a recipe key in a candidate or the base; None if neither has it."""
        return candidate.changes.get(key, self.settings.get(key))


def read_study(study: Study) -> StudyRecord:
    """Read a study in any state.

    Raises:
        SearchError: Its storage cannot be read.
    """
    missing: list[str] = []
    # Jobs first: a new job's candidate is then read, too.
    jobs = {stage.name: study.storage.jobs(stage.name) for stage in STAGES}
    candidates = {c.digest: c for c in study.storage.candidates()}
    jobs = {
        name: [row for row in rows if row.job.candidate in candidates]
        for name, rows in jobs.items()
    }
    outcomes: dict[str, Mapping[str, Any]] = {}
    for stage in STAGES:
        found = _outcome(study, stage.name, missing)
        if found is not None:
            outcomes[stage.name] = found
    snapshot = StudySnapshot(study.space, candidates, jobs, outcomes)
    trials = read_trials(study, candidates, jobs, full=grid.horizon(study.space))
    standings = [stage_status(stage, snapshot) for stage in STAGES]
    missing += _missing_stages(study, standings)
    gone = [t for t in trials.values() if t.rows and t.reached and not t.curve]
    if gone:
        missing.append(
            f"The run folders of {len(gone)} trials are missing or damaged: their curves show "
            "only the epochs of their rungs."
        )
    return StudyRecord(
        study=study,
        snapshot=snapshot,
        trials=trials,
        stages=standings,
        settings=_settings(study.space, missing),
        pflop=_operations(study, jobs),
        missing=tuple(missing),
    )


def _outcome(study: Study, stage: str, missing: list[str]) -> dict[str, Any] | None:
    try:
        return study.outcome(stage)
    except SearchError as fault:
        missing.append(str(fault))
        return None


def _missing_stages(study: Study, standings: Sequence[StageStatus]) -> list[str]:
    """Notes on stages that are not done."""
    lacking = [each for each in standings if each.state != "done"]
    if not lacking:
        return []
    first = lacking[0]
    jobs = "" if first.expected is None else f" ({first.done} of about {first.expected} jobs done)"
    word = {"waiting": "has not started", "running": "is running", "stopped": "was stopped"}
    found = [
        f"The stage {first.name} {word[first.state]}{jobs}. Resume with: {study.search_command()}"
    ]
    later = [each.name for each in lacking[1:]]
    if later:
        found.append(f"Not known yet: {', '.join(later)}.")
    return found


def _settings(space: Space, missing: list[str]) -> dict[str, Any]:
    try:
        recipe = space.recipe({}, epochs=grid.horizon(space), seed=0, name=space.name)
    except SearchError as fault:  # a base that is only complete with the grid's values
        missing.append(f"The values of the base recipe are not shown: {fault}")
        return {}
    return flatten(recipe.model_dump(mode="json"))


def _operations(study: Study, jobs: Mapping[str, Sequence[JobRow]]) -> float | None:
    """PFLOP of all trials with a finished job."""
    last = {
        (row.job.stage, row.job.candidate, row.job.seed): row.job
        for rows in jobs.values()
        for row in rows
        if row.value is not None
    }
    counted = [counted_operations(trial_lines(study, job)) for job in last.values()]
    known = [each for each in counted if each is not None]
    return sum(known) if len(known) == len(counted) and known else None
