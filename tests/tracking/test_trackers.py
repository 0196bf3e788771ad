"""What TensorBoard and MLflow show of a run is what its own lines say, each thing once."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import thriftnet
from commands import Command
from shown import (
    SHOWN,
    Interrupt,
    Train,
    in_mlflow,
    in_tensorboard,
    lines_of,
    mlflow_runs,
    opened_events,
    twice,
)
from small import small_recipe
from thriftnet.errors import RunError
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.metrics_log import MetricRecord, step_figures
from thriftnet.runs.tracked import event_files, mlflow_run, save_mlflow_run
from thriftnet.training.progress import Quiet, StepStats

# MLflow's own use of SQLAlchemy.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")
BOTH = pytest.mark.parametrize("tracker", SHOWN)


@BOTH
def test_what_is_shown_is_what_the_lines_say(train: Train, tracker: str) -> None:
    run = train(tracker)
    epochs, (end,) = lines_of(run, "epoch"), lines_of(run, "end")
    shown = SHOWN[tracker](run)
    for key, name in (
        ("train_loss", "loss/train"),
        ("val_loss", "loss/validation"),
        ("train_accuracy", "accuracy/train"),
        ("val_accuracy", "accuracy/validation"),
        ("learning_rate", "learning_rate"),
        ("images_per_second", "images_per_second"),
        ("train_cross_entropy", "loss/train_cross_entropy"),
        ("memory_bytes", "memory_bytes"),
        ("cpu_share", "cpu_share"),
    ):
        steps, values = zip(*shown[name], strict=True)
        assert list(steps) == [line["step"] for line in epochs]
        assert list(values) == pytest.approx([line[key] for line in epochs], rel=1e-6)
    for at, name in ((1, "loss/step"), (2, "gradient_norm")):
        by_step = [(row[0], row[at]) for line in epochs for row in step_figures(line)]
        assert [step for step, _ in by_step] == list(range(1, end["step"] + 1))
        assert shown[name] == [(step, pytest.approx(value, rel=1e-6)) for step, value in by_step]
    assert shown["end/pflop"] == [(end["step"], pytest.approx(end["pflop"], rel=1e-6))]
    assert not [name for name in shown if name.startswith("test")]  # not read yet

    thriftnet.evaluate(run.path)
    for _ in range(2):  # what is shown is not shown again
        thriftnet.track(run.path, [tracker])
    shown = SHOWN[tracker](run)
    chosen, other = lines_of(run, "test")
    assert other["tta"] == "none"
    low, high = chosen["accuracy_interval"]
    values = {"accuracy": chosen["accuracy"], "accuracy_low": low, "accuracy_high": high}
    for key, value in values.items():
        assert shown[f"test/{key}"] == [(end["step"], pytest.approx(value))]
    assert shown["test_without_tta/loss"] == [(end["step"], pytest.approx(other["loss"]))]
    assert len(shown["loss/train"]) == len(epochs)
    assert twice(shown) == []


class Broken(Quiet):
    """Ends the process, so to say, when an epoch is told and its checkpoint is not written."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch

    def line(self, line: MetricRecord) -> None:
        def refuse(*_: object) -> None:
            raise RunError("the disk is full")

        if line.get("epoch") == 2:
            self.monkeypatch.setattr(RunFolder, "save_state", refuse)


@BOTH
def test_resumed_run_is_shown_once(
    train: Train, tracker: str, monkeypatch: pytest.MonkeyPatch, runs_dir: Path
) -> None:
    monkeypatch.setattr("thriftnet.training.checkpoints._SHARE", 1e6)  # one after every epoch
    with monkeypatch.context() as broken, pytest.raises(RunError):
        train(tracker, progress=Broken(broken))
    run = RunFolder.open(runs_dir / "small-run")
    opened = opened_events(run).Reload()
    assert len(SHOWN[tracker](run)["loss/train"]) == 2

    train(tracker, resume=True)  # epoch 2 again, from the checkpoint of epoch 1
    steps = [line["step"] for line in lines_of(run, "epoch")]
    shown = SHOWN[tracker](run)
    assert [step for step, _ in shown["loss/train"]] == steps
    assert len(steps) == 3
    assert twice(shown) == []
    if tracker == "tensorboard":  # one that was open all the time
        assert twice(in_tensorboard(run, opened)) == []
        assert len(in_tensorboard(run, opened)["loss/train"]) == 3


@pytest.mark.parametrize("kept", [0, 20, -7, -200])
def test_torn_event_file_is_made_whole(train: Train, kept: int) -> None:
    run = train("tensorboard")
    before = in_tensorboard(run)
    (events,) = event_files(run)
    events.write_bytes(events.read_bytes()[:kept])
    thriftnet.track(run.path, ["tensorboard"])
    assert in_tensorboard(run) == before


