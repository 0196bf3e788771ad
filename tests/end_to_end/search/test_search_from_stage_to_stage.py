"""Worker processes go on from stage to stage; what befalls one between two stages."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from commands import Command, Outcome
from forked import STARTED
from studies import finished
from thriftnet.search import run
from thriftnet.search.stages.order import STAGES

NAMES = [stage.name for stage in STAGES]


def test_two_workers_of_a_command_do_every_stage(first: Outcome, folder: Path):
    assert first.code == 0
    logs = {path.stem for path in (folder / "study" / "logs").iterdir()}
    assert len(logs) == 2
    assert "worker" not in first.out


def nothing() -> None: ...


@pytest.fixture
def around_conclusion(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Has something happen before a stage is concluded, and where the next begins."""
    happens: dict[str, tuple[Callable[[], None], Callable[[], None]]] = {}
    conclude = run.conclude

    def concluded(*arguments: Any, **options: Any) -> object:
        before, after = happens.pop(arguments[1].name, (nothing, nothing))
        before()
        found = conclude(*arguments, **options)
        after()
        return found

    def at(stage: str, after: Callable[[], None], before: Callable[[], None] = nothing) -> None:
        happens[stage] = before, after

    monkeypatch.setattr(run, "conclude", concluded)
    return at


def workers_of(study: Path) -> list[int]:
    mine = [each for each in STARTED if each.arguments[0] == str(study)]
    return [each.pid for each in mine if each.poll() is None]


def test_one_worker_disturbed_between_stages_leaves_what_two_workers_do(
    thriftnet: Command,
    first: Outcome,
    folder: Path,
    tmp_path: Path,
    around_conclusion: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
):
    """Nor do the threads that the machine would give each of them matter."""
    assert first.code == 0
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    study = tmp_path / "study"
    words = ("search", folder / "tiny.yaml", "--study", study, "--workers", "1")
    killed: list[int] = []
    asked: list[int] = []

    def halt() -> None:
        """Or it could claim a trial of the next stage before it is killed."""
        for worker in workers_of(study):
            os.kill(worker, signal.SIGSTOP)

    def kill() -> None:
        killed.extend(workers_of(study))
        for worker in killed:
            os.kill(worker, signal.SIGKILL)

    def stop() -> None:
        asked.extend(workers_of(study))
        signal.raise_signal(signal.SIGINT)

    around_conclusion("grid", kill, before=halt)
    around_conclusion("refinement", stop)
    stopped = thriftnet(*words)
    assert len(killed) == 1, "it waits for what the stage found"
    told = "a worker was killed (signal 9; out of memory?); it held no trial"
    assert stopped.out.count(told) == 1
    assert len(list((study / "logs").iterdir())) == 2
    assert stopped.code == 130
    assert stopped.error_line.startswith("stopped; run the same command again")
    assert len(asked) == 1
    assert not workers_of(study)
    assert (study / "refinement.json").is_file()
    assert not (study / "validation.json").is_file()
    assert thriftnet(*words).code == 0
    for stage in NAMES:
        assert finished(study, stage) == finished(folder / "study", stage)
    for path in study.glob("trials/*/*/model.safetensors"):
        other = load_file(folder / path.relative_to(tmp_path))
        assert all(torch.equal(value, other[name]) for name, value in load_file(path).items())
    winners = [(path / "winner.yaml").read_text() for path in (study, folder / "study")]
    assert winners[0] == winners[1]
