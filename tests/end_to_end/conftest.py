"""The command line as a user meets it, and one short run that the tests read."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from commands import SHORT, Command, Outcome

from thriftnet.cli import main
from thriftnet.data import Dataset


@pytest.fixture
def thriftnet(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command in this process: `thriftnet("train", "smoke")`."""

    def run(*arguments: str | Path) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["thriftnet", *map(str, arguments)])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run


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
