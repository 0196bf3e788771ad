"""A search on PostgreSQL and on a Ray cluster: killed, cut off, joined, and with what goes wrong.

Whatever happens on the way, the finished trials are those of an unbroken search on one machine.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from commands import Command
from postgres import PASSWORD, PostgresServer
from thriftnet.data import Dataset
from thriftnet.runs.folder import RunFolder
from thriftnet.search.candidates import count_candidates
from thriftnet.search.conclusion import conclude
from thriftnet.search.space import load_space
from thriftnet.search.stages.order import GRID
from thriftnet.search.study import Study
from thriftnet.search.workers import ray_cluster
from thriftnet.search.workers.worker import work
from tiny import space_file

Finished = set[tuple[str, int, float | None]]
QUICK = ("--stage", "grid", "--heartbeat", "0.6")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, cifar10: tuple[Dataset, Dataset]) -> Path:
    """With a tiny space; the data set is at hand."""
    assert len(cifar10[0]) == 50_000
    path = tmp_path_factory.mktemp("machines")
    space_file(path)
    return path


@pytest.fixture(scope="module")
def unbroken(folder: Path) -> Finished:
    """What a grid leaves that nothing happened to."""
    space = load_space(folder / "tiny.yaml")
    with closing(Study.create(folder / "unbroken", space).storage) as storage:
        storage.add_candidates(count_candidates(space))
    go_on(folder / "unbroken")
    return finished(folder / "unbroken")


def go_on(path: Path) -> None:
    """Do what is left of a grid, in this process, and conclude it."""
    study = Study.open(path)
    with closing(study.storage):
        assert work(study, GRID, worker="of the tests")
        assert conclude(study, GRID, data=None, stopping=lambda: False, say=print)


def begun(folder: Path, study: str, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-u", "-m", "thriftnet", "search", str(folder / "tiny.yaml")]
    return subprocess.Popen(
        [*command, "--study", str(folder / study), *QUICK, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(path: Path, url: str | None = None) -> Finished:
    with closing(Study.open(path, url=url).storage) as storage:
        rows = storage.jobs("grid")
    assert {row.state for row in rows} == {"finished"}
    return {(row.job.candidate, row.job.epochs, row.value) for row in rows}


def no_epoch_was_trained_twice(path: Path) -> bool:
    runs = [RunFolder.open(trial).metrics() for trial in (path / "trials" / "grid").iterdir()]
    epochs = [[line["epoch"] for line in lines if line["kind"] == "epoch"] for lines in runs]
    return all(each == list(range(1, len(each) + 1)) for each in epochs)


def stop_in_a_trial(path: Path, url: str | None) -> int:
    """Halt a worker that holds a job, and tell its process."""
    deadline = time.monotonic() + 120
    kept = path / ("study.db" if url is None else "study.id")
    while not kept.is_file() and time.monotonic() < deadline:
        time.sleep(0.1)
    with closing(Study.open(path, url=url).storage) as storage:
        while time.monotonic() < deadline:
            time.sleep(0.02)
            for row in storage.jobs("grid"):
                pid = process_of(row.worker) if row.state == "running" else None
                if pid is None:
                    continue
                os.kill(pid, signal.SIGSTOP)
                if row in storage.jobs("grid"):
                    return pid
                os.kill(pid, signal.SIGCONT)
    pytest.fail("no worker ever held a job")


def read_until(search: subprocess.Popen[str], mark: str) -> str:
    """What it printed up to the line with `mark`."""
    assert search.stdout
    found = ""
    while mark not in found and (line := search.stdout.readline()):
        found += line
    return found


def process_of(worker: str) -> int | None:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if worker.encode() in words:
            return int(path.parent.name)
    return None


def parent_of(pid: int) -> int:
    told = subprocess.run(["ps", "-o", "ppid=", "-p", str(pid)], capture_output=True, text=True)
    return int(told.stdout)


@dataclass(frozen=True)
class Told:
    code: int
    out: str
    err: str


def ended(search: subprocess.Popen[str]) -> Told:
    out, err = search.communicate(timeout=200)
    return Told(search.returncode, out, err)


@pytest.fixture(scope="module")
def broken(folder: Path, postgres_server: PostgresServer) -> Iterator[tuple[str, list[Told]]]:
    """A search whose worker is killed, then its server; then two commands go on with it at once."""
    url = postgres_server.new_database()
    first = begun(folder, "broken", "--storage", url)
    os.kill(stop_in_a_trial(folder / "broken", url), signal.SIGKILL)
    head = read_until(first, "was killed")
    stop = stop_in_a_trial(folder / "broken", url)
    postgres_server.stop()
    os.kill(stop, signal.SIGCONT)
    cut = ended(first)
    postgres_server.start()
    pair = [begun(folder, "broken", "--storage", url) for _ in range(2)]
    return url, [Told(cut.code, head + cut.out, cut.err), *map(ended, pair)]


def test_a_worker_killed_on_postgresql_is_told(broken: tuple[str, list[Told]]):
    assert "a worker was killed (signal 9; out of memory?)" in broken[1][0].out
    assert "is retried" in broken[1][0].out


def test_a_server_that_goes_away_ends_the_search_in_one_line(broken: tuple[str, list[Told]]):
    cut = broken[1][0]
    assert cut.code == 2
    assert len(cut.err.splitlines()) == 1
    assert "run the same command again: what was finished is kept" in cut.err
    assert PASSWORD not in cut.out + cut.err


def test_two_commands_go_on_with_the_same_jobs_and_conclude_once(
    broken: tuple[str, list[Told]], folder: Path, unbroken: Finished
):
    url, (_, *pair) = broken
    assert [(told.code, told.err) for told in pair] == [(0, "")] * 2
    assert all("the reference: place" in told.out for told in pair)
    assert finished(folder / "broken", url) == unbroken
    assert no_epoch_was_trained_twice(folder / "broken")
    ranking = [
        [(entry["candidate"], entry["val_accuracy"]) for entry in json.loads(text)["ranking"]]
        for text in (
            (folder / "broken" / "grid.json").read_text(),
            (folder / "unbroken" / "grid.json").read_text(),
        )
    ]
    assert ranking[0] == ranking[1]


def test_mistakes_about_a_database_are_one_line(
    broken: tuple[str, list[Told]],
    folder: Path,
    postgres_server: PostgresServer,
    thriftnet: Command,
    tmp_path: Path,
):
    other = tmp_path / "other"
    other.mkdir()
    space_file(other, max_parameters=4000)
    url, tiny, here = broken[0], folder / "tiny.yaml", tmp_path / "here"
    for space, study, storage, told in [
        (tiny, folder / "broken", url.replace(PASSWORD, "wrong-word"), "refuses the user or the"),
        (tiny, folder / "broken", "postgresql://u:wrong-word@127.0.0.1:9/x", "no server answers"),
        (other / "tiny.yaml", other / "study", url, "is of another space"),
        (tiny, here, url, "belongs to another study folder"),
        (tiny, here, postgres_server.url("nowhere"), "the database does not exist"),
    ]:
        outcome = thriftnet("search", space, "--study", study, "--storage", storage)
        assert outcome.code == 2
        assert told in outcome.error_line
        assert PASSWORD not in outcome.err
        assert "wrong-word" not in outcome.err
    assert thriftnet("search", "status", folder / "broken", "--storage", url).code == 0
    for words in (("status", folder / "broken"), (tiny, "--study", folder / "broken")):
        lost = thriftnet("search", *words)
        assert "keeps its jobs in a database; pass its --storage URL" in lost.error_line


def test_a_trial_whose_folder_is_not_there_is_trained_again_from_its_start(
    folder: Path, unbroken: Finished, tmp_path: Path
):
    study = Path(shutil.copytree(folder / "unbroken", tmp_path / "study"))
    (study / "grid.json").unlink()
    shutil.rmtree(study / "trials")
    with closing(sqlite3.connect(study / "study.db")) as database, database:
        first = "select min(number) from jobs where epochs = 2"
        database.execute(f"delete from jobs where number >= ({first})")
    go_on(study)
    assert finished(study) == unbroken
    assert no_epoch_was_trained_twice(study)


def test_a_ray_cluster_loses_a_worker_and_an_actor_is_stopped_and_leaves_the_same(
    folder: Path, unbroken: Finished
):
    with begun(folder, "ray", "--cluster", "local", "--workers", "2") as search:
        os.kill(stop_in_a_trial(folder / "ray", None), signal.SIGKILL)
        out = read_until(search, "was killed")
        os.kill(parent_of(stop_in_a_trial(folder / "ray", None)), signal.SIGKILL)
        out += read_until(search, "its Ray actor died; its trial")
        search.send_signal(signal.SIGINT)
        told = ended(search)
    assert "a worker was killed (signal 9; out of memory?)" in out
    assert "a worker was killed (signal 9; out of memory?): its Ray actor died; its trial" in out
    assert "ray" not in (out + told.out).lower().replace("its ray actor died", "")
    assert told.code == 130
    assert told.err.startswith("stopped; run the same command again")
    assert len(told.err.splitlines()) == 1
    with closing(Study.open(folder / "ray").storage) as storage:
        rows = storage.jobs("grid")
    assert {row.state for row in rows} <= {"finished", "released"}
    assert not [row for row in rows if process_of(row.worker)]
    go_on(folder / "ray")  # the study is not the cluster's
    assert finished(folder / "ray") == unbroken
    assert no_epoch_was_trained_twice(folder / "ray")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--cluster", "nonsense"], "'nonsense' is not a cluster address; use auto, local, ray://"),
        (["--cluster", "auto"], "no Ray cluster found at auto (Could not find any running Ray"),
        (["--cluster", "127.0.0.1:9"], "no Ray cluster found at 127.0.0.1:9 (no answer for 6 s)"),
    ],
)
def test_mistakes_about_a_cluster_are_one_line(
    thriftnet: Command,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    told: str,
):
    if "127.0.0.1:9" in options:
        monkeypatch.setattr(ray_cluster, "REACH_SECONDS", 6)
    outcome = thriftnet("search", folder / "tiny.yaml", "--study", tmp_path / "s", *options)
    assert outcome.code == 2
    assert told in outcome.error_line


@pytest.mark.parametrize(
    ("machines", "workers", "told"),
    [
        (["one", "two"], "1", "the cluster is one, two, and a storage in a file is for"),
        (["another"], "1", "use --storage postgresql://host/name and a shared --study"),
        ([platform.node()], "3", "has 2 processor cores for 3 workers of 1 core each; lower"),
        ([platform.node()], "1", "is gone (the connection to it ended); start it"),
    ],
)
def test_a_cluster_that_will_not_do_is_one_line(
    thriftnet: Command,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    machines: list[str],
    workers: str,
    told: str,
):
    says = json.dumps({"machines": [[machine, 2, 0] for machine in machines]})
    driver = (sys.executable, "-c", f"print({says!r}, flush=True); input()")
    monkeypatch.setattr(ray_cluster, "DRIVER", driver)
    options = ["--cluster", "auto", "--workers", workers]
    outcome = thriftnet("search", folder / "tiny.yaml", "--study", tmp_path / "s", *options)
    assert outcome.code == 2
    assert told in outcome.error_line


def test_without_ray_its_extra_is_named(
    thriftnet: Command, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "ray", None)
    space = folder / "tiny.yaml"
    outcome = thriftnet("search", space, "--study", tmp_path / "s", "--cluster", "local")
    assert outcome.code == 2
    assert "pip install 'thriftnet[cluster]'" in outcome.error_line
