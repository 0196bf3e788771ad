"""Where a run stands, read from its folder while it is running or after."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from ongoing import STATUS, epoch_line
from small import small_recipe, use_images
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.live import read_live_run
from thriftnet.runs.new_run import create_run
from thriftnet.terminal.watch import live_lines
from thriftnet.training.progress import Quiet, StepStats
from thriftnet.training.start import start_run


def test_training_tells_where_it_stands_and_clears_that_at_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_images(monkeypatch)
    seen: list[tuple[str, dict[str, Any]]] = []

    class Watcher(Quiet):
        def step(self, stats: StepStats) -> None:
            seen.append((read_live_run(tmp_path / "one").state, vars(stats)))

    run = start_run(small_recipe(), name="one", runs_dir=tmp_path, progress=Watcher())
    states = [state for state, _ in seen]
    assert states[0] == "starting"  # the status is written after the other progress was told
    assert set(states[1:]) == {"running"}
    left = [stats["seconds_left"] for _, stats in seen]
    assert left[-1] == 0
    assert not RunFolder(run.path).status_path.exists()
    assert read_live_run(run.path).state == "finished"


@pytest.mark.parametrize(
    ("lines", "age", "state"),
    [
        ([], None, "starting"),
        ([epoch_line(1)], 0.0, "running"),
        ([epoch_line(1)], 3600.0, "silent"),
        ([epoch_line(1)], None, "silent"),
        ([{"kind": "interrupted", "step": 4}], None, "interrupted"),
        ([{"kind": "failed", "step": 4, "reason": "the loss became nan"}], None, "failed"),
        ([{"kind": "interrupted", "step": 4}, epoch_line(1)], 0.0, "running"),
        ([{"kind": "interrupted", "step": 4}, {"kind": "resumed", "step": 4}], None, "starting"),
    ],
)
def test_state_of_a_run(
    tmp_path: Path, lines: list[dict[str, Any]], age: float | None, state: str
) -> None:
    run = create_run(tmp_path / "one", small_recipe(), {})
    run.append({"kind": "start", "step": 0})
    for line in lines:
        run.append(line)
    if age is not None:
        run.save_status(STATUS)
        then = time.time() - age
        os.utime(run.status_path, (then, then))
    live = read_live_run(run.path)
    assert live.state == state
    assert live.over == (state in {"interrupted", "failed"})


def test_torn_status_is_no_harm(going: RunFolder) -> None:
    going.status_path.write_text('{"epoch": 2, "sha')
    assert going.status()[0] == {}
    assert read_live_run(going.path).epochs[0]["epoch"] == 1


def test_full_disk_does_not_stop_a_training_for_its_status(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "gone")
    run.save_status(STATUS)  # the folder is not there
    run.save_status(None)
    assert run.status() == ({}, 0.0)


def test_a_status_is_never_seen_half_written(going: RunFolder) -> None:
    going.save_status(STATUS)
    before = going.status_path.stat().st_ino
    with going.status_path.open("rb") as reader:  # opened before it is written anew
        going.save_status({**STATUS, "epoch": 3})
        assert json.loads(reader.read())["epoch"] == STATUS["epoch"]
    assert going.status_path.stat().st_ino != before
    assert going.status()[0]["epoch"] == 3


def test_line_that_lost_a_figure_is_passed_over(going: RunFolder) -> None:
    going.append({"kind": "epoch", "epoch": 2, "train_loss": 1.0})
    assert [line["epoch"] for line in read_live_run(going.path).epochs] == [1]
    assert live_lines(read_live_run(going.path), width=80)[0].startswith("going  running")
