"""What tests ask of a study."""

from __future__ import annotations

from pathlib import Path

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
