"""A claim sees every job as it is, though it reads those that are over only once."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Sequence
from pathlib import Path

from thriftnet.search.queue.jobs import Answer, Claim, Job, JobRow
from thriftnet.search.queue.storage import Storage


class Watched:
    """Hands out so many jobs in turn, and keeps what it was shown."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.shown: Sequence[JobRow] | None = None

    def __call__(self, rows: Sequence[JobRow]) -> Job | Answer:
        self.shown = rows
        return Job("grid", f"c{len(rows)}", 0, 1) if len(rows) < self.count else Answer.WAIT


def test_processes_that_remember_see_what_a_new_one_reads(tmp_path: Path):
    path, draws = tmp_path / "study.db", random.Random(0)
    workers = [Storage.in_file(path) for _ in range(3)]
    workers[0].prepare("space")
    decide, held = Watched(40), list[Claim]()
    for turn in range(150):
        storage, decide.shown = draws.choice(workers), None
        with contextlib.closing(Storage.in_file(path)) as fresh:
            before = fresh.jobs("grid")
        found = storage.claim("grid", decide, worker=f"w{turn}")
        assert decide.shown in (before, None)  # none: a job that was given up comes first
        held += [found] if isinstance(found, Claim) else []
        if held and (isinstance(found, Answer) or draws.random() < 0.7):
            claim, other = held.pop(draws.randrange(len(held))), draws.choice(workers)
            match draws.randrange(3):
                case 0:
                    assert other.finish(claim, value=draws.random(), seconds=1)
                case 1:
                    assert other.fail(claim, reason="diverged")
                case _:
                    assert other.release(claim)
        with contextlib.closing(Storage.in_file(path)) as fresh:
            now = fresh.jobs("grid")
        assert all(worker.jobs("grid") == now for worker in workers)
    assert len(workers[0].jobs("grid")) == 40
    for worker in workers:
        worker.close()


def test_jobs_that_are_over_are_not_made_anew(tmp_path: Path):
    with contextlib.closing(Storage.in_file(tmp_path / "study.db")) as storage:
        storage.prepare("space")
        for turn in range(5):
            claim = storage.claim("grid", Watched(5), worker=f"w{turn}")
            assert isinstance(claim, Claim)
            if claim.job.candidate != "c2":
                assert storage.finish(claim, value=0.5, seconds=1)
        first, again = storage.jobs("grid"), storage.jobs("grid")
    same = [old is new for old, new in zip(first, again, strict=True)]
    assert same == [True, True, False, True, True]
