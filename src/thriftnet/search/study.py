"""The study folder, the only code that knows its layout.

studies/NAME/
space.yaml          the space, its base recipe spelled out
study.db            candidates and jobs, unless a database elsewhere holds them
study.id            id of the folder, if a database elsewhere holds them
trials/STAGE/CANDIDATE-sSEED/   run folders
logs/WORKER.log     output of a worker
STAGE.json          a stage's outcome, written when it is done
winner.yaml         the recipe that won, ready to train
report.html         written by `thriftnet report`, with its figures in
figures/
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, cast

from thriftnet.commands import command
from thriftnet.digests import dump_json, seal_yaml
from thriftnet.errors import RunError, SearchError
from thriftnet.files import read_bounded, write_whole
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.metrics_log import last_line, parse_line
from thriftnet.search.folder import refuse_study_links
from thriftnet.search.opening import check_place, open_storage
from thriftnet.search.outcomes import check_outcome
from thriftnet.search.queue.jobs import Job
from thriftnet.search.queue.storage import Storage
from thriftnet.search.space import Space, load_space
from thriftnet.search.threads import trial_threads

_MOST_OUTCOME = 2**26
"""Limit of an outcome in bytes: ten thousand candidates take three million."""


class Study:
    """A search in progress or done, in one folder.

    Args:
        path: The folder.
        space: The space, as stored in the folder.
        storage: Storage of its candidates and jobs.
    """

    def __init__(self, path: Path, space: Space, storage: Storage) -> None:
        self.path = path
        self.space = space
        self.storage = storage
        self.threads = trial_threads(path, space)
        """CPU threads of every trial, which affect rounding."""
        self.space_path = path / "space.yaml"
        self.database_path = path / "study.db"
        self.winner_path = path / "winner.yaml"
        self.report_path = path / "report.html"
        self.figures_path = path / "figures"

    @classmethod
    def create(
        cls, path: Path, space: Space, *, url: str | None = None, heartbeat: float = 5.0
    ) -> Study:
        """Create a study, or open an existing one of the same space.

        Args:
            path: The folder.
            space: The space to search.
            url: Address of a database; None: a file in the folder.
            heartbeat: Seconds between two lease renewals of a worker.

        Raises:
            SearchError: The folder has another space, cannot be written or is not a study, or its
                storage is a database that was not given.
        """
        copy = path / "space.yaml"
        if not copy.is_file() and _is_free(path):
            write_whole(copy, seal_yaml(space.to_yaml()).encode(), error=SearchError)
        if not copy.is_file():
            raise SearchError(f"{path} exists and is not a study; choose another --study")
        refuse_study_links(path)
        own = load_space(copy, own=True)
        _check_same(path, own, space)
        check_place(path, url)
        return cls(path, own, open_storage(path, own.digest(), url, heartbeat=heartbeat))

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        url: str | None = None,
        heartbeat: float = 5.0,
        wait_until_available: bool = False,
        read_only: bool = False,
    ) -> Study:
        """Open an existing study.

        Args:
            path: The folder.
            url: Address of its database; None: a file in the folder.
            heartbeat: Seconds between two lease renewals of a worker.
            wait_until_available: Whether to wait for a database that does not answer at once.
            read_only: Whether to write nothing, as in a read-only folder.

        Raises:
            SearchError: There is no study at `path`, or its storage cannot be read or belongs to
                another.
            RunError: It contains links.
        """
        copy = path / "space.yaml"
        if not copy.is_file():
            raise SearchError(f"{path} is not a study: it has no space.yaml; check the path")
        refuse_study_links(path)
        check_place(path, url)
        space = load_space(copy, own=True)
        if url is None and not (path / "study.db").is_file():
            raise SearchError(
                f"{path} was never started; start it: {command('search', copy, '--study', path)}"
            )
        storage = open_storage(
            path,
            space.digest(),
            url,
            heartbeat=heartbeat,
            wait_until_available=wait_until_available,
            read_only=read_only,
        )
        return cls(path, space, storage)

    def trial_path(self, job: Job) -> Path:
        """The run folder of a job's trial."""
        return self.path / "trials" / job.stage / f"{job.candidate}-s{job.seed}"

    def reached(self, job: Job) -> str:
        """Progress of a job's trial, in words."""
        with contextlib.suppress(RunError):
            lines = RunFolder.open(self.trial_path(job)).metrics(outline=True)
            return f"after epoch {last_line(lines, 'epoch', 'epoch').get('epoch', 0)}"
        return "after epoch 0"

    def log_path(self, worker: str) -> Path:
        """Log of a worker."""
        return self.path / "logs" / f"{worker}.log"

    def search_command(self, *options: str) -> str:
        """The command that continues the search."""
        words = ("search", self.space_path, "--study", self.path)
        return command(*words, *self.storage_words(), *options)

    def storage_words(self) -> list[str]:
        """The option for an external database, without its password; empty for a file."""
        if self.database_path.is_file():
            return []
        where = self.storage.where  # path of the SQLite file
        return ["--storage", where if "://" in where else f"sqlite:///{where}"]

    def save_outcome(self, stage: str, outcome: dict[str, Any]) -> None:
        """Save the outcome of a stage atomically.

        Raises:
            SearchError: The disk is full or the folder cannot be written.
        """
        content = dump_json(outcome, indent=2) + "\n"
        write_whole(self._outcome_path(stage), content.encode(), error=SearchError)

    def outcome(self, stage: str) -> dict[str, Any] | None:
        """The outcome of a stage; None if it is not done.

        Raises:
            SearchError: The file is damaged.
        """
        path = self._outcome_path(stage)
        if not path.is_file():
            return None
        try:
            return check_outcome(stage, parse_line(read_bounded(path, most=_MOST_OUTCOME)))
        except (OSError, ValueError) as fault:
            reason = fault.strerror if isinstance(fault, OSError) else fault
            raise SearchError(
                f"{path} is damaged ({reason}); remove it, it is recreated from the storage"
            ) from None

    def forget_outcome(self, stage: str) -> None:
        """Remove the outcome of a stage that is no longer valid.

        Raises:
            SearchError: The folder cannot be written.
        """
        try:
            self._outcome_path(stage).unlink(missing_ok=True)
            if stage == "validation":
                self.winner_path.unlink(missing_ok=True)
        except OSError as fault:
            raise SearchError(f"{self.path} cannot be changed: {fault.strerror}") from None

    def save_winner(self, text: str) -> None:
        """Save the winner's recipe.

        Raises:
            SearchError: The disk is full or the folder cannot be written.
        """
        write_whole(self.winner_path, seal_yaml(text).encode(), error=SearchError)

    def _outcome_path(self, stage: str) -> Path:
        return self.path / f"{stage}.json"


def _is_free(path: Path) -> bool:
    """Whether a study may start there: the folder is empty, or another command is creating one.

    A temporary `space.yaml` may also be left by a killed command.
    """
    if not path.exists():
        return True
    return path.is_dir() and all(each.name.startswith(".space.yaml.") for each in path.iterdir())


def _check_same(path: Path, known: Space, given: Space) -> None:
    if known.digest() == given.digest():
        return
    before, now = known.model_dump(mode="json"), given.model_dump(mode="json")
    key = _first_difference(before, now) or "a key"
    raise SearchError(
        f"{path} is a study of another space ({key} differs); choose another --study, "
        f"or continue this one: {command('search', path / 'space.yaml', '--study', path)}"
    )


def _first_difference(one: Any, other: Any, key: str = "") -> str | None:
    """The dotted key of the first value that differs."""
    if isinstance(one, dict) and isinstance(other, dict):
        left, right = cast("dict[str, Any]", one), cast("dict[str, Any]", other)
        for name in [*left, *(name for name in right if name not in left)]:
            if not key and name in {"name", "description"}:
                continue
            if left.get(name) != right.get(name):
                inner = f"{key}.{name}" if key else name
                return _first_difference(left.get(name), right.get(name), inner)
        return None
    return key or None
