"""What W&B keeps of a run offline is what the run's own lines say, each thing once."""

from __future__ import annotations

import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import thriftnet
from commands import Command
from shown import Interrupt, Train, lines_of
from shown_wandb import offline
from thriftnet.runs.tracked import wandb_record

pytestmark = pytest.mark.skipif(find_spec("wandb") is None, reason="wandb is not installed")


@pytest.fixture(autouse=True)
def stays_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [each for each in os.environ if each.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    for name in ("WANDB__SERVICE_WAIT", "WANDB_INIT_TIMEOUT"):  # as long as a busy machine takes
        monkeypatch.setenv(name, "300")
    for name in ("WANDB_CONFIG_DIR", "WANDB_CACHE_DIR", "WANDB_DATA_DIR", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))


@pytest.fixture
def runs_dir(tmp_path: Path) -> Path:
    """Without the store that MLflow needs."""
    (tmp_path / "runs").mkdir()
    return tmp_path / "runs"


def test_a_run_that_is_interrupted_resumed_and_tested_is_there_once(
    train: Train, runs_dir: Path
) -> None:
    run = train("wandb", progress=Interrupt())
    assert offline(runs_dir, sittings=1).exits == [130]
    train("wandb", resume=True)
    shown, lines = offline(runs_dir, sittings=2), lines_of(run, "epoch")
    (run_id,) = shown.ids
    kept = wandb_record(run)
    assert kept is not None
    assert (kept.run_id, kept.step) == (run_id, lines[-1]["step"])
    assert [row["_step"] for row in shown.history] == list(range(1, lines[-1]["step"] + 1))
    assert all("gradient_norm" in row for row in shown.history)
    ends = [row for row in shown.history if "loss/train" in row]
    assert [row["_step"] for row in ends] == [line["step"] for line in lines]
    for key, name in {"train_loss": "loss/train", "val_accuracy": "accuracy/validation"}.items():
        assert [row[name] for row in ends] == [line[key] for line in lines]
    assert shown.summary["end/pflop"] == lines_of(run, "end")[0]["pflop"]
    assert shown.config["optim.lr"] == 0.01
    assert not [name for name in shown.summary if name.startswith("test")]  # not evaluated yet

    thriftnet.evaluate(run.path)
    thriftnet.track(run.path, ["wandb"])
    shown, (chosen, _) = offline(runs_dir, sittings=3), lines_of(run, "test")
    assert shown.ids == {run_id}
    assert shown.exits == [130, 0, 0]
    assert shown.summary["test/accuracy"] == chosen["accuracy"]
    assert len(shown.history) == lines[-1]["step"]


def test_the_command_prints_its_own_lines_alone(command: Command, runs_dir: Path) -> None:
    from small import small_recipe

    recipe = runs_dir.parent / "small.yaml"
    recipe.write_text(small_recipe().to_yaml())
    options = ("--runs-dir", runs_dir, "--name", "one", "--track", "wandb", "--json")
    done = command("train", recipe, *options)
    assert (done.code, done.err) == (0, "")
    assert all(json.loads(line)["kind"] for line in done.out.splitlines())
    assert "test/accuracy" in offline(runs_dir, sittings=2).summary


def test_nobody_logged_in_is_told_before_training(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import wandb

    monkeypatch.setenv("WANDB_MODE", "online")
    wandb.teardown()
    place = tmp_path / "new"
    outcome = command("train", "smoke", "--runs-dir", place, "--track", "wandb")
    wandb.teardown()
    assert outcome.code == 2
    assert "W&B is not logged in; run: wandb login; or set WANDB_MODE=offline" in outcome.error_line
    assert not place.exists()


def test_a_missing_package_names_its_extra(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "thriftnet.tracking.wandb_runs", raising=False)
    monkeypatch.setitem(sys.modules, "wandb", None)
    outcome = command("train", "smoke", "--runs-dir", tmp_path / "new", "--track", "wandb")
    assert outcome.code == 2
    assert outcome.error_line.endswith(
        "tracking with wandb needs the package wandb; run: pip install 'thriftnet[wandb]'"
    )
