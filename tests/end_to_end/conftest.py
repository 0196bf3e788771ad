"""The command line as a user meets it; one short run and one tiny search that the tests read."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from commands import SHORT, Command, Outcome, in_this_process
from grids import Finished, finished, go_on
from thriftnet.data import Dataset
from thriftnet.search.candidates import count_candidates
from thriftnet.search.space import load_space
from thriftnet.search.study import Study
from tiny import space_file


@pytest.fixture
def thriftnet(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command in this process: `thriftnet("train", "smoke")`."""

    return in_this_process(monkeypatch, capsys)


@pytest.fixture(scope="session")
def finished_run(
    tmp_path_factory: pytest.TempPathFactory, cifar10: tuple[Dataset, Dataset]
) -> Path:
    """A tenth of an epoch of `smoke`, trained through the Python interface."""
    import thriftnet

    assert len(cifar10[0]) == 50_000
    run = thriftnet.train(
        "smoke",
        overrides=SHORT[1::2],
        name="short",
        runs_dir=tmp_path_factory.mktemp("runs"),
        quiet=True,
    )
    assert run.finished
    return run.path


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the tiny search is: `tiny.yaml` and the folder `study`."""
    return tmp_path_factory.mktemp("search")


@pytest.fixture(scope="session")
def first(folder: Path, cifar10: tuple[Dataset, Dataset]) -> Outcome:
    """The whole of a tiny search with two workers, once for all tests."""
    assert len(cifar10[0]) == 50_000
    space = space_file(folder)
    command = [sys.executable, "-m", "thriftnet", "search", str(space), "--workers", "2"]
    command += ["--study", str(folder / "study")]
    environment = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 0, done.stderr
    return Outcome(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def study(first: Outcome, folder: Path, tmp_path: Path) -> Path:
    """A copy of the finished study, beside its space."""
    assert first.code == 0
    shutil.copy(folder / "tiny.yaml", tmp_path)
    return Path(shutil.copytree(folder / "study", tmp_path / "study"))


@pytest.fixture(scope="session")
def grid_folder(tmp_path_factory: pytest.TempPathFactory, cifar10: tuple[Dataset, Dataset]) -> Path:
    """With a tiny space; the data set is at hand."""
    assert len(cifar10[0]) == 50_000
    path = tmp_path_factory.mktemp("machines")
    space_file(path)
    return path


@pytest.fixture(scope="session")
def unbroken(grid_folder: Path) -> Finished:
    """What a grid leaves that nothing happened to."""
    space = load_space(grid_folder / "tiny.yaml")
    with closing(Study.create(grid_folder / "unbroken", space).storage) as storage:
        storage.add_candidates(count_candidates(space))
    go_on(grid_folder / "unbroken")
    return finished(grid_folder / "unbroken")
