"""Transactions on the database of a study, its clock, and translation of errors."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator

import sqlalchemy as sql
from sqlalchemy import exc

from thriftnet.digests import ChangedError
from thriftnet.errors import SearchError
from thriftnet.extras import missing
from thriftnet.search.queue import schema
from thriftnet.search.queue.database import file_of, in_memory, name_of, open_database
from thriftnet.search.queue.faults import damaged, explain, unavailable

LEASE_BEATS = 6
"""Heartbeats without renewal after which a lease expires."""


class Transactions:
    """Reads and writes of a database in transactions."""

    def __init__(
        self,
        url: str | sql.URL,
        *,
        heartbeat: float = 5.0,
        wait_until_available: bool = False,
        read_only: bool = False,
    ) -> None:
        self.heartbeat = heartbeat
        self.lease = LEASE_BEATS * heartbeat
        self.wait_until_available = wait_until_available
        self.where = name_of(url)
        self._file = file_of(url)
        self._was_there = False
        """Whether the study was found in the database."""
        if in_memory(url):
            raise SearchError(
                "--storage names a database in memory, which no other process can see; use "
                "sqlite:///study.db, or leave it out"
            )
        self._checked = True
        """Whether rows have checksums; read-only studies of earlier versions do not."""
        self._round = 1
        """Number of rewinds plus one; a worker of an earlier round must not write."""
        try:
            self._engine = open_database(url, read_only=read_only)
        except ModuleNotFoundError as fault:
            message = missing(f"--storage {self.where} needs", str(fault.name), "cluster")
            raise SearchError(message) from None
        except (exc.ArgumentError, ImportError) as fault:
            reason = "" if "@" in str(fault) else f" ({' '.join(str(fault).split())})"
            raise SearchError(
                f"--storage {self.where!r} is not a database that can be used here{reason}; "
                "give one such as postgresql://host/name"
            ) from None

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def _clock(self, connection: sql.Connection) -> tuple[float, float]:
        """The time, and the time before which leases have expired.

        The clock is shared by all workers. Leases do not expire while the server is down and for as
        long afterwards, as live workers could not renew them.
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
    def _writing(self) -> Generator[sql.Connection]:
        # SQLite would write to the deleted file.
        if self._was_there and self._file and not self._file.is_file():
            raise unavailable(self.where)
        with self._explained(), self._engine.begin() as connection:
            own = schema.study.update().where(schema.study.c.id == self._round)
            if connection.execute(own.values(writes=schema.study.c.writes + 1)).rowcount != 1:
                rewound = connection.scalar(sql.select(schema.study.c.id)) is not None
                raise SearchError(
                    f"the study of {self.where} was reset by --retry; run the same command again"
                    if rewound
                    else f"{self.where} holds no study; it was emptied"
                )
            yield connection

    @contextlib.contextmanager
    def _reading(self) -> Generator[sql.Connection]:
        with self._explained(), self._engine.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def _explained(self) -> Generator[None]:
        try:
            yield
        except ChangedError as fault:
            raise damaged(self.where, str(fault)) from None
        except exc.SQLAlchemyError as fault:
            if self._was_there and self._file and not self._file.is_file():
                raise unavailable(self.where) from None
            reason = str(getattr(fault, "orig", None) or fault)
            if isinstance(fault, exc.NoSuchTableError):  # it says no more than the table's name
                reason = f"no such table: relation {reason} does not exist"
            raise explain(reason, self.where) from None
