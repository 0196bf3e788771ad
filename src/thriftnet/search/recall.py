"""A stage's jobs as a process read them last: what is over is read once.

A claim looks at all jobs of its stage, and a stage may have ten thousand. A job that is over never
changes again, so that only those not over at the last look, and later ones, are read anew.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sql

from thriftnet.search import schema
from thriftnet.search.jobs import JobRow


class StageJobs:
    """What is remembered of one stage."""

    def __init__(self, stage: str) -> None:
        self.stage = stage
        self._last: tuple[list[JobRow], set[int]] = ([], set())
        """All jobs, and the numbers of those that were not over; one value, as threads share it."""

    def read(self, connection: sql.Connection) -> tuple[list[JobRow], list[Any]]:
        """Look again.

        Returns:
            All jobs in the order of their numbers, those that were over before as the same
            objects; and the database's rows of those that are not over.
        """
        known, not_over = [*self._last[0]], self._last[1]
        number = schema.jobs.c.number
        unread = (number >= len(known)) | number.in_(not_over)
        query = sql.select(schema.jobs).where(schema.jobs.c.stage == self.stage, unread)
        found = connection.execute(query.order_by(number)).all()
        for row in found:
            known[row.number : row.number + 1] = [schema.to_job_row(row)]
        unfinished = [row for row in found if not known[row.number].over]
        self._last = known, {row.number for row in unfinished}
        return [*known], unfinished
