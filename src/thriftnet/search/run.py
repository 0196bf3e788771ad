"""A whole search: count the candidates, then train and conclude each stage in its turn."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from thriftnet.data import load_cifar10
from thriftnet.errors import SearchError
from thriftnet.search.candidates import count_candidates
from thriftnet.search.conclusion import conclude
from thriftnet.search.crew import Crew, Team
from thriftnet.search.database import in_a_file
from thriftnet.search.jobs import Answer, Candidate, JobRow, decided
from thriftnet.search.known import Known
from thriftnet.search.queue.database import in_a_file
from thriftnet.search.queue.jobs import Answer, Candidate, JobRow
from thriftnet.search.space import Space, load_space
from thriftnet.search.stages.order import STAGES, Stage, find_stage, read_known, stages_before
from thriftnet.search.status import StageStanding, standing_of
from thriftnet.search.study import Study
from thriftnet.search.workers.local import LocalCrew
from thriftnet.search.workers.pool import Crew, Team
from thriftnet.training.interrupt import stop_on_signal


class SearchProgress(Protocol):
    """What a search tells as it goes on."""

    def note(self, text: str) -> None:
        """A sentence worth knowing."""
        ...

    def counted(self, space: Space, candidates: list[Candidate]) -> None:
        """All candidates, before anything trains."""
        ...

    def job(self, row: JobRow, known: Known, standing: StageStanding, *, done: int) -> None:
        """A job is over, as so many of the stage are with it."""
        ...

    def concluded(self, stage: str, outcome: dict[str, Any]) -> None:
        """A stage is done."""
        ...


@dataclass(frozen=True)
class Searched:
    """What a search leaves."""

    path: Path
    """The study folder."""
    finished: bool
    """False when it was stopped; the same call goes on."""
    outcomes: dict[str, dict[str, Any]]
    """By stage, of those that are done."""


def run_search(
    space: Space | str | Path,
    *,
    study: Path | None = None,
    stage: str | None = None,
    workers: int | None = None,
    data: Path | None = None,
    storage: str | None = None,
    cluster: str | None = None,
    heartbeat: float = 5.0,
    progress: SearchProgress,
) -> Searched:
    """Search a space, or go on with the search.

    Args:
        space: A space, the name of a shipped one, or a YAML path.
        study: Folder; none: `studies/` and the space's name.
        stage: The only one to run; none: all.
        workers: Processes at once; none: 1, or as many as a cluster has processor cores.
        data: Where to read CIFAR-10; none: the cache or the network.
        storage: Address of a database; none: a file in the folder.
        cluster: Where a Ray cluster is, on which the workers run; none: on this machine.
        heartbeat: Seconds between two signs of life of a worker.
        progress: Told how it goes.

    Raises:
        SearchError: The space is wrong, the study is another's, or its storage fails.
        DataError: The data set cannot be had.
    """
    chosen = space if isinstance(space, Space) else load_space(space)
    wanted = (find_stage(stage),) if stage is not None else STAGES
    crew = _choose_crew(cluster, workers, storage)
    candidates = count_candidates(chosen)
    path = study or Path("studies") / chosen.name
    opened = Study.create(path, chosen, url=storage, heartbeat=heartbeat)
    opened.storage.add_candidates(candidates)
    progress.counted(chosen, candidates)
    load_cifar10(data, say=progress.note)  # fills the cache once, before many workers would
    outcomes: dict[str, dict[str, Any]] = {}
    team = Team(opened, wanted, crew=crew, url=storage, data=data, say=progress.note)
    with closing(opened.storage), closing(crew), stop_on_signal() as stop, closing(team):
        for each in wanted:
            _need(opened, stages_before(each))
            outcome = opened.outcome(each.name)
            if outcome is None:
                teller = _Teller(opened, each, progress)
                if teller.look() or team.run(
                    each, stopping=lambda: stop.requested, look=teller.look
                ):
                    outcome = conclude(
                        opened,
                        each,
                        data=data,
                        stopping=lambda: stop.requested,
                        say=progress.note,
                    )
                if outcome is None:
                    return Searched(path, False, outcomes)
            outcomes[each.name] = outcome
            progress.concluded(each.name, outcome)
    return Searched(path, True, outcomes)


def _choose_crew(cluster: str | None, workers: int | None, storage: str | None) -> Crew:
    if cluster is None:
        return LocalCrew(workers or 1)
    from thriftnet.search.workers.ray_cluster import RayCrew

    return RayCrew(cluster, workers=workers, shared=not in_a_file(storage))


class _Teller:
    """Tells of each job that is over, once."""

    def __init__(self, study: Study, stage: Stage, progress: SearchProgress) -> None:
        self.study = study
        self.stage = stage
        self.progress = progress
        self._decide = stage.decide(read_known(study))
        rows = study.storage.jobs(stage.name)
        self._told = {row.number for row in rows if row.over}
        self._over = self._decided(rows)

    def look(self) -> bool:
        """Whether all jobs of the stage are over."""
        rows = self.study.storage.jobs(self.stage.name)
        new = [row for row in rows if row.over and row.number not in self._told]
        if new:
            known = read_known(self.study)
            standing = standing_of(self.stage, known)
            for row in new:
                self._told.add(row.number)
                self.progress.job(row, known, standing, done=len(self._told))
            self._over = self._decided(rows)
        return self._over

    def _decided(self, rows: Sequence[JobRow]) -> bool:
        """Whether there is no job any more, and will be none; a choice may cost some thought."""
        return all(row.over for row in rows) and decided(self._decide, rows) is Answer.DONE


def _need(study: Study, stages: tuple[Stage, ...]) -> None:
    for stage in stages:
        if study.outcome(stage.name) is None:
            raise SearchError(
                f"{study.path}: the stage {stage.name} is not done yet; run it first with "
                f"--stage {stage.name}, or all stages without --stage"
            )
