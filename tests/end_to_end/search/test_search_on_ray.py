"""A search on a Ray cluster: killed, stopped, and with what goes wrong.

The finished trials are those of an unbroken search on one machine.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import signal
import sys
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import pytest

from commands import Command
from grids import (
    PATIENT,
    Finished,
    begun,
    finished,
    go_on,
    no_epoch_was_trained_twice,
    parent_of,
    process_of,
    stop_in_a_trial,
)
from thriftnet.search.study import Study
from thriftnet.search.workers import ray_cluster
from waits import PATIENCE_SECONDS, wait_until

needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed")


@needs_ray
def test_a_ray_cluster_loses_a_worker_and_an_actor_is_stopped_and_leaves_the_same(
    grid_folder: Path, unbroken: Finished
):
    search = begun(grid_folder, "ray", "--cluster", "local", "--workers", "2", *PATIENT)
    os.kill(stop_in_a_trial(search, grid_folder / "ray", None), signal.SIGKILL)
    search.read_until("was killed")
    os.kill(parent_of(stop_in_a_trial(search, grid_folder / "ray", None)), signal.SIGKILL)
    search.read_until("its Ray actor died; its trial")
    search.interrupt()
    told = search.ended()
    killed = "a worker was killed (signal 9; out of memory?)"
    assert killed in told.out
    assert f"{killed}: its Ray actor died; its trial" in told.out
    assert "ray" not in told.out.lower().replace("its ray actor died", "")
    assert told.code == 130
    assert told.err.startswith("stopped; run the same command again")
    assert len(told.err.splitlines()) == 1
    with closing(Study.open(grid_folder / "ray").storage) as storage:
        rows = storage.jobs("grid")
    assert {row.state for row in rows} <= {"finished", "released"}
    assert not [row for row in rows if process_of(row.worker)]
    go_on(grid_folder / "ray")  # the study is not the cluster's
    assert finished(grid_folder / "ray") == unbroken
    assert no_epoch_was_trained_twice(grid_folder / "ray")


def runs_of_ray() -> list[Path]:
    """Processes by which Ray finds the clusters of this machine."""
    found: list[Path] = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has just ended
            if b"raylet/raylet" in path.read_bytes().partition(b"\0")[0]:
                found.append(path)
    return found


@needs_ray
@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--cluster", "nonsense"], "'nonsense' is not a cluster address; use auto, local, ray://"),
        (["--cluster", "auto"], "no Ray cluster found at auto (Could not find any running Ray"),
        (["--cluster", "127.0.0.1:9"], "no Ray cluster found at 127.0.0.1:9 (no answer for 2 s)"),
    ],
)
def test_mistakes_about_a_cluster_are_one_line(
    thriftnet: Command,
    grid_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    told: str,
):
    if "auto" in options:
        wait_until(lambda: not runs_of_ray())  # that of the test before may still be ending
    # Ray alone is imported for seconds, and longer on a busy machine.
    reach = 2 if "127.0.0.1:9" in options else PATIENCE_SECONDS
    monkeypatch.setattr(ray_cluster, "REACH_SECONDS", reach)
    outcome = thriftnet("search", grid_folder / "tiny.yaml", "--study", tmp_path / "s", *options)
    assert outcome.code == 2
    assert told in outcome.error_line


@needs_ray
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
    grid_folder: Path,
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
    outcome = thriftnet("search", grid_folder / "tiny.yaml", "--study", tmp_path / "s", *options)
    assert outcome.code == 2
    assert told in outcome.error_line


def test_without_ray_its_extra_is_named(
    thriftnet: Command, grid_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "ray", None)
    space = grid_folder / "tiny.yaml"
    outcome = thriftnet("search", space, "--study", tmp_path / "s", "--cluster", "local")
    assert outcome.code == 2
    assert "pip install 'thriftnet[cluster]'" in outcome.error_line
