"""SQL statements of a storage, within a transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sql

from thriftnet.search.queue import schema
from thriftnet.search.queue.checks import check_row, seal_row, select_rows
from thriftnet.search.queue.jobs import Candidate, Claim, JobRow


def insert_candidates(connection: sql.Connection, candidates: Sequence[Candidate]) -> None:
    """Insert candidates that are not stored yet."""
    known = set(connection.scalars(sql.select(schema.candidates.c.digest)))
    new = {c.digest: c for c in candidates if c.digest not in known}
    rows = [
        schema.from_candidate(candidate, position=position)
        for position, candidate in enumerate(new.values(), start=len(known))
    ]
    if rows:
        connection.execute(schema.candidates.insert(), rows)


def select_jobs(connection: sql.Connection, stage: str, *, checked: bool = True) -> list[JobRow]:
    """All jobs of a stage, in order.

    Args:
        connection: In a transaction.
        stage: Its name.
        checked: Whether rows have checksums.

    Raises:
        ChangedError: A checksum does not match.
    """
    query = select_rows(schema.jobs, checked=checked).where(schema.jobs.c.stage == stage)
    rows = connection.execute(query.order_by(schema.jobs.c.number))
    return [schema.to_job_row(row) for row in rows]


def select_given_up(stage: str, worker: str, leased: float) -> sql.Select[Any]:
    """The first job without a worker: released, or with an expired lease.

    A job that this worker holds already is from a claim whose answer was lost.
    """
    state = schema.jobs.c.state
    silent = (schema.jobs.c.expires < leased) | (schema.jobs.c.worker == worker)
    query = sql.select(schema.jobs).where(
        schema.jobs.c.stage == stage, (state == "released") | ((state == "running") & silent)
    )
    return query.order_by(schema.jobs.c.number).limit(1)


def select_silent(stage: str, leased: float) -> sql.Select[Any]:
    """Numbers of the jobs with expired leases."""
    silent = (schema.jobs.c.state == "running") & (schema.jobs.c.expires < leased)
    return sql.select(schema.jobs.c.number).where(schema.jobs.c.stage == stage, silent)


def select_working(leased: float) -> sql.Select[Any]:
    """Jobs of all stages with active workers."""
    alive = (schema.jobs.c.state == "running") & (schema.jobs.c.expires >= leased)
    return sql.select(schema.jobs.c.id).where(alive).limit(1)


def change_jobs(connection: sql.Connection, which: sql.ColumnElement[bool], **values: Any) -> int:
    """Update jobs and their checksums.

    Raises:
        ChangedError: A checksum does not match.

    Returns:
        Number of updated jobs.
    """
    rows = connection.execute(sql.select(schema.jobs).where(which)).mappings().all()
    for row in rows:
        check_row(schema.jobs, row)
        before = {column.name: row[column] for column in schema.jobs.columns}
        sealed = seal_row(schema.jobs, {**before, **values})
        changed = {**values, "checksum": sealed["checksum"]}
        connection.execute(
            schema.jobs.update().where(schema.jobs.c.id == row["id"]).values(**changed)
        )
    return len(rows)


def of_claim(claim: Claim) -> sql.ColumnElement[bool]:
    """Condition for a job that this claim still holds."""
    own = (schema.jobs.c.id == claim.id) & (schema.jobs.c.state == "running")
    return own & (schema.jobs.c.attempt == claim.attempt) & (schema.jobs.c.worker == claim.worker)
