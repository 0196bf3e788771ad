"""Worker processes go on from stage to stage; what befalls one between two stages."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from commands import Command, Outcome
from studies import finished
from thriftnet.search import run
from thriftnet.search.stages.order import STAGES

NAMES = [stage.name for stage in STAGES]


def test_two_workers_of_a_command_do_every_stage(first: Outcome, folder: Path):
    assert first.code == 0
    logs = {path.stem for path in (folder / "study" / "logs").iterdir()}
    assert len(logs) == 2
    assert "worker" not in first.out


@pytest.fixture
def after_the_grid(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Has something happen where the grid has been concluded and the analysis begins."""
    conclude = run.conclude

    def arrange(happens: Callable[[], None]) -> None:
        def concluded(*arguments: object, **options: object) -> object:
            found = conclude(*arguments, **options)  # type: ignore[arg-type]
            if arguments[1] is STAGES[0]:
                happens()
            return found

        monkeypatch.setattr(run, "conclude", concluded)

    return arrange


def workers_of(study: Path) -> list[int]:
    command = ["ps", "-eww", "-o", "pid=", "-o", "args="]
    lines = subprocess.run(command, capture_output=True, text=True).stdout.splitlines()
    mine = [
        line for line in lines if "thriftnet.search.workers.worker" in line and f"{study} " in line
    ]
    return [int(line.split()[0]) for line in mine]


def test_a_worker_that_dies_between_two_stages_is_told_and_replaced(
    thriftnet: Command,
    first: Outcome,
    folder: Path,
    tmp_path: Path,
    after_the_grid: Callable[[Callable[[], None]], None],
):
    assert first.code == 0
    study = tmp_path / "study"
    killed: list[int] = []

    def kill() -> None:
        killed.extend(workers_of(study))
        for worker in killed:
            os.kill(worker, signal.SIGKILL)

    after_the_grid(kill)
    outcome = thriftnet("search", folder / "tiny.yaml", "--study", study, "--workers", "1")
    assert outcome.code == 0
    assert len(killed) == 1, "it waits for what the stage found"
    told = "a worker was killed (signal 9; out of memory?); it held no trial"
    assert outcome.out.count(told) == 1
    assert len(list((study / "logs").iterdir())) == 2
    for stage in NAMES:
        assert finished(study, stage) == finished(folder / "study", stage)


def test_ctrl_c_between_two_stages_ends_the_workers_and_the_same_command_goes_on(
    thriftnet: Command,
    first: Outcome,
    folder: Path,
    tmp_path: Path,
    after_the_grid: Callable[[Callable[[], None]], None],
):
    assert first.code == 0
    study = tmp_path / "study"
    asked: list[int] = []

    def stop() -> None:
        asked.extend(workers_of(study))
        signal.raise_signal(signal.SIGINT)

    after_the_grid(stop)
    outcome = thriftnet("search", folder / "tiny.yaml", "--study", study, "--workers", "1")
    assert outcome.code == 130
    assert outcome.error_line.startswith("stopped; run the same command again")
    assert len(asked) == 1
    assert not workers_of(study)
    assert (study / "grid.json").is_file()
    assert not (study / "analysis.json").is_file()
    asked.clear()
    assert thriftnet("search", folder / "tiny.yaml", "--study", study).code == 0
    assert not asked, "the grid is done"
    for stage in NAMES:
        assert finished(study, stage) == finished(folder / "study", stage)
