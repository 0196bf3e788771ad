"""Trackers that are not there, and trackers that fail: no training is lost to one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import thriftnet
from commands import Command
from shown import SHOWN, Train, lines_of
from small import small_recipe
from thriftnet.errors import TrackingError
from thriftnet.runs.metrics_log import MetricRecord
from thriftnet.runs.tracked import event_files
from thriftnet.training.progress import Quiet

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")


@pytest.mark.parametrize("tracker", SHOWN)
def test_missing_package_is_told_before_training(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tracker: str
) -> None:
    imported = (f"{tracker}.", "thriftnet.tracking.event_files", "thriftnet.tracking.mlflow_runs")
    for module in [name for name in sys.modules if name.startswith(imported)]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, tracker, None)
    monkeypatch.chdir(tmp_path)
    outcome = command("train", "smoke", "--track", tracker)
    assert outcome.code == 2
    assert f"tracking with {tracker} needs the package {tracker}" in outcome.error_line
    assert outcome.error_line.endswith("run: pip install 'thriftnet[track]'")
    assert list(tmp_path.iterdir()) == []


def test_unknown_tracker(command: Command, tmp_path: Path) -> None:
    outcome = command("train", "smoke", "--runs-dir", tmp_path, "--track", "comet")
    assert outcome.code == 2
    assert "there is no tracker 'comet'; use tensorboard, mlflow or wandb" in outcome.error_line
    assert list(tmp_path.iterdir()) == []


def test_server_that_is_not_there_is_told_before_training(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@127.0.0.1:9")
    outcome = command("train", "smoke", "--runs-dir", tmp_path, "--track", "mlflow")
    assert outcome.code == 2
    store = "MLflow's store http://127.0.0.1:9 cannot be used"
    assert f"{store} (its server does not answer)" in outcome.error_line
    assert "unset MLFLOW_TRACKING_URI to keep a local store" in outcome.error_line
    assert list(tmp_path.iterdir()) == []


def break_events(folder: Path) -> None:
    (events,) = folder.glob("small-run/events*")
    events.unlink()
    events.mkdir()


def break_store(folder: Path) -> None:
    (folder / "mlflow.db").write_bytes(b"no database\n" * 1000)


BREAK = {"tensorboard": break_events, "mlflow": break_store}


class BreakAfter(Quiet):
    """Breaks a tracker's file once an epoch was shown."""

    def __init__(self, folder: Path, tracker: str) -> None:
        self.folder, self.tracker = folder, tracker

    def line(self, line: MetricRecord) -> None:
        if line.get("epoch") == 2:
            BREAK[self.tracker](self.folder)


@pytest.mark.parametrize("tracker", SHOWN)
def test_tracker_that_fails_on_the_way_costs_one_line(
    train: Train, runs_dir: Path, tracker: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (other,) = SHOWN.keys() - {tracker}
    run = train(tracker, other, progress=BreakAfter(runs_dir, tracker))
    assert run.finished
    assert len(lines_of(run, "epoch")) == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"thriftnet: tracking with {tracker} stopped (")
    assert line.endswith(f"thriftnet train --resume {run.path} --track {tracker}")
    assert len(SHOWN[other](run)["loss/train"]) == 3

    if tracker == "tensorboard":  # once the disk is well again
        event_files(run)[0].rmdir()
        thriftnet.track(run.path, [tracker])
        assert len(SHOWN[tracker](run)["loss/train"]) == 3
    else:
        with pytest.raises(TrackingError, match="tracking with mlflow stopped"):
            thriftnet.track(run.path, [tracker])


def test_command_that_loses_a_tracker_ends_well(
    command: Command, runs_dir: Path, tmp_path: Path
) -> None:
    break_store(runs_dir)
    recipe = tmp_path / "small.yaml"
    recipe.write_text(small_recipe().to_yaml())
    options = ("--runs-dir", runs_dir, "--name", "one", "--track", "mlflow", "--json")
    outcome = command("train", recipe, *options)
    assert outcome.code == 0
    assert json.loads(outcome.out.splitlines()[-1])["kind"] == "summary"
    assert "tracking with mlflow stopped" in outcome.error_line


def test_training_without_trackers_imports_none() -> None:
    code = (
        "import sys, tempfile\n"
        "from small import opened, small_recipe\n"
        "import thriftnet\n"
        "from thriftnet.training import start\n"
        "start.open_data = lambda *_, **__: opened()\n"
        "with tempfile.TemporaryDirectory() as folder:\n"
        "    run = thriftnet.train(small_recipe(), runs_dir=folder, quiet=True)\n"
        "print(run.finished, {'tensorboard', 'mlflow', 'wandb'} & set(sys.modules))"
    )
    path = str(Path(__file__).parent.parent / "support" / "made")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"import sys; sys.path.append({path!r})\n{code}"],
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "True set()", done.stderr
