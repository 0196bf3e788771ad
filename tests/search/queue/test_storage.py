"""Claims: none lost, none handed out twice, whatever dies; and every way a database can fail.

What a storage does is tested on SQLite and on a real PostgreSQL server alike.
"""

from __future__ import annotations

import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import sqlalchemy as sql

from support.postgres import PostgresServer
from thriftnet.errors import SearchError
from thriftnet.search.queue import database
from thriftnet.search.queue.jobs import Answer, Candidate, Claim, Job, JobRow
from thriftnet.search.queue.storage import Storage

JOBS = [Job("grid", f"c{number}", 0, 1) for number in range(40)]


def in_turn(rows: Sequence[JobRow]) -> Job | Answer:
    if len(rows) < len(JOBS):
        return JOBS[len(rows)]
    return Answer.DONE if all(row.over for row in rows) else Answer.WAIT


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str | sql.URL:
    """An empty database."""
    if request.param == "sqlite":
        return database.sqlite_url(tmp_path / "a ?#% study.db")
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.new_database()


@pytest.fixture
def storage(url: str | sql.URL) -> Iterator[Storage]:
    opened = Storage(url)
    opened.prepare("space")
    yield opened
    opened.close()


def claimed(storage: Storage, worker: str = "w") -> Claim:
    found = storage.claim("grid", in_turn, worker=worker)
    assert isinstance(found, Claim)
    return found


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Have seconds pass on the clock of all storages."""
    clock, passed = Storage._clock, 0.0

    def moved(storage: Storage, connection: sql.Connection) -> tuple[float, float]:
        now = clock(storage, connection)[0] + passed
        return now, now

    def later(seconds: float) -> None:
        nonlocal passed
        passed += seconds

    monkeypatch.setattr(Storage, "_clock", moved)
    return later


def test_many_threads_with_connections_of_their_own_share_the_jobs(url: str | sql.URL):
    taken: list[Job] = []
    faults: list[BaseException] = []

    def work(name: str) -> None:
        try:
            own = Storage(url)
            own.prepare("space")
            while not isinstance(found := own.claim("grid", in_turn, worker=name), Answer):
                taken.append(found.job)
                assert own.finish(found, value=0.5, seconds=1)
            own.close()
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    assert sorted(taken, key=str) == sorted(JOBS, key=str)


def test_a_silent_workers_job_is_taken_over_and_the_late_one_is_refused(
    storage: Storage, passes: Callable[[float], None]
):
    first = claimed(storage, "slow")
    passes(storage.lease + 1)
    second = claimed(storage, "quick")
    assert (second.job, second.attempt) == (first.job, 2)
    assert not storage.renew_lease(first)
    assert not storage.finish(first, value=0.9, seconds=1)
    assert storage.finish(second, value=0.4, seconds=1)
    assert not storage.finish(second, value=0.7, seconds=1)
    assert [row.value for row in storage.jobs("grid")] == [0.4]


def test_a_job_whose_worker_is_silent_is_told_as_given_up(
    storage: Storage, passes: Callable[[float], None]
):
    claim = claimed(storage)
    assert [row.state for row in storage.jobs("grid")] == ["running"]
    passes(storage.lease + 1)
    assert [row.state for row in storage.jobs("grid")] == ["released"]
    assert storage.renew_lease(claim)  # it lives, and nobody has taken the job
    assert [row.state for row in storage.jobs("grid")] == ["running"]


def test_a_heartbeat_keeps_a_job(storage: Storage, passes: Callable[[float], None]):
    first = claimed(storage)
    for _ in range(4):
        passes(storage.lease - 1)
        assert storage.renew_lease(first)
    assert claimed(storage, "other").job == JOBS[1]


def test_a_job_given_back_comes_first_and_is_no_death(storage: Storage):
    for _ in range(5):
        found = claimed(storage)
        assert found.job == JOBS[0]
        assert storage.release(found)
        assert not storage.release(found)
    assert storage.jobs("grid")[0].deaths == 0


def died(storage: Storage, worker: str, fault: str | None, at: str = "after epoch 0") -> JobRow:
    """Job 0, whose worker has just died."""
    assert claimed(storage, worker).job == JOBS[0]
    (row,) = storage.release_dead(worker, fault=fault, reached=lambda _: at)
    return row


def test_a_third_death_of_its_own_at_one_point_gives_a_job_up(storage: Storage):
    for death in (1, 2, 3):
        assert died(storage, f"w{death}", "out of memory").deaths == death
    assert claimed(storage, "w4").job == JOBS[1]
    (row, _) = storage.jobs("grid")
    assert (row.state, row.reason) == ("failed", "out of memory after epoch 0")
    assert row.given_up


def test_a_worker_killed_from_outside_is_no_death_of_its_job(storage: Storage):
    for turn in range(8):
        row = died(storage, f"w{turn}", None)
        assert (row.state, row.deaths, row.reason) == ("released", 0, None)
        assert storage.jobs("grid") == [row]


def test_a_trial_that_got_further_is_not_what_kills_its_workers(storage: Storage):
    for epoch in range(5):
        row = died(storage, f"w{epoch}", "exit code 1", f"after epoch {epoch}")
        assert (row.state, row.deaths) == ("released", 1)
    assert died(storage, "again", "signal 11", "after epoch 4").deaths == 2


def test_a_job_given_up_is_tried_again_and_what_followed_is_handed_out_anew(
    storage: Storage, url: str
):
    other = Storage(url)
    other.check("space")
    for turn in range(3):
        died(storage, f"w{turn}", "out of memory")
    later = claimed(storage)
    forgotten: list[str] = []
    with pytest.raises(SearchError, match="stop them before --retry"):
        storage.rewind(["grid", "later"], forget=forgotten.append)
    assert storage.finish(later, value=0.5, seconds=1)
    assert storage.rewind(["grid", "later"], forget=forgotten.append)
    assert forgotten == ["later", "grid"]
    (row,) = storage.jobs("grid")
    assert (row.job, row.state, row.deaths) == (JOBS[0], "released", 0)
    with pytest.raises(SearchError, match="reset by --retry; run the same command again"):
        claimed(other, "of another command")
    other.close()
    assert [claimed(storage, "a").job, claimed(storage, "b").job] == JOBS[:2]
    assert storage.rewind(["grid", "later"], forget=forgotten.append) is None


def test_a_lease_may_run_out_any_number_of_times(storage: Storage, passes: Callable[[float], None]):
    for attempt in range(1, 5):
        found = claimed(storage)
        assert (found.job, found.attempt) == (JOBS[0], attempt)
        passes(storage.lease + 1)


def test_a_claim_whose_answer_was_lost_is_found_by_the_same_worker(storage: Storage):
    lost = claimed(storage)
    again = claimed(storage)
    assert (again.job, again.attempt) == (lost.job, 2)
    assert claimed(storage, "other").job == JOBS[1]


def test_a_storage_belongs_to_one_study_folder(storage: Storage):
    storage.bind("one", "here:/studies/tiny")
    storage.bind("one", "there:/mnt/studies/tiny")
    with pytest.raises(SearchError, match=r"another study folder \(here:/studies/tiny\); share"):
        storage.bind("two", "there:/studies/tiny")


def test_candidates_come_back_as_they_were(storage: Storage):
    one = Candidate("a" * 12, {"optim.lr": 0.1, "model.blocks": [1, 2]}, 2**40, 2**41)
    two = Candidate("b" * 12, {}, 5, 6, refused="too large", reference=True)
    storage.add_candidates([one])
    storage.add_candidates([two, one])
    assert storage.candidates() == [one, two]


def test_a_database_of_another_space(storage: Storage):
    with pytest.raises(SearchError, match=r"is of another space \(space, not other\)"):
        storage.prepare("other")


@pytest.mark.parametrize("content", [b"no database" * 400, b"SQLite format 3\0" + b"\7" * 4000])
def test_a_damaged_file(tmp_path: Path, content: bytes):
    path = tmp_path / "study.db"
    path.write_bytes(content)
    with pytest.raises(SearchError, match=r"study\.db is damaged; restore it"):
        Storage.in_file(path).prepare("space")


def test_a_locked_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(database, "LOCK_SECONDS", 0.1)
    impatient = Storage.in_file(tmp_path / "study.db")
    impatient.prepare("space")
    other = sqlite3.connect(tmp_path / "study.db")
    other.execute("begin immediate")
    with pytest.raises(SearchError, match=r"has been locked by another program.*; end it"):
        impatient.claim("grid", in_turn, worker="w")
    other.rollback()
    other.close()
    assert isinstance(impatient.claim("grid", in_turn, worker="w"), Claim)
    impatient.close()


def test_a_folder_that_is_not_there(tmp_path: Path):
    with pytest.raises(SearchError, match="cannot be opened; check that its folder exists"):
        Storage.in_file(tmp_path / "nowhere" / "study.db").prepare("space")


def test_an_emptied_storage(storage: Storage, url: str | sql.URL):
    engine = database.open_database(url)
    with engine.begin() as other:
        other.execute(sql.text("delete from study"))
    engine.dispose()
    with pytest.raises(SearchError, match="holds no study; it was emptied"):
        storage.claim("grid", in_turn, worker="w")


@pytest.mark.parametrize("wrong", ["nonsense", "abacus://user:secret@host/name", "ab:c//:secret@"])
def test_an_address_that_is_none(wrong: str):
    with pytest.raises(SearchError, match="is not a database that can be used here") as told:
        Storage(wrong)
    assert "secret" not in str(told.value)


@pytest.mark.parametrize(
    "address",
    ["postgresql://user:secret@host/name", "postgresql://host/name?user=me&password=secret"],
)
def test_a_password_is_never_told(address: str):
    assert "secret" not in Storage(address).where


def test_a_missing_driver_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(SearchError, match=r"pip install 'thriftnet\[cluster\]'"):
        Storage("postgresql://host/name")


def test_a_full_disk_keeps_what_was_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "study.db"
    first = Storage.in_file(path)
    first.prepare("space")
    assert first.finish(claimed(first), value=0.5, seconds=1)
    first.close()

    def no_more_room(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("pragma max_page_count=1")  # at the size it has, then

    monkeypatch.setattr(database, "_prepare_sqlite", no_more_room)
    full = Storage.in_file(path)
    with pytest.raises(SearchError, match=r"the disk is full: .*study\.db was not written"):
        full.add_candidates([Candidate("c" * 12, {"model.blocks": [1] * 9000}, 1, 1)])
    assert [row.value for row in full.jobs("grid")] == [0.5]
    full.close()
