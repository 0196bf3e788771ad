"""What jobs added to their trials."""

from __future__ import annotations

from pathlib import Path

from thriftnet.search.queue.jobs import Candidate, Job, JobRow, State
from thriftnet.search.snapshot import StudySnapshot
from thriftnet.search.space import load_space
from tiny import space_file


def row(number: int, epochs: int, state: State, seconds: float | None) -> JobRow:
    value = None if seconds is None else 0.5
    return JobRow(Job("grid", "c", 0, epochs), number, state, 1, 0, "w", value, None, seconds)


def test_a_job_that_failed_takes_nothing_from_the_seconds_of_those_before_it(tmp_path: Path):
    rows = [row(0, 1, "finished", 10.0), row(1, 3, "finished", 35.0), row(2, 9, "failed", None)]
    space = load_space(space_file(tmp_path))
    snapshot = StudySnapshot(space, {"c": Candidate("c", {}, 1, 1)}, {"grid": rows})
    assert [snapshot.seconds(each) for each in rows] == [10.0, 25.0, 0.0]
