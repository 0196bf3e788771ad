"""Runs that were trained here, listed, compared and cleaned up by command."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import thriftnet as api
from commands import NARROW, Command
from made_runs import make_run
from thriftnet.data import OpenDataset
from thriftnet.evaluation import images as tested
from thriftnet.runs.folder import RunFolder


@pytest.fixture(scope="module")
def trained(
    tmp_path_factory: pytest.TempPathFactory, finished_run: Path, thousand: OpenDataset
) -> Path:
    """The short run of the tests and a shorter one of another recipe, both evaluated."""
    folder = tmp_path_factory.mktemp("trained")
    shutil.copytree(finished_run, folder / "first")
    few = ["data.fraction=0.02", "train.epochs=0.5"]
    options = [*few, *NARROW[1::2], "name=slow", "optim.lr=0.001"]
    api.train("smoke", overrides=options, name="slow", runs_dir=folder, quiet=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tested, "open_data", lambda *_, **__: thousand)
        for name in ("first", "slow"):
            api.evaluate(folder / name)
    return folder


@pytest.mark.usefixtures("few_test_images")
def test_trained_runs_are_listed_and_compared(thriftnet: Command, trained: Path) -> None:
    listed = json.loads(thriftnet("runs", "--runs-dir", trained, "--json").out)
    accuracies = {run["name"]: run["accuracy"] for run in listed}
    evaluated = json.loads(thriftnet("evaluate", trained / "slow", "--json").out)
    assert accuracies["slow"] == evaluated["accuracy"]
    assert {run["state"] for run in listed} == {"finished"}

    compared = thriftnet("compare", trained / "first", trained / "slow")
    assert compared.code == 0, compared.err
    assert "McNemar's exact test" in compared.out
    assert "smoke is better than slow by" in " ".join(compared.out.split())
    told = json.loads(thriftnet("compare", trained / "slow", trained / "first", "--json").out)
    (contrast,) = told["contrasts"]
    assert contrast["points"] == pytest.approx(100 * (accuracies["first"] - accuracies["slow"]))
    right: list[np.ndarray] = []
    for name in ("slow", "first"):
        said = RunFolder.open(trained / name).load_predictions()
        assert said is not None
        right.append(said.logits["flip"].argmax(1) == said.labels)
    assert contrast["only_first"] == int((right[0] & ~right[1]).sum())
    found = api.compare([trained / "slow", str(trained / "first")])
    assert found.to_json() == told


def test_list_filtered_sorted_and_with_columns(thriftnet: Command, trained: Path) -> None:
    options = ["--runs-dir", trained, "--sort", "optim.lr", "--columns", "name,optim.lr"]
    rows = [line.split() for line in thriftnet("runs", *options).out.splitlines()]
    assert rows == [["name", "optim.lr"], ["slow", "0.001"], ["first", "0.1"]]
    turned = json.loads(thriftnet("runs", *options, "--reverse", "--json").out)
    assert turned[0] == {"name": "first", "optim.lr": 0.1}
    some = thriftnet("runs", *options, "--where", "optim.lr<0.01", "--where", "recipe=slow")
    assert len(some.out.splitlines()) == 2
    none = thriftnet("runs", *options, "--where", "optim.lr>9")
    assert none.out == f"none of the 2 runs in {trained} meets the conditions\n"


def test_clean_up_asks_first(thriftnet: Command, tmp_path: Path) -> None:
    run, cut = make_run(tmp_path / "done"), make_run(tmp_path / "cut", finished=False)
    size = run.last_path.stat().st_size + run.best_path.stat().st_size
    shown = thriftnet("runs", "gc", "--runs-dir", tmp_path)
    assert (shown.code, run.last_path.is_file()) == (0, True)
    assert f"{run.path}  last.pt, best.safetensors" in shown.out
    assert "nothing was removed; to remove it add --yes" in shown.out
    told = json.loads(thriftnet("runs", "gc", "--runs-dir", tmp_path, "--json").out)
    assert told["bytes_removed"] == 0
    assert told["superseded"][0]["bytes"] == size
    assert run.last_path.is_file()
    done = thriftnet("runs", "gc", "--runs-dir", tmp_path, "--yes")
    assert "removed" in done.out
    assert not run.last_path.exists()
    assert run.finished
    assert run.load_predictions() is not None
    assert cut.last_path.is_file()
    assert "nothing to remove" in thriftnet("runs", "gc", "--runs-dir", tmp_path, "--yes").out


@pytest.mark.parametrize(("answer", "removed"), [("y", True), ("n", False), ("", False)])
def test_person_at_the_terminal_decides(
    thriftnet: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    removed: bool,
) -> None:
    run = make_run(tmp_path / "done")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.confirm", lambda _: answer == "y")
    said = thriftnet("runs", "gc", "--runs-dir", tmp_path).out
    assert run.last_path.exists() != removed
    assert said.endswith("nothing was removed\n") != removed


def test_mistakes(thriftnet: Command, tmp_path: Path) -> None:
    good, unread = make_run(tmp_path / "good"), make_run(tmp_path / "unread", accuracy=None)
    for arguments, told in (
        (["runs", "--runs-dir", tmp_path / "none"], "there is no folder"),
        (["runs", "--runs-dir", tmp_path, "--where", "acuracy>0.9"], "did you mean accuracy?"),
        (["runs", "--runs-dir", tmp_path, "--sort", "sede"], "did you mean seed?"),
        (["runs", "--runs-dir", tmp_path, "--columns", "nmae"], "did you mean name?"),
        (["runs", "gc", "--runs-dir", good.path], "is a run"),
        (["compare", good.path], "takes two runs or more"),
        (["compare", good.path, tmp_path / "none"], "there is no run folder"),
        (["compare", good.path, unread.path], f"run: thriftnet evaluate {unread.path}"),
        (["compare", good.path, good.path, "--tta", "ten"], "not one of none, flip, flip_shift"),
    ):
        outcome = thriftnet(*arguments)
        assert outcome.code == 2
        assert told in outcome.error_line
    assert thriftnet("runs", "--runs-dir", tmp_path, "gc", "--yes").code == 2
    assert good.last_path.is_file()


def test_comparison_without_one_of_its_runs_says_so_by_its_code(
    thriftnet: Command, tmp_path: Path
) -> None:
    runs = [make_run(tmp_path / str(seed), seed=seed).path for seed in range(3)]
    unread = make_run(tmp_path / "unread", seed=9, accuracy=None).path
    outcome = thriftnet("compare", *runs, unread)
    assert outcome.code == 2
    assert f"left out: {unread} was never evaluated" in outcome.error_line
    assert "accuracy of each seed" in outcome.out


@pytest.mark.usefixtures("few_test_images")
def test_a_run_read_in_another_way_keeps_what_it_was_read_in_before(
    thriftnet: Command, finished_run: Path, tmp_path: Path
) -> None:
    """`compare` asks for another way, and must not lose its test over images by it."""
    run = RunFolder(Path(shutil.copytree(finished_run, tmp_path / "run")))
    fast = ("--precision", "fp32")
    thriftnet("evaluate", run.path, "--tta", "flip", *fast)
    before = run.load_predictions()
    thriftnet("evaluate", run.path, "--tta", "flip_shift", *fast)
    after = run.load_predictions()
    assert before is not None
    assert after is not None
    assert (before.logits.keys(), after.logits.keys()) == (
        {"flip", "none"},
        {"flip", "none", "flip_shift"},
    )
    assert (after.logits["flip"] == before.logits["flip"]).all()


def test_terminal_that_cannot_show_a_sign_still_shows_the_rest(tmp_path: Path) -> None:
    make_run(tmp_path / "unread", accuracy=None)
    command = [sys.executable, "-m", "thriftnet", "runs", "--runs-dir", str(tmp_path)]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert "unread" in done.stdout


@pytest.mark.parametrize("command", ["runs", "compare"])
def test_neither_waits_for_torch(tmp_path: Path, command: str) -> None:
    runs = [str(make_run(tmp_path / str(seed), seed=seed).path) for seed in range(2)]
    arguments = ["runs", "--runs-dir", str(tmp_path)] if command == "runs" else ["compare", *runs]
    program = (
        f"import sys; from thriftnet.cli import app; app({arguments!r}, standalone_mode=False);"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "False", done.stderr