@BOTH
def test_run_that_began_without_a_tracker_is_shown_whole(train: Train, tracker: str) -> None:
    run = train(progress=Interrupt())
    assert not run.finished
    assert event_files(run) == []
    assert mlflow_run(run) is None
    train(tracker, resume=True)
    assert len(SHOWN[tracker](run)["accuracy/train"]) == 3


@BOTH
def test_the_recipe_is_there_as_parameters(train: Train, tracker: str) -> None:
    from tensorboard.plugins.hparams import metadata

    run = train(tracker)
    if tracker == "mlflow":
        (found,) = mlflow_runs(run.path.parent / "mlflow.db")
        shown = found.data.params
        assert found.info.run_name == "small-run"
        assert found.data.tags["thriftnet.digest"] == small_recipe().digest()
    else:
        (content,) = [
            metadata.parse_session_start_info_plugin_data(data)
            for data in opened_events(run).Reload().PluginTagToContent("hparams").values()
        ]
        fields = {key: value.WhichOneof("kind") for key, value in content.hparams.items()}
        shown = {
            key: str(getattr(content.hparams[key], kind or "")) for key, kind in fields.items()
        }
    assert shown["optim.name"] == "adamw"
    assert float(shown["optim.lr"]) == 0.01
    assert json.loads(shown["model.channels"]) == [4, 8]
    assert float(shown["train_images"]) == 50
    assert len(shown) > 40


def test_mlflow_knows_how_a_run_ended(train: Train) -> None:
    run = train("mlflow", progress=Interrupt())
    store = run.path.parent / "mlflow.db"
    assert mlflow_runs(store)[0].info.status == "KILLED"
    while_it_trains: list[str] = []

    class Look(Quiet):
        def step(self, stats: StepStats) -> None:
            del stats
            while_it_trains.append(mlflow_runs(store)[0].info.status)

    train("mlflow", resume=True, progress=Look())
    assert while_it_trains[0] == "RUNNING"  # minutes may pass until the next epoch ends
    (found,) = mlflow_runs(store)
    assert found.info.status == "FINISHED"
    took = (found.info.end_time - found.info.start_time) / 1000
    assert took == pytest.approx(lines_of(run, "end")[0]["seconds"], abs=0.01)


@pytest.mark.parametrize("kind", ["evaluation", "robustness", "calibration"])
def test_a_later_evaluation_leaves_a_run_finished_in_mlflow(train: Train, kind: str) -> None:
    """Its line is the last one of the metrics, and MLflow showed the run as running again."""
    run = train("mlflow")
    run.append({"kind": kind, "tta": "none"})
    thriftnet.track(run.path, ["mlflow"])
    (found,) = mlflow_runs(run.path.parent / "mlflow.db")
    assert found.info.status == "FINISHED"


def test_mlflow_run_that_was_deleted_is_made_anew(train: Train) -> None:
    run = train("mlflow")
    save_mlflow_run(run, "0" * 32)
    thriftnet.track(run.path, ["mlflow"])
    assert len(mlflow_runs(run.path.parent / "mlflow.db")) == 2
    assert mlflow_run(run) != "0" * 32


def test_mlflow_goes_where_its_variable_says(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runs_dir: Path
) -> None:
    store = (runs_dir / "mlflow.db").rename(tmp_path / "elsewhere.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{store}")
    train("mlflow")
    assert [found.info.run_name for found in mlflow_runs(store)] == ["small-run"]
    assert not (runs_dir / "mlflow.db").exists()


def test_command_shows_the_test_figures_too(
    command: Command, tmp_path: Path, runs_dir: Path
) -> None:
    recipe = tmp_path / "small.yaml"
    recipe.write_text(small_recipe().to_yaml())
    options = ("--runs-dir", runs_dir, "--name", "one", "--track", "tensorboard", "--track")
    outcome = command("train", recipe, *options, "mlflow")
    assert (outcome.code, outcome.err) == (0, "")
    run = RunFolder.open(runs_dir / "one")
    test = lines_of(run, "test")[0]
    for shown in (in_tensorboard(run), in_mlflow(run)):
        assert shown["test/accuracy"] == [(12, pytest.approx(test["accuracy"]))]
        assert twice(shown) == []


def test_an_event_file_of_gigabytes_is_not_read(train: Train) -> None:
    run = train("tensorboard")
    before = in_tensorboard(run)
    (events,) = event_files(run)
    os.truncate(events, 2**36)  # of holes
    thriftnet.track(run.path, ["tensorboard"])
    assert in_tensorboard(run) == before
    assert [path.stat().st_size for path in event_files(run)[:-1]] == [0]
