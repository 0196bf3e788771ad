"""Which GPU a worker sees, with made-up devices; and what its death says of its job."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from thriftnet.errors import SearchError
from thriftnet.search.workers import local, machine
from thriftnet.search.workers.local import LocalPool
from thriftnet.search.workers.pool import ExitStatus, WorkerSpec
from thriftnet.search.workers.ray_cluster import gpu_share
from thriftnet.search.workers.ray_driver import Driver


class _Process:
    """A process that lives until it is told otherwise."""

    pid = 1

    def __init__(self, _: Any, *, env: dict[str, str], **__: Any) -> None:
        self.env = env
        self.code: int | None = None

    def poll(self) -> int | None:
        return self.code


@pytest.fixture(autouse=True)
def no_process_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "Popen", _Process)
    monkeypatch.setenv("OMP_NUM_THREADS", "7")


def order(folder: Path, number: int) -> WorkerSpec:
    return WorkerSpec(f"w{number}", [], {"OMP_NUM_THREADS": "2"}, folder / "logs" / f"{number}.log")


@pytest.mark.parametrize(
    ("gpus", "seen"),
    [(["0", "1"], ["0", "1", "0", "1"]), (["GPU-a"], ["GPU-a"] * 4), ([], [None] * 4)],
)
def test_each_worker_sees_one_gpu_and_the_threads_of_the_study(
    tmp_path: Path, gpus: list[str], seen: list[str | None]
):
    pool = LocalPool(4, gpus=gpus)
    environments = [pool.start(order(tmp_path, n)).process.env for n in range(4)]
    assert [each.get("CUDA_VISIBLE_DEVICES") for each in environments] == seen
    assert {each["OMP_NUM_THREADS"] for each in environments} == {"2"}


def test_who_replaces_a_dead_worker_takes_its_gpu(tmp_path: Path):
    pool = LocalPool(2, gpus=["0", "1"])
    _, second = pool.start(order(tmp_path, 0)), pool.start(order(tmp_path, 1))
    second.process.code = -9
    assert pool.start(order(tmp_path, 2)).gpu == "1"


def test_the_gpus_of_this_process_are_those_that_it_may_see(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    assert machine.gpus({}) == ["0", "1"]
    assert machine.gpus({"CUDA_VISIBLE_DEVICES": "3, GPU-b"}) == ["3", "GPU-b"]
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    assert machine.gpus({"CUDA_VISIBLE_DEVICES": ""}) == []


@pytest.mark.parametrize(
    ("gpus", "workers", "each"),
    [([2], 2, 1.0), ([2], 1, 1.0), ([2], 4, 0.5), ([1, 3], 6, 0.5), ([0], 4, 0.0), ([1], 3, 1 / 3)],
)
def test_a_worker_of_a_cluster_asks_for_a_gpu_or_a_share(
    gpus: list[int], workers: int, each: float
):
    assert gpu_share(gpus, workers) == each


def test_ray_is_asked_for_what_a_worker_needs():
    asked: list[dict[str, Any]] = []

    class _Handle:
        class start:  # noqa: N801 (a method of an actor)
            @staticmethod
            def remote(_: Any) -> str:
                return "answer"

    class _Actor:
        @staticmethod
        def remote() -> type[_Handle]:
            return _Handle

    class _Module:
        @staticmethod
        def remote(**needs: Any) -> Any:
            asked.append(needs)
            return lambda _host: _Actor

    what = {"name": "w", "cpus": 2, "gpus": 0.5, "log": "l", "environment": {}, "arguments": []}
    Driver(_Module()).start(what)
    assert asked == [{"num_cpus": 2, "num_gpus": 0.5, "scheduling_strategy": "SPREAD"}]


@pytest.mark.parametrize(
    ("exit_status", "fault"),
    [
        (ExitStatus(-signal.SIGKILL, ""), None),
        (ExitStatus(-signal.SIGTERM, ""), None),
        (ExitStatus(-signal.SIGUSR1, ""), None),
        (ExitStatus(-signal.SIGXCPU, ""), None),
        (ExitStatus(-signal.SIGABRT, ""), "signal 6"),
        (ExitStatus(None, "its machine left the cluster"), None),
        (ExitStatus(-signal.SIGKILL, "", out_of_memory=True), "out of memory"),
        (ExitStatus(1, "out of memory; fewer --workers leave more for each"), "out of memory"),
        (ExitStatus(1, "ZeroDivisionError"), "exit code 1"),
        (ExitStatus(-signal.SIGSEGV, ""), "signal 11"),
    ],
)
def test_only_a_death_with_evidence_is_held_against_a_job(
    exit_status: ExitStatus, fault: str | None
):
    assert exit_status.fault == fault


def test_a_kill_for_want_of_memory_is_told_from_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    kills = [4]
    for module in (local, machine):
        monkeypatch.setattr(module, "memory_kills", lambda: kills[0])
    worker = LocalPool(1).start(order(tmp_path, 0))
    worker.process.code = -signal.SIGKILL
    exit_status = worker.exit_status()
    assert exit_status is not None
    assert exit_status.fault is None
    kills[0] = 5
    exit_status = worker.exit_status()
    assert exit_status is not None
    assert exit_status.fault == "out of memory"


def test_more_workers_than_the_memory_holds_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("thriftnet.search.workers.local.memory_limit", lambda: 24 * 10**9)
    with pytest.raises(
        SearchError, match=r"^1,000,000 workers need .*; give --workers 160 or less"
    ):
        LocalPool(10**6)
    assert LocalPool(160).count() == 160
