"""What only a server can do: serve processes at once, go away, refuse, be full."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import chain
from pathlib import Path

import psycopg
import pytest

from support.postgres import PASSWORD, PostgresServer
from thriftnet.errors import SearchError
from thriftnet.search.queue import database
from thriftnet.search.queue.faults import StorageUnavailableError, explain
from thriftnet.search.queue.jobs import Answer, Claim, Job
from thriftnet.search.queue.storage import Storage

JOBS = [Job("grid", f"c{number}", 0, 1) for number in range(40)]

WORKERS = 8
CLAIM_ALL = """
import json, os, sys, traceback
import psycopg
from test_storage_postgres import WORKERS, in_turn
from thriftnet.search.queue.jobs import Answer
from thriftnet.search.queue.storage import Storage


def claim_all(name):
    storage = Storage(sys.argv[1], wait_until_available=True)
    storage.prepare("space")
    os.write(1, b"ready\\n")
    os.read(0, 1)
    taken = []
    while not isinstance(found := storage.claim("grid", in_turn, worker=name), Answer):
        taken.append(found.job.candidate)
        assert storage.finish(found, value=0.5, seconds=1)
    storage.close()
    os.write(1, json.dumps(taken).encode() + b"\\n")


children = []
for number in range(WORKERS):  # each a process that has imported all of it
    if not (child := os.fork()):
        try:
            claim_all(f"w{number}")
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    children.append(child)
sys.exit(sum(os.waitpid(child, 0)[1] for child in children) != 0)
"""


def in_turn(rows: object) -> Job | Answer:
    assert isinstance(rows, list)
    return JOBS[len(rows)] if len(rows) < len(JOBS) else Answer.DONE


def prepared(url: str, *, heartbeat: float = 0.5) -> Storage:
    storage = Storage(url, heartbeat=heartbeat)
    storage.prepare("space")
    return storage


@pytest.fixture
def server(postgres_server: PostgresServer) -> Iterator[PostgresServer]:
    """The server, which a test may stop."""
    yield postgres_server
    if not (postgres_server.folder / "data" / "postmaster.pid").exists():
        postgres_server.start()


def test_eight_processes_share_the_jobs_none_lost_none_twice(postgres_server: PostgresServer):
    url = postgres_server.new_database()
    path = {"PYTHONPATH": ":".join([str(Path(__file__).parent), *sys.path])}
    with subprocess.Popen(
        [sys.executable, "-c", CLAIM_ALL, url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=path,
    ) as workers:
        assert workers.stdout
        for _ in range(WORKERS):  # all have made the tables, at once, and none has claimed
            assert workers.stdout.readline() == "ready\n"
        out, _ = workers.communicate("\n" * WORKERS)
    taken = [json.loads(line) for line in out.splitlines()]
    assert len(taken) == WORKERS
    assert sorted(chain.from_iterable(taken)) == sorted(job.candidate for job in JOBS)
    assert workers.returncode == 0


def test_a_short_outage_is_ridden_out_and_no_living_workers_job_is_taken(server: PostgresServer):
    storage = prepared(server.new_database(), heartbeat=30)
    held = storage.claim("grid", in_turn, worker="w")
    assert isinstance(held, Claim)
    server.stop()
    back = threading.Timer(0.5, server.start)
    back.start()
    other = storage.claim("grid", in_turn, worker="other")
    back.join()
    assert isinstance(other, Claim)
    assert other.job == JOBS[1]
    assert storage.renew_lease(held)
    storage.close()


def test_leases_do_not_run_out_while_the_server_is_down(server: PostgresServer):
    storage = prepared(server.new_database(), heartbeat=0.3)
    held = storage.claim("grid", in_turn, worker="w")
    server.stop()
    time.sleep(storage.lease)
    server.start()
    lease, storage.lease = storage.lease, 3600  # however late a busy machine asks
    other = storage.claim("grid", in_turn, worker="other")
    storage.lease = lease
    assert isinstance(held, Claim)
    assert isinstance(other, Claim)
    assert other.job == JOBS[1]
    time.sleep(storage.lease + 0.1)
    late = storage.claim("grid", in_turn, worker="third")
    assert isinstance(late, Claim)
    assert late.job == held.job
    storage.close()


def test_a_long_outage_is_one_line_and_what_was_finished_is_kept(server: PostgresServer):
    storage = prepared(server.new_database(), heartbeat=0.1)
    held = storage.claim("grid", in_turn, worker="w")
    assert isinstance(held, Claim)
    assert storage.finish(held, value=0.5, seconds=1)
    server.stop()
    with pytest.raises(
        StorageUnavailableError,
        match=r"no server answers at postgresql://.*trials are kept",
    ):
        storage.jobs("grid")
    server.start()
    storage.lease = 3600  # the first attempt finds that its connection is gone
    assert [row.value for row in storage.jobs("grid")] == [0.5]
    storage.close()


def test_faults_of_a_server_are_one_line_without_the_password(
    postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
):
    pauses: list[float] = []
    monkeypatch.setattr("thriftnet.search.queue.retry.time.sleep", pauses.append)
    postgres_server.execute("postgres", "create role guest login password 'other-word'")
    free = postgres_server.new_database()
    name = free.rsplit("/", 1)[-1]
    faults = {
        postgres_server.url(name, password="wrong-word"): "refuses the user or the password",
        postgres_server.url(name, user="nobody"): "refuses the user or the password",
        postgres_server.url("nowhere"): "the database does not exist; create it",
        postgres_server.url(name, user="guest", password="other-word"): "may not write there",
        "postgresql://owner:other-word@127.0.0.1:9/x": "no server answers at postgresql://owner:***",
        "postgresql://owner:other-word@nowhere.invalid/x": "no server answers at",
        f"{free}?options=-cdefault_transaction_read_only=on": "may only be read",
    }
    for url, told in faults.items():
        with pytest.raises(SearchError) as fault, closing(Storage(url)) as storage:
            storage.prepare("space")
        assert told in str(fault.value), url
        assert "\n" not in str(fault.value)
        assert not any(word in str(fault.value) for word in (PASSWORD, "wrong-word", "other-word"))
    assert pauses == []  # an address that never answered is not waited for


def test_a_database_of_another_program_holds_no_study_of_ours(postgres_server: PostgresServer):
    url = postgres_server.new_database()
    postgres_server.execute(url.rsplit("/", 1)[-1], "create table jobs (id int)")
    storage = prepared(url)
    with pytest.raises(SearchError, match="was made by another version of thriftnet"):
        storage.jobs("grid")
    storage.close()


def test_a_locked_study_is_told_after_a_while(
    postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(database, "LOCK_SECONDS", 1)
    storage = prepared(postgres_server.new_database())
    address = storage.where.replace("***", PASSWORD)
    with psycopg.connect(address) as other:
        other.execute("update study set writes = 1")
        with pytest.raises(SearchError, match=r"locked by another program for 1 s; end it"):
            storage.claim("grid", in_turn, worker="w")
        other.rollback()
    assert isinstance(storage.claim("grid", in_turn, worker="w"), Claim)
    storage.close()


def test_a_full_disk_of_the_server():
    # The server's own words (its error 53100): a disk cannot be filled here.
    said = 'could not extend file "base/16384/2619": No space left on device'
    told = explain(said, "postgresql://host/name")
    assert "the disk of the server is full" in str(told)
    assert not isinstance(told, StorageUnavailableError)
