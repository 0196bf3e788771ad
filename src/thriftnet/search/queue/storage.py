"""Candidates and jobs in a database that several workers share.

One code path for SQLite and PostgreSQL. Every write begins by updating the single row of the table
`study`: that takes SQLite's write lock, or PostgreSQL's lock of that row, so that writes follow one
another and each sees what the one before left.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import sqlalchemy as sql
from sqlalchemy import exc

from thriftnet.errors import SearchError
from thriftnet.search import schema
from thriftnet.search.database import in_memory, name_of, open_database, sqlite_url
from thriftnet.search.faults import explain, unless_another_was_first
from thriftnet.search.jobs import Answer, Candidate, Claim, Decide, Deferred, JobRow, Proposal
from thriftnet.search.patience import rides_out
from thriftnet.search.recall import StageJobs
from thriftnet.search.statements import (
    insert_candidates,
    select_given_up,
    select_silent,
    set_job,
    set_own,
)

MOST_DEATHS = 3
"""Workers that died of a job, after which it has failed: it would take the whole study along."""
LEASE_BEATS = 6
"""A worker silent for so many heartbeats is taken for dead."""


class Storage:
    """The shared memory of a study.

    Args:
        url: As SQLAlchemy reads it: `sqlite:///study.db`.
        heartbeat: Seconds between two signs of life of this process's workers.
        patient: Whether to wait for a database that is not there when it is first needed, too.

    Every method raises SearchError where the database is damaged, locked or full, or was out of
    reach for as long as a lease lasts.
    """

    def __init__(
        self, url: str | sql.URL, *, heartbeat: float = 5.0, patient: bool = False
    ) -> None:
        self.heartbeat = heartbeat
        self.lease = LEASE_BEATS * heartbeat
        self.patient = patient
        self.where = name_of(url)
        if in_memory(url):
            raise SearchError(
                "--storage has no file, and what one process keeps in memory no other can see; "
                "give sqlite:///study.db, or leave it out"
            )
        self._stages: dict[str, StageJobs] = {}
        try:
            self._engine = open_database(url)
        except ModuleNotFoundError as fault:
            raise SearchError(
                f"--storage {self.where} needs the package {fault.name}, which is not installed; "
                "run: pip install 'thriftnet[cluster]'"
            ) from None
        except (exc.ArgumentError, exc.NoSuchModuleError, ImportError) as fault:
            reason = "" if "@" in str(fault) else f" ({' '.join(str(fault).split())})"
            raise SearchError(
                f"--storage {self.where!r} is no database that can be used here{reason}; "
                "give one such as postgresql://host/name"
            ) from None

    @classmethod
    def in_file(cls, path: Path, *, heartbeat: float = 5.0) -> Storage:
        """The embedded default."""
        return cls(sqlite_url(path), heartbeat=heartbeat)

    def close(self) -> None:
        """Let go of all connections."""
        self._engine.dispose()

    @rides_out
    def prepare(self, space: str, *, begun: bool = False) -> None:
        """Make the tables, or see that they are of this space.

        Args:
            space: Its digest.
            begun: Whether they were made before, so that a storage without any is the wrong one.
        """
        with self._explained():
            if begun and not sql.inspect(self._engine).has_table(schema.study.name):
                raise SearchError(
                    f"{self.where} holds no study; name in --storage the database that this one "
                    "began in, or begin another with --study"
                )
            self._make_tables()
        with self._explained(), unless_another_was_first(), self._engine.begin() as connection:
            if connection.scalar(sql.select(schema.study.c.id)) is None:
                connection.execute(schema.study.insert().values(id=1, space=space, writes=0))
        with self._reading() as connection:
            known = connection.scalar(sql.select(schema.study.c.space))
        if known != space:
            raise SearchError(
                f"the storage {self.where} is of another space ({known}, not {space}); "
                "use another --study or --storage"
            )

    def _make_tables(self) -> None:
        """Make those that are missing, whoever else does so at the same time."""
        for _ in range(len(schema.metadata.tables) + 1):  # each race lost is a table more
            with unless_another_was_first():
                schema.metadata.create_all(self._engine)
                return

    @rides_out
    def bind(self, identity: str, place: str) -> None:
        """See that the study folder is the one that this storage belongs to, or make it that.

        Trials go on from checkpoints in the folder, so that all machines have to see the same one.

        Args:
            identity: Of the folder.
            place: Where it is, for whoever looks for it.
        """
        with self._writing() as connection:
            known = connection.execute(sql.select(schema.folder)).first()
            if known is None:
                values = {"id": 1, "identity": identity, "place": place}
                connection.execute(schema.folder.insert().values(**values))
            elif known.identity != identity:
                raise SearchError(
                    f"the storage {self.where} belongs to another study folder ({known.place}); "
                    "share that one between the machines (NFS, say) and name it with --study, or "
                    "use another database"
                )

    @rides_out
    def add_candidates(self, candidates: Sequence[Candidate]) -> None:
        """Those that are not known yet, after those that are."""
        with self._writing() as connection:
            insert_candidates(connection, candidates)

    @rides_out
    def candidates(self) -> list[Candidate]:
        """All of them, in the order in which they were added."""
        with self._reading() as connection:
            rows = connection.execute(
                sql.select(schema.candidates).order_by(schema.candidates.c.position)
            )
            return [schema.to_candidate(row) for row in rows]

    @rides_out
    def jobs(self, stage: str) -> list[JobRow]:
        """All jobs of a stage, in the order in which they were handed out.

        One whose lease has run out is told as released: nobody works at it.
        """
        with self._reading() as connection:
            rows = self._recall(stage).read(connection)
            silent = set(connection.scalars(select_silent(stage, self._clock(connection)[1])))
            return [replace(r, state="released") if r.number in silent else r for r in rows]

    def claim(self, stage: str, decide: Decide, *, worker: str) -> Claim | Answer:
        """Take a job over that was given up, or the next one.

        Args:
            stage: Its name.
            decide: Chooses the next job of the stage, from those there are.
            worker: Who takes it; names a process on a machine.
        """
        while isinstance(found := self._claim(stage, decide, worker), Deferred):
            found.compute()  # outside of the transaction, for which all other workers wait
        return found

    @rides_out
    def _claim(self, stage: str, decide: Decide, worker: str) -> Claim | Answer | Deferred:
        with self._writing() as connection:
            now, leased = self._clock(connection)
            given_up = connection.execute(select_given_up(stage, worker, leased)).first()
            if given_up is not None:
                return self._take(connection, given_up, worker, now)
            rows = self._recall(stage).choices(connection)
            answer = decide(rows)
            if isinstance(answer, Answer | Deferred):
                return answer
            if isinstance(answer, Proposal):
                insert_candidates(connection, [*answer.refused, answer.candidate])
                answer = answer.job
            values = {"number": len(rows), "state": "running", "attempt": 1, "worker": worker}
            values["deaths"] = 0
            found = connection.execute(
                schema.jobs.insert()
                .values(**vars(answer), **values, expires=self._expiry(now))
                .returning(schema.jobs.c.id)
            ).scalar_one()
            return Claim(found, answer, 1, worker)

    def beat(self, claim: Claim) -> bool:
        """Say that the worker lives; false where the job is another's by now."""
        # Out of turn: no choice hangs on it, and a thousand workers would wait for one another.
        with self._explained(), self._engine.begin() as connection:
            expires = self._expiry(self._clock(connection)[0])
            return set_own(connection, claim, expires=expires)

    @rides_out
    def finish(self, claim: Claim, *, value: float, seconds: float) -> bool:
        """Record what came of a job, once; false where the job is another's by now."""
        with self._writing() as connection:
            return set_own(
                connection, claim, state="finished", value=value, seconds=seconds, reason=None
            )

    @rides_out
    def fail(self, claim: Claim, *, reason: str) -> bool:
        """Record that the job cannot be done, by whomever; false where it is another's by now."""
        with self._writing() as connection:
            return set_own(connection, claim, state="failed", reason=reason)

    @rides_out
    def release(self, claim: Claim) -> bool:
        """Give a job up unharmed, for the next worker."""
        with self._writing() as connection:
            return set_own(connection, claim, state="released")

    @rides_out
    def bury(self, worker: str, *, died: bool = True) -> list[JobRow]:
        """Give up what a worker held that has ended; the third such death fails a job.

        A lease that has run out is no such death: the whole machine may have been switched off.

        Args:
            worker: Its name.
            died: Whether it was seen to die; else it was killed on purpose, which no job is to
                blame for.

        Returns:
            What it held, as it is now.
        """
        with self._writing() as connection:
            query = sql.select(schema.jobs).where(
                schema.jobs.c.worker == worker, schema.jobs.c.state == "running"
            )
            held = [schema.to_job_row(row) for row in connection.execute(query)]
            found: list[JobRow] = []
            for row in held:
                deaths = row.deaths + died
                state = "failed" if deaths >= MOST_DEATHS else "released"
                reason = f"{deaths} of its workers died" if died else row.reason
                own = (schema.jobs.c.stage == row.job.stage) & (schema.jobs.c.number == row.number)
                values = {"state": state, "deaths": deaths, "reason": reason}
                connection.execute(schema.jobs.update().where(own).values(**values))
                found.append(replace(row, state=state, deaths=deaths, reason=reason))
            return found

    def _recall(self, stage: str) -> StageJobs:
        return self._stages.setdefault(stage, StageJobs(stage))

    def _take(self, connection: sql.Connection, row: Any, worker: str, now: float) -> Claim:
        attempt = row.attempt + 1
        values = {"state": "running", "attempt": attempt, "worker": worker}
        set_job(connection, row.id, **values, expires=self._expiry(now))
        silent = row.state == "running" and row.worker != worker
        return Claim(row.id, schema.to_job_row(row).job, attempt, worker, silent)

    def _expiry(self, now: float) -> float:
        return now + self.lease

    def _clock(self, connection: sql.Connection) -> tuple[float, float]:
        """Now, and up to when leases have run out, in seconds on one clock for all workers.

        A lease does not run out while the server is down and for as long after: its workers live,
        and could not say so.
        """
        if self._engine.dialect.name != "postgresql":
            return time.time(), time.time()
        now, up = connection.execute(
            sql.text(
                "select extract(epoch from clock_timestamp()),"
                " extract(epoch from pg_postmaster_start_time())"
            )
        ).one()
        return float(now), float(now) if now - up > self.lease else 0.0

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sql.Connection]:
        with self._explained(), self._engine.begin() as connection:
            changed = connection.execute(
                schema.study.update().values(writes=schema.study.c.writes + 1)
            )
            if changed.rowcount != 1:
                raise SearchError(f"the storage {self.where} holds no study; it was emptied")
            yield connection

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sql.Connection]:
        with self._explained(), self._engine.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except exc.SQLAlchemyError as fault:
            reason = str(getattr(fault, "orig", None) or fault)
            raise explain(reason, self.where) from None
