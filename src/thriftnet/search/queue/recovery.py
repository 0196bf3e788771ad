"""Recovery of jobs whose workers died, and retrying jobs that were given up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sql

from thriftnet.search.queue import schema
from thriftnet.search.queue.jobs import MOST_DEATHS, JobRow
from thriftnet.search.queue.statements import change_jobs

_JOBS = schema.jobs.c


def held_by(connection: sql.Connection, worker: str) -> list[JobRow]:
    """The job that a worker holds."""
    query = sql.select(schema.jobs).where(_JOBS.worker == worker, _JOBS.state == "running")
    return [schema.to_job_row(row) for row in connection.execute(query)]


def after_death(row: JobRow, *, fault: str | None, at: str) -> JobRow:
    """The new state of a job whose worker has died.

    Deaths count against the job if it may have caused them and if the previous one was at the same
    point: a trial that makes progress does not kill its workers.

    Args:
        row: The job while it was held.
        fault: Such as "out of memory"; None if the worker was killed from outside.
        at: Progress of the trial, in words.
    """
    if fault is None:
        return replace(row, state="released")
    deaths = 1 + (row.deaths if (row.reason or "").endswith(at) else 0)
    state = "failed" if deaths >= MOST_DEATHS else "released"
    return replace(row, state=state, deaths=deaths, reason=f"{fault} {at}")


def write_back(connection: sql.Connection, before: JobRow, now: JobRow) -> bool:
    """Save the new state of a held job; False if another worker holds it."""
    own = (_JOBS.stage == before.job.stage) & (_JOBS.number == before.number)
    own &= (_JOBS.worker == before.worker) & (_JOBS.attempt == before.attempt)
    values = {"state": now.state, "deaths": now.deaths, "reason": now.reason}
    return change_jobs(connection, own & (_JOBS.state == "running"), **values) == 1


def given_up(connection: sql.Connection, stages: Sequence[str]) -> JobRow | None:
    """The first job that was given up after deaths of its workers, in the order of the stages."""
    for stage in stages:
        query = sql.select(schema.jobs).where(
            _JOBS.stage == stage, _JOBS.state == "failed", _JOBS.deaths >= MOST_DEATHS
        )
        row: Any = connection.execute(query.order_by(_JOBS.number).limit(1)).first()
        if row is not None:
            return schema.to_job_row(row)
    return None


def rewind(connection: sql.Connection, first: JobRow, later: Sequence[str]) -> None:
    """Delete the jobs after one that was given up, so that the search repeats from there.

    Trained weights stay in the run folders, so that repeated jobs finish at once.

    Args:
        connection: In a transaction.
        first: The job to retry.
        later: Stages after its own.
    """
    own = _JOBS.stage == first.job.stage
    connection.execute(schema.jobs.delete().where(own, _JOBS.number > first.number))
    connection.execute(schema.jobs.delete().where(_JOBS.stage.in_(later)))
    again = own & (_JOBS.number == first.number)
    change_jobs(connection, again, state="released", deaths=0, reason=None)
    connection.execute(schema.candidates.delete().where(schema.candidates.c.origin.in_(later)))
    # A worker of the former round is told when it writes.
    connection.execute(schema.study.update().values(id=schema.study.c.id + 1))
