"""Following a run in a terminal: what is shown, and when it ends."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from commands import Command
from ongoing import STATUS, epoch_line
from small import small_recipe
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.live import read_live_run
from thriftnet.runs.new_run import create_run
from thriftnet.terminal.watch import follow, live_lines, sparkline


@pytest.mark.parametrize(
    ("values", "bars"),
    [([], ""), ([3.0], "▁"), ([2.0, 2.0], "▁▁"), ([0.0, 3.5, 7.0], "▁▅█"), ([9, 0, 1, 2], "▁▅█")],
)
def test_sparkline(values: list[float], bars: str) -> None:
    assert sparkline(values, width=3) == bars


@pytest.mark.parametrize("width", [80, 50])
def test_lines_of_a_training_fit_the_terminal(going: RunFolder, width: int) -> None:
    for epoch in range(2, 200):
        going.append(epoch_line(epoch))
    going.save_status(STATUS)
    lines = live_lines(read_live_run(going.path), width=width)
    assert max(map(len, lines)) <= width
    assert lines[0].startswith("going  running  epoch 2/3 ━━━━━━╌╌╌╌╌╌")
    assert lines[0].endswith("1:15 left")
    words = {line.split("  ")[0]: line.split()[-2] for line in lines[1:]}
    assert words["train loss"] == "1.2500"
    assert words["images/s"] == "321"
    assert "val loss" not in words  # none was told


def test_charts_are_as_wide_as_a_screen_where_lines_have_no_limit(
    going: RunFolder, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a pipe, where a command to copy stays on one line."""
    monkeypatch.delenv("COLUMNS", raising=False)
    going.save_status(None)
    for epoch in range(2, 300):
        going.append(epoch_line(epoch))
    going.append({"kind": "interrupted", "step": 4})
    follow(going.path)
    *_, rate, remedy = capsys.readouterr().out.splitlines()
    assert len(rate) == 120
    assert remedy == f"interrupted; resume with: thriftnet train --resume {going.path}"


@pytest.mark.parametrize("share", [0.4, 0.04, None])
def test_other_work_is_shown_where_it_takes_much(going: RunFolder, share: float | None) -> None:
    going.append(epoch_line(2, cpu_contention=share))
    lines = live_lines(read_live_run(going.path), width=80)
    assert any(line.startswith("other work, CPU     40%") for line in lines) == (share == 0.4)


def test_what_to_do_stands_below(going: RunFolder) -> None:
    going.save_status(None)
    going.append({"kind": "interrupted", "step": 4})
    lines = live_lines(read_live_run(going.path), width=300)
    assert lines[-1] == f"interrupted; resume with: thriftnet train --resume {going.path}"


def test_follow_tells_each_epoch_once_and_ends_with_the_run(
    going: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    def pause(_: float) -> None:
        told = len(read_live_run(going.path).epochs)
        if told < 3:
            going.append(epoch_line(told + 1))
        else:
            going.save_status(None)
            going.append({"kind": "failed", "step": 30, "reason": "the loss became nan"})

    follow(going.path, pause=pause)
    out = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in out if line.startswith("epoch ")] == ["1/3", "2/3", "3/3"]
    anew = f"thriftnet train {going.recipe_path} --set optim.lr=0.001"
    told = " ".join(" ".join(out).split())
    assert told.endswith(
        f"failed: the loss became nan; retrain it with a lower learning rate: {anew}"
    )


def test_follow_waits_for_the_test_figures_of_a_run_that_has_just_ended(
    copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`train` evaluates after the last weights are written."""
    run = RunFolder(copied)
    lines = run.metrics()
    run.metrics_path.unlink()
    for line in lines:
        if line["kind"] != "test":
            run.append(line)
    run.model_path.touch()
    waited: list[float] = []

    def pause(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 3:
            for line in lines:
                if line["kind"] == "test":
                    run.append(line)

    follow(copied, pause=pause)
    assert len(waited) == 3
    assert "\ntest accuracy" in capsys.readouterr().out
    for line in lines:
        if line["kind"] == "start":
            run.metrics_path.unlink()
            run.append(line)
    os.utime(run.model_path, (0, 0))  # and nobody evaluates a trial of a search
    follow(copied, pause=pause)
    assert len(waited) == 3


def test_watch_of_a_finished_run_shows_it_and_ends(command: Command, copied: Path) -> None:
    outcome = command("watch", copied)
    assert outcome.code == 0
    assert outcome.out.count("\nepoch ") == 2  # after the first of three
    assert "small-run  finished  epoch 3/3" in outcome.out
    assert "\ntest accuracy" in outcome.out


def test_test_accuracy_is_that_of_the_recipes_own_reading(going: RunFolder) -> None:
    tta = going.recipe().evaluate.tta
    for name, accuracy in ((tta, 0.91), ("none", 0.9)):
        going.append({"kind": "test", "tta": name, "accuracy": accuracy})
    assert live_lines(read_live_run(going.path), width=80)[-1].split()[-1] == "91.00%"


@pytest.mark.parametrize("width", [50, 80, 120])
def test_a_long_name_leaves_room_for_how_far_the_run_is(tmp_path: Path, width: int) -> None:
    name = "greenhouse-camera-2026-autumn-campaign-learning-rate-0.1-seed1"
    run = create_run(tmp_path / name, small_recipe(), {})
    run.append(epoch_line(1))
    run.save_status(STATUS)
    lines = live_lines(read_live_run(run.path), width=width)
    assert max(map(len, lines)) <= width
    head = lines[: [line.startswith("train loss") for line in lines].index(True)]
    assert len(head) == (2 if width == 50 else 1)
    assert " ".join(head).startswith(name[:10])
    assert name[-7:] in " ".join(head)
    assert "running  epoch 2/3 ━━━━━━╌╌╌╌╌╌  1:15 left" in head[-1]
