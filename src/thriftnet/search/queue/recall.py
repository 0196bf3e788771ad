"""A stage's jobs as a process read them last: what is over is read once.

A claim looks at all jobs of its stage, and a stage may have ten thousand, a thousand of which run.
A job that is over never changes again, and of one that is not a choice asks only whether it is over
by now: so that only new jobs are read, and those that have come to an end.
"""

from __future__ import annotations

import sqlalchemy as sql

from thriftnet.search.queue import schema
from thriftnet.search.queue.jobs import OVER, JobRow


class StageJobs:
    """What is remembered of one stage."""

    def __init__(self, stage: str) -> None:
        self.stage = stage
        self._last: tuple[list[JobRow], set[int]] = ([], set())
        """All jobs, and the numbers of those that were not over; one value, as threads share it."""

    def read(self, connection: sql.Connection) -> list[JobRow]:
        """All jobs as they are, in the order of their numbers; the same objects if over before."""
        return self._read(connection, sql.true())

    def choices(self, connection: sql.Connection) -> list[JobRow]:
        """As `read`, but who holds a job that is not over, and why, may be as it was."""
        return self._read(connection, schema.jobs.c.state.in_(OVER))

    def _read(self, connection: sql.Connection, wanted: sql.ColumnElement[bool]) -> list[JobRow]:
        known, not_over = [*self._last[0]], {*self._last[1]}
        number = schema.jobs.c.number
        # Written into the statement: a thousand parameters would cost more than the reading.
        old = sql.bindparam("old", [*not_over], expanding=True, literal_execute=True)
        query = sql.select(schema.jobs).where(
            schema.jobs.c.stage == self.stage, (number >= len(known)) | (number.in_(old) & wanted)
        )
        for row in connection.execute(query.order_by(number)).all():
            known[row.number : row.number + 1] = [schema.to_job_row(row)]
            (not_over.discard if known[row.number].over else not_over.add)(row.number)
        self._last = known, not_over
        return [*known]
