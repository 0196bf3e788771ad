"""When a study's database is written and synced."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

from thriftnet.search.queue.jobs import Answer, Claim, Job
from thriftnet.search.queue.storage import Storage

JOB = Job("grid", "candidate", 0, 1)


def test_a_worker_that_finds_no_job_writes_nothing(tmp_path: Path):
    with closing(Storage.in_file(tmp_path / "study.db")) as storage:
        storage.prepare("space")
        before = storage.version()
        for answer in Answer:
            assert storage.claim("grid", lambda _, answer=answer: answer, worker="w") is answer
        assert storage.version() == before
        assert isinstance(storage.claim("grid", lambda _: JOB, worker="w"), Claim)
        assert storage.version() == before + 1


def test_what_was_flushed_is_in_the_file_without_its_log(tmp_path: Path):
    with closing(Storage.in_file(tmp_path / "study.db")) as storage:
        storage.prepare("space")
        storage.claim("grid", lambda _: JOB, worker="w")
        storage.flush()
        shutil.copyfile(tmp_path / "study.db", tmp_path / "copy.db")
    with closing(Storage.in_file(tmp_path / "copy.db")) as copied:
        copied.check("space")
        assert [row.job for row in copied.jobs("grid")] == [JOB]
