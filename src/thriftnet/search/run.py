"""Runs a search: builds the candidates, then trains and concludes each stage."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from thriftnet.data import OpenDataset
from thriftnet.data.options import DatasetSpec
from thriftnet.data.places import recorded
from thriftnet.data.registry import DATASETS, known_classes, name_of
from thriftnet.errors import DataError, SearchError
from thriftnet.recipe import Recipe
from thriftnet.runs.folder import RunFolder
from thriftnet.runtime.interrupt import StopRequest, stop_on_signal
from thriftnet.runtime.processors import processors
from thriftnet.search.candidates import count_candidates, trial_recipe
from thriftnet.search.conclusion import conclude
from thriftnet.search.folder import is_study
from thriftnet.search.queue.database import in_a_file
from thriftnet.search.queue.jobs import Answer, Candidate, JobRow, decided
from thriftnet.search.snapshot import StudySnapshot
from thriftnet.search.space import Space, load_space
from thriftnet.search.stages.order import STAGES, Stage, find_stage, read_snapshot, stages_before
from thriftnet.search.status import Failure, StageStatus, failures_of, label_of, stage_status
from thriftnet.search.study import Study
from thriftnet.search.threads import trial_threads
from thriftnet.search.workers.local import LocalPool
from thriftnet.search.workers.machine import gpus
from thriftnet.search.workers.pool import Supervisor, WorkerPool
from thriftnet.training.data import open_data

_ON_GPUS = {"auto", "cuda"}
"""Values of `train.device` that use a GPU if there is one."""


class SearchProgress(Protocol):
    """The interface of progress displays of a search."""

    def note(self, text: str) -> None:
        """Show an informational message."""
        ...

    def counted(self, space: Space, candidates: list[Candidate]) -> None:
        """All candidates, before training."""
        ...

    def job(self, row: JobRow, snapshot: StudySnapshot, status: StageStatus, *, done: int) -> None:
        """A job is over; with the number of finished jobs of the stage."""
        ...

    def concluded(self, stage: str, outcome: dict[str, Any]) -> None:
        """A stage is done."""
        ...


@dataclass(frozen=True)
class SearchResult:
    """The result of a search."""

    path: Path
    """The study folder."""
    finished: bool
    """False if it was stopped; the same call continues it."""
    outcomes: dict[str, dict[str, Any]]
    """Outcomes of finished stages."""
    given_up: tuple[Failure, ...]
    """Trials that were given up because their workers crashed."""
    again: str
    """The command that continues it."""


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
    retry: bool = False,
    progress: SearchProgress,
) -> SearchResult:
    """Search a space, or continue a search.

    Args:
        space: A space, the name of a shipped one, or a YAML path.
        study: Folder; None: `studies/` and the space's name.
        stage: The only stage to run; None: all.
        workers: Number of processes; None: one per GPU, or without GPUs by CPU cores, on one
            machine at most `halving.lag`.
        data: Replaces the space's data set.
        storage: Address of a database; None: a file in the folder.
        cluster: Address of a Ray cluster for the workers; None: this machine.
        heartbeat: Seconds between two lease renewals of a worker.
        retry: Whether to retry trials that were given up because their workers died.
        progress: Progress display.

    Raises:
        SearchError: The space is invalid, the study has another space, or its storage fails.
        DataError: The data set cannot be opened.
    """
    if not isinstance(space, Space):
        own = study is not None and Path(space).resolve() == (study / "space.yaml").resolve()
        space = load_space(space, own=own)
    chosen = _with_pictures(space, data)
    wanted = (find_stage(stage),) if stage is not None else STAGES
    path = study or Path("studies") / chosen.name
    candidates = count_candidates(chosen, begun=is_study(path))
    recipe = trial_recipe(chosen, candidates[0], epochs=1, seed=0)
    pool = _choose_pool(
        cluster,
        workers,
        threads=trial_threads(path, chosen),
        most=chosen.halving.lag,
        on_gpus=recipe.train.device in _ON_GPUS,
        shared=not in_a_file(storage),
    )
    opened = Study.create(path, chosen, url=storage, heartbeat=heartbeat)
    with closing(opened.storage):
        if retry:
            _retry(opened, progress)
        opened.storage.add_candidates(candidates)
        progress.counted(chosen, candidates)
        _open_once(path, recipe, data, progress)
        supervisor = Supervisor(
            opened, wanted, pool=pool, url=storage, data=data, say=progress.note
        )
        with closing(pool), stop_on_signal() as stop, closing(supervisor):
            return _run_stages(opened, wanted, supervisor, stop, data=data, progress=progress)


def _run_stages(
    study: Study,
    wanted: Sequence[Stage],
    supervisor: Supervisor,
    stop: StopRequest,
    *,
    data: Path | None,
    progress: SearchProgress,
) -> SearchResult:
    """Run stages, or what is left of them."""
    outcomes: dict[str, dict[str, Any]] = {}
    for each in wanted:
        _need(study, stages_before(each))
        outcome = study.outcome(each.name)
        if outcome is None:
            outcome = _run_stage(study, each, supervisor, stop, data=data, progress=progress)
        if outcome is None:
            return SearchResult(study.path, False, outcomes, (), study.search_command())
        outcomes[each.name] = outcome
        progress.concluded(each.name, outcome)
    failures = failures_of(read_snapshot(study))
    given_up = tuple(failure for failure in failures if failure.given_up)
    return SearchResult(study.path, True, outcomes, given_up, study.search_command())


def _run_stage(
    study: Study,
    stage: Stage,
    supervisor: Supervisor,
    stop: StopRequest,
    *,
    data: Path | None,
    progress: SearchProgress,
) -> dict[str, Any] | None:
    """Run the remaining jobs of a stage and conclude it; None if stopped."""
    reporter = _JobReporter(study, stage, progress)

    def stopping() -> bool:
        return stop.requested

    if reporter.poll() or supervisor.run(stage, stopping=stopping, poll=reporter.poll):
        return conclude(study, stage, data=data, stopping=stopping, say=progress.note)
    return None


def _choose_pool(
    cluster: str | None,
    workers: int | None,
    *,
    threads: int,
    most: int,
    on_gpus: bool,
    shared: bool,
) -> WorkerPool:
    if cluster is None:
        found = gpus() if on_gpus else []
        room = len(found) or processors() // threads
        return LocalPool(workers or max(1, min(room, most)), gpus=found)
    from thriftnet.search.workers.ray_cluster import RayPool

    return RayPool(cluster, workers=workers, threads=threads, use_gpus=on_gpus, shared=shared)


def _with_pictures(space: Space, data: Path | None) -> Space:
    """The space with the path of a user's own pictures if `data` gives one.

    Raises:
        DataError: `data` or the pictures of the space do not exist.
    """
    if data is None or (named := name_of(DatasetSpec(source=data))) in DATASETS:
        return space
    if not Path(named).exists():
        raise DataError(f"{data} does not exist; name your pictures with --data PATH")
    own = {"data.dataset": str(recorded(named))}
    return space.model_copy(update={"set": space.set | own})


def _open_once(study: Path, recipe: Recipe, data: Path | None, progress: SearchProgress) -> None:
    """Fill the cache, before many workers would.

    Raises:
        DataError: The images cannot be had.
        SearchError: They are others than those that the space names, or that trials had.
    """
    begun = any((study / "trials").glob("*/*"))
    images = open_data(recipe.data, data, known=begun, say=progress.note)
    if images.classes != known_classes(recipe.data.dataset) and images.name != recipe.data.dataset:
        raise SearchError(
            f"--data is {images.name}, but the space has {recipe.data.dataset}; write the path as "
            "data.dataset in the space"
        )
    check_images(study, images)


def check_images(study: Path, images: OpenDataset) -> None:
    """Check that images are those of the existing trials, so that results are comparable.

    Raises:
        SearchError: They are not.
    """
    recorded = (RunFolder(path).environment() for path in (study / "trials").glob("*/*"))
    known = next((each["data"] for each in recorded if each.get("data")), None)
    if known is not None and known != images.digests():
        raise SearchError(
            f"the trials of {study} were trained on other images than {images.name} holds now; "
            "restore those, or begin another study with --study"
        )


def _retry(study: Study, progress: SearchProgress) -> None:
    """Rewind the study to the first job that was given up."""
    names = [stage.name for stage in STAGES]
    first = study.storage.rewind(names, forget=study.forget_outcome)
    if first is None:
        progress.note("no trial was given up, so there is nothing to retry")
    else:
        label = label_of(read_snapshot(study), first)
        progress.note(f"{first.job.stage}: retrying {label} and all jobs chosen after it")


class _JobReporter:
    """Reports each finished job once."""

    def __init__(self, study: Study, stage: Stage, progress: SearchProgress) -> None:
        self.study = study
        self.stage = stage
        self.progress = progress
        self._decide = stage.decide(read_snapshot(study))
        self._version = study.storage.version()
        rows = study.storage.jobs(stage.name)
        self._reported = {row.number for row in rows if row.over}
        self._over = self._decided(rows)

    def poll(self) -> bool:
        """Whether all jobs of the stage are over."""
        version = self.study.storage.version()
        if version == self._version:  # avoids reading a large study several times per second
            return self._over
        self._version = version
        rows = self.study.storage.jobs(self.stage.name)
        new = [row for row in rows if row.over and row.number not in self._reported]
        if new:
            snapshot = read_snapshot(self.study)
            status = stage_status(self.stage, snapshot)
            for row in new:
                self._reported.add(row.number)
                self.progress.job(row, snapshot, status, done=len(self._reported))
            self._over = self._decided(rows)
        return self._over

    def _decided(self, rows: Sequence[JobRow]) -> bool:
        """Whether a stage has no more jobs, computing deferred choices."""
        return all(row.over for row in rows) and decided(self._decide, rows) is Answer.DONE


def _need(study: Study, stages: tuple[Stage, ...]) -> None:
    for stage in stages:
        if study.outcome(stage.name) is None:
            raise SearchError(
                f"{study.path}: the stage {stage.name} has not finished; run it first with "
                f"--stage {stage.name}, or all stages without --stage"
            )
