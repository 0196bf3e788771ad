"""The shared storage of a study: candidates and jobs in a database.

The same code serves SQLite and PostgreSQL. Every write first updates the single row of the table
`study`, which takes SQLite's write lock or PostgreSQL's row lock and so serialises writes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import sqlalchemy as sql

from thriftnet.errors import SearchError
from thriftnet.search.queue import schema
from thriftnet.search.queue.checks import seal_row, select_rows
from thriftnet.search.queue.database import sqlite_url
from thriftnet.search.queue.jobs import (
    Answer,
    Candidate,
    Claim,
    Decide,
    Deferred,
    Job,
    JobRow,
    Proposal,
)
from thriftnet.search.queue.recovery import after_death, given_up, held_by, rewind, write_back
from thriftnet.search.queue.retry import retry_while_unavailable
from thriftnet.search.queue.statements import (
    change_jobs,
    insert_candidates,
    of_claim,
    select_given_up,
    select_jobs,
    select_silent,
    select_working,
)
from thriftnet.search.queue.tables import Tables


class Storage(Tables):
    """Candidates and jobs of a study.

    Args:
        url: SQLAlchemy address: `sqlite:///study.db`.
        heartbeat: Seconds between two lease renewals of this process's workers.
        wait_until_available: Whether to wait for a database that does not answer at first.
        read_only: Whether to write nothing, as in a read-only folder.

    Every method raises SearchError if the database is damaged, locked or full, or was unavailable
    for the duration of a lease.
    """

    @classmethod
    def in_file(cls, path: Path, *, heartbeat: float = 5.0, read_only: bool = False) -> Storage:
        """A storage in an SQLite file, the default."""
        return cls(sqlite_url(path), heartbeat=heartbeat, read_only=read_only)

    @retry_while_unavailable
    def add_candidates(self, candidates: Sequence[Candidate]) -> None:
        """Add candidates that are not stored yet."""
        with self._writing() as connection:
            insert_candidates(connection, candidates)

    @retry_while_unavailable
    def candidates(self) -> list[Candidate]:
        """All candidates, in the order in which they were added."""
        with self._reading() as connection:
            query = select_rows(schema.candidates, checked=self._checked)
            rows = connection.execute(query.order_by(schema.candidates.c.position))
            return [schema.to_candidate(row) for row in rows]

    @retry_while_unavailable
    def jobs(self, stage: str) -> list[JobRow]:
        """All jobs of a stage, in the order in which they were assigned.

        A job with an expired lease is reported as released.
        """
        with self._reading() as connection:
            rows = select_jobs(connection, stage, checked=self._checked)
            silent = set(connection.scalars(select_silent(stage, self._clock(connection)[1])))
            return [replace(r, state="released") if r.number in silent else r for r in rows]

    @retry_while_unavailable
    def version(self) -> int:
        """A number that increases with every write except lease renewals."""
        with self._reading() as connection:
            return connection.scalar(sql.select(schema.study.c.writes)) or 0

    def claim(self, stage: str, decide: Decide, *, worker: str) -> Claim | Answer:
        """Claim a released job, or the next one.

        Args:
            stage: Its name.
            decide: Chooses the stage's next job from the existing ones.
            worker: Name of the worker: a process on a machine.
        """
        while isinstance(found := self._claim(stage, decide, worker), Deferred):
            found.compute()  # outside the transaction, which blocks other workers
        return found

    @retry_while_unavailable
    def _claim(self, stage: str, decide: Decide, worker: str) -> Claim | Answer | Deferred:
        with self._writing() as connection:
            now, leased = self._clock(connection)
            given_up = connection.execute(select_given_up(stage, worker, leased)).first()
            if given_up is not None:
                return self._take(connection, given_up, worker, now)
            rows = select_jobs(connection, stage)
            answer = decide(rows)
            if isinstance(answer, Answer | Deferred):
                connection.rollback()  # an idle worker asks again and again, and changes nothing
                return answer
            if isinstance(answer, Proposal):
                insert_candidates(connection, [*answer.refused, answer.candidate])
                answer = answer.job
            values = {"number": len(rows), "state": "running", "attempt": 1, "worker": worker}
            values |= {**vars(answer), "deaths": 0, "expires": self._expiry(now)}
            new = schema.jobs.insert().values(seal_row(schema.jobs, values))
            found = connection.execute(new.returning(schema.jobs.c.id)).scalar_one()
            return Claim(found, answer, 1, worker)

    def renew_lease(self, claim: Claim) -> bool:
        """Renew the lease of a claim; False if another worker holds the job."""
        # Without the study's lock: no decision depends on it.
        with self._explained(), self._engine.begin() as connection:
            expires = self._expiry(self._clock(connection)[0])
            lease = schema.jobs.update().where(of_claim(claim)).values(expires=expires)
            return connection.execute(lease).rowcount == 1

    @retry_while_unavailable
    def finish(self, claim: Claim, *, value: float, seconds: float) -> bool:
        """Record the result of a job once; False if another worker holds it."""
        with self._writing() as connection:
            values = {"value": value, "seconds": seconds, "reason": None}
            return change_jobs(connection, of_claim(claim), state="finished", **values) == 1

    @retry_while_unavailable
    def fail(self, claim: Claim, *, reason: str) -> bool:
        """Record that a job failed for good; False if another worker holds it."""
        with self._writing() as connection:
            return change_jobs(connection, of_claim(claim), state="failed", reason=reason) == 1

    @retry_while_unavailable
    def release(self, claim: Claim) -> bool:
        """Release a job for the next worker."""
        with self._writing() as connection:
            return change_jobs(connection, of_claim(claim), state="released") == 1

    @retry_while_unavailable
    def release_dead(
        self,
        worker: str,
        *,
        fault: str | None = None,
        reached: Callable[[Job], str] = lambda _: "",
    ) -> list[JobRow]:
        """Release the job of a dead worker; the third death caused by a job fails it.

        Args:
            worker: Its name.
            fault: Cause that may be due to the job; None if the worker was killed from outside.
            reached: Returns the progress of a job's trial, in words.

        Returns:
            The job in its new state.
        """
        with self._reading() as connection:
            held = held_by(connection, worker)
        after = [(row, after_death(row, fault=fault, at=reached(row.job))) for row in held]
        with self._writing() as connection:
            return [now for row, now in after if write_back(connection, row, now)]

    @retry_while_unavailable
    def rewind(self, stages: Sequence[str], *, forget: Callable[[str], None]) -> JobRow | None:
        """Retry jobs that were given up after deaths of workers, and repeat what followed.

        Args:
            stages: All stages, in order.
            forget: Called with each stage whose outcome becomes invalid, the last first.

        Returns:
            The first job to retry; None if there is none.

        Raises:
            SearchError: Workers are active.
        """
        with self._writing() as connection:
            leased = self._clock(connection)[1]
            first = given_up(connection, stages)
            if first is None:
                return None
            if connection.execute(select_working(leased)).first() is not None:
                raise SearchError(
                    f"workers are running the study of {self.where}; stop them before --retry"
                )
            at = stages.index(first.job.stage)
            for stage in reversed(stages[at:]):
                forget(stage)
            rewind(connection, first, stages[at + 1 :])
        self._round += 1
        return first

    def flush(self) -> None:
        """Sync all jobs to disk, before a file that depends on them is written."""
        if self._engine.dialect.name == "sqlite":  # a server does so with every transaction
            with self._explained(), self._engine.connect() as connection:
                connection.execute(sql.text("pragma wal_checkpoint(passive)"))

    def _take(self, connection: sql.Connection, row: Any, worker: str, now: float) -> Claim:
        attempt = row.attempt + 1
        values = {"state": "running", "attempt": attempt, "worker": worker}
        values["expires"] = self._expiry(now)
        change_jobs(connection, schema.jobs.c.id == row.id, **values)
        silent = row.state == "running" and row.worker != worker
        return Claim(row.id, schema.to_job_row(row).job, attempt, worker, silent)

    def _expiry(self, now: float) -> float:
        return now + self.lease
