"""What tests ask of a study."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sql

from thriftnet.search.queue import schema
from thriftnet.search.queue.checks import seal_row
from thriftnet.search.queue.jobs import JobRow
from thriftnet.search.study import Study


def finished(path: Path, stage: str = "grid") -> set[tuple[str, int, int, float | None]]:
    """What came of a study's jobs."""
    opened = Study.open(path)
    rows: list[JobRow] = opened.storage.jobs(stage)
    opened.storage.close()
    assert all(row.over for row in rows)
    found = {(row.job.candidate, row.job.seed, row.job.epochs, row.value) for row in rows}
    assert len(found) == len(rows)
    return found


def change_jobs(path: Path, where: sql.ColumnElement[bool], **values: Any) -> None:
    """Change jobs of a study behind its back, with their checksums."""
    engine = sql.create_engine(f"sqlite:///{path / 'study.db'}")
    with engine.begin() as connection:
        for row in connection.execute(sql.select(schema.jobs).where(where)).mappings().all():
            sealed = seal_row(schema.jobs, {**row, **values})
            own = schema.jobs.update().where(schema.jobs.c.id == row["id"])
            connection.execute(own.values(**sealed))
    engine.dispose()
