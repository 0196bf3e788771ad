"""The command line as a user meets it, and one short run that the tests read."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import SHORT, Command, in_this_process

from thriftnet.data import Dataset


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
