"""The list of runs: states, figures, damage, and how it fits a terminal."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from made_runs import make_run
from thriftnet.errors import RunError
from thriftnet.recipe import load_recipe, shipped_recipes
from thriftnet.runs import listing
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.listing import COLUMNS, ListedRun, list_runs
from thriftnet.terminal.runs import print_runs


def only(runs: list[ListedRun]) -> ListedRun:
    (run,) = runs
    return run


def quiet_for(run: RunFolder, seconds: float) -> None:
    """As if it had written last that long ago."""
    then = time.time() - seconds
    for path in run.path.rglob("*"):
        os.utime(path, (then, then))


def test_figures_of_a_finished_run(tmp_path: Path):
    made = make_run(tmp_path / "one", seed=3, accuracy=0.65, epochs=7)
    made.append({"kind": "test", "tta": "flip", "accuracy": 0.66, "loss": 0.9})  # read anew
    made.append({"kind": "test", "tta": "flip_shift", "accuracy": 0.9})  # not the recipe's way
    found = only(list_runs(tmp_path)).to_json()
    expected = {
        "name": "one",
        "state": "finished",
        "recipe": "smoke",
        "seed": 3,
        "epoch": 7,
        "accuracy": 0.66,
        "loss": 0.9,
        "top5": 0.97,
        "parameters": 78_042,
        "macs": 12_501_632,
        "seconds": 143.5,
        "pflop": 0.007,
        "val_accuracy": 0.37,
        "digest": made.recipe().digest(),
        "path": str(made.path),
        "problem": None,
    }
    assert {key: found[key] for key in expected} == pytest.approx(expected)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert set(found) == set(COLUMNS)


def test_states(tmp_path: Path):
    make_run(tmp_path / "done")
    make_run(tmp_path / "going", finished=False).save_status({"epoch": 1})
    killed = make_run(tmp_path / "killed", finished=False)
    killed.save_status({"epoch": 1})
    quiet_for(killed, 3600)
    make_run(tmp_path / "stopped", finished=False).append({"kind": "interrupted", "step": 9})
    failed = make_run(tmp_path / "failed", finished=False)
    failed.append({"kind": "failed", "step": 9, "reason": "the loss became nan"})
    make_run(tmp_path / "new", finished=False).metrics_path.unlink()
    runs = {run.value("name"): run for run in list_runs(tmp_path)}
    assert {name: run.value("state") for name, run in runs.items()} == {
        "done": "finished",
        "going": "running",
        "killed": "silent",
        "stopped": "interrupted",
        "failed": "failed",
        "new": "starting",
    }
    assert runs["failed"].value("problem") == "the loss became nan"


def test_torn_last_line_is_no_damage(tmp_path: Path):
    run = make_run(tmp_path / "cut", finished=False, epochs=5)
    with run.metrics_path.open("a") as file:
        file.write('{"kind": "epoch", "epo')
    found = only(list_runs(tmp_path))
    assert (found.value("state"), found.value("epoch")) == ("silent", 5)


def test_damaged_runs_are_listed_among_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    make_run(tmp_path / "good")
    make_run(tmp_path / "recipe").recipe_path.write_bytes(b"\xff\x00\xff")
    make_run(tmp_path / "empty").recipe_path.write_text("")
    make_run(tmp_path / "key").recipe_path.write_text("name: x\noptim:\n  lrr: 1\n")
    make_run(tmp_path / "twice").recipe_path.write_text("name: x\nseed: 1\nseed: 2\n")
    make_run(tmp_path / "lost").recipe_path.unlink()
    make_run(tmp_path / "half").recipe_path.write_text("name: smoke\noptim:\n  na")
    lines = make_run(tmp_path / "lines", epochs=9)
    texts = lines.metrics_path.read_text().splitlines()
    texts[3] = texts[3][:20]  # an epoch in the middle, which the list does not look into
    lines.metrics_path.write_text("\n".join(texts))
    (tmp_path / "notes").mkdir()  # no run
    (tmp_path / "file").touch()
    runs = {str(run.value("name")): run for run in list_runs(tmp_path)}
    states = {name: run.value("state") for name, run in runs.items()}
    assert states.pop("good") == "finished"
    assert states == dict.fromkeys(
        ["recipe", "empty", "key", "twice", "lost", "half", "lines"], "damaged"
    )
    told = {name: str(run.value("problem")) for name, run in runs.items()}
    assert "did you mean optim.lr?" in told["key"]
    assert "'seed' is a duplicate" in told["twice"]
    assert "damaged in line 4" in told["lines"]
    assert "cannot be read" in told["lost"]
    print_runs(list(runs.values()), None)
    shown = capsys.readouterr().out
    for name, problem in told.items():
        assert name == "good" or problem in shown


@pytest.mark.parametrize("recipe", shipped_recipes())
@pytest.mark.parametrize("dressed", ["{}", "# mine\n\n{}", "---\n{}\n...\n"])
def test_recipes_are_read_as_training_reads_them(tmp_path: Path, recipe: str, dressed: str):
    options = ["description='a: long # line, " + "é" * 90 + "'", "train.precision=fp32"]
    run = make_run(tmp_path / "run", recipe=recipe, seed=5, overrides=options)
    run.recipe_path.write_text(dressed.format(run.recipe_path.read_text()))
    assert only(list_runs(tmp_path)).recipe == run.recipe()


def test_recipe_in_another_style_of_yaml(tmp_path: Path):
    run = make_run(tmp_path / "run")
    run.recipe_path.write_text(
        "{name: mine,\nseed: 4, optim:\n {lr: 0.3},\nevaluate: {tta: none}}\n"
    )
    found = only(list_runs(tmp_path))
    assert (found.value("recipe"), found.value("seed")) == ("mine", 4)
    assert found.value("optim.lr") == 0.3
    assert found.value("train.epochs") == load_recipe(run.recipe_path).train.epochs


@pytest.mark.parametrize("width", [50, 80, 200])
def test_list_fits_the_terminal(
    tmp_path: Path,
    width: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("COLUMNS", str(width))
    make_run(tmp_path / ("long-" * 20))
    make_run(tmp_path / "\x1b[31m線\n路", seed=2**31 - 1)
    print_runs(list_runs(tmp_path), None)
    head, *lines = capsys.readouterr().out.splitlines()
    assert "\x1b" not in "".join(lines)
    assert {"name", "state", "accuracy"} <= set(head.split())
    assert ("started" in head) == (width == 200)
    assert max(map(len, [head, *lines])) <= width
    assert len([line for line in lines if "finished" in line]) == 2


def test_pipe_gets_every_column_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("COLUMNS", raising=False)
    make_run(tmp_path / ("long-" * 20))
    print_runs(list_runs(tmp_path), None)
    head, line = capsys.readouterr().out.splitlines()
    assert head.endswith("started")
    assert line.startswith("long-" * 20)


def test_folders_that_hold_no_list(tmp_path: Path):
    assert list_runs(tmp_path) == []
    with pytest.raises(RunError, match="there is no folder .*--runs-dir"):
        list_runs(tmp_path / "none")
    run = make_run(tmp_path / "run")
    with pytest.raises(RunError, match="is a run; give its parent folder"):
        list_runs(run.path)


@pytest.mark.parametrize("seconds", [1e12, -1e11])
def test_a_time_that_no_calendar_has_is_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float
):
    """An archive may say anything of a file."""
    make_run(tmp_path / "one")
    monkeypatch.setattr(listing, "_minute", lambda _, minute=listing._minute: minute(seconds))
    found = only(list_runs(tmp_path))
    assert (found.value("state"), found.value("started")) == ("finished", None)
    print_runs([found], None)
