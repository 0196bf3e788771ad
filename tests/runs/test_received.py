"""Run folders that were received: links, bombs, and text where figures are expected."""

import io
import json
import math
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest

from made_runs import make_run
from thriftnet.errors import RunError
from thriftnet.runs.cleanup import find_superseded, remove_superseded, superseded
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.listing import read_run
from thriftnet.runs.live import read_live_run
from thriftnet.runs.lock import find_writer, writing
from thriftnet.runs.metrics_log import MetricRecord, append_line, parse_line, read_lines
from thriftnet.runs.predictions import Predictions
from thriftnet.runs.tracked import event_files
from thriftnet.terminal.watch import live_lines
from thriftnet.tracking.event_files import EventFiles
from thriftnet.tracking.points import read_points


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return make_run(tmp_path / "received")


@pytest.mark.parametrize(
    "name", ["metrics.jsonl", "status.new", "checkpoints/last.pt", "report.html"]
)
def test_a_run_with_a_link_is_not_opened(run: RunFolder, tmp_path: Path, name: str):
    own = tmp_path / "own"
    own.write_text("mine")
    (run.path / name).unlink(missing_ok=True)
    (run.path / name).symlink_to(own)
    with pytest.raises(RunError, match="is a link; a run's files have to be its own"):
        RunFolder.open(run.path)
    assert read_run(run).value("state") == "damaged"
    assert superseded(run) == []
    assert own.read_text() == "mine"


def test_checkpoints_behind_a_link_are_not_removed(run: RunFolder, tmp_path: Path):
    victim = make_run(tmp_path / "victim")
    for path in run.checkpoints():
        path.unlink()
    run.last_path.parent.rmdir()
    run.last_path.parent.symlink_to(victim.last_path.parent)
    link = tmp_path / "link"
    link.symlink_to(victim.path)
    found = find_superseded([run, RunFolder(link)])
    assert remove_superseded(found) == 0
    assert victim.last_path.is_file()
    with pytest.raises(RunError, match="checkpoints is a link"):
        run.checkpoints()


def test_a_line_is_not_written_through_another_name_of_the_file(run: RunFolder, tmp_path: Path):
    other = tmp_path / "other"
    os.link(run.metrics_path, other)
    before = other.read_bytes()
    append_line(run.metrics_path, {"kind": "test"})
    assert other.read_bytes() == before
    assert run.metrics()[-1] == {"kind": "test"}


def test_nothing_is_written_through_another_name_of_a_file(run: RunFolder, tmp_path: Path):
    """An archive may hold such names, and unpacking makes them."""
    own = tmp_path / "own"
    own.write_text("mine")
    event = run.path / "events.out.tfevents.1.thriftnet"
    for path in (run.lock_path, run.status_path.with_suffix(".new"), event):
        path.unlink(missing_ok=True)
        os.link(own, path)
    with writing(run):
        assert find_writer(run)
        with pytest.raises(RunError, match="is being trained"), writing(run, wait=0.1):
            pass
    run.save_status({"epoch": 1})
    assert run.status()[0] == {"epoch": 1}
    EventFiles().update(run)
    assert len(event_files(run)) == 2
    assert event.read_bytes() == b""  # TensorBoard waits for it
    assert own.read_text() == "mine"


@pytest.mark.parametrize("text", ["[" * 100_000, "9" * 5000, '{"a": ' * 50_000, "nul", "[]"])
def test_lines_of_any_shape_are_damaged_or_objects(text: str, tmp_path: Path):
    assert parse_line(text) is None
    path = tmp_path / "metrics.jsonl"
    path.write_text(f"{text}\n{json.dumps({'kind': 'end'})}\n")
    with pytest.raises(RunError, match="damaged in line 1"):
        read_lines(path)


def test_metrics_of_gigabytes_are_not_read(run: RunFolder):
    with run.metrics_path.open("r+b") as file:
        file.truncate(2**33)
    with pytest.raises(RunError, match="it has more than"):
        run.metrics()


def test_predictions_that_unpack_to_gigabytes_are_refused():
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("labels.npy", bytes(60_000_000))
    with pytest.raises(ValueError, match="it unpacks to 60,000,000 bytes"):
        Predictions.from_bytes(content.getvalue())


ODD = ["x", None, [], {}, [1], True, 1e999, -1, 10**30, float("nan")]
STATUS = {"epoch": 1, "epochs": 2, "share": 0.5, "seconds_left": 5.0, "loss": 1.0, "accuracy": 0.5}
EPOCH = {"kind": "epoch", "epoch": 1, "epochs": 2, "step": 4, "train_loss": 2.0, "seconds": 1.0}
EPOCH |= {"train_accuracy": 0.1, "learning_rate": 0.1, "images_per_second": 9.0}


@pytest.mark.parametrize("odd", ODD, ids=str)
@pytest.mark.parametrize("line", [EPOCH, {"kind": "test", "tta": "flip", "accuracy": 0.5}])
def test_anything_in_place_of_a_figure_is_shown_or_left_out(
    run: RunFolder, line: MetricRecord, odd: Any
):
    run.model_path.unlink()
    before = run.metrics_path.read_bytes()
    for key in line:
        run.metrics_path.write_bytes(before + json.dumps(line | {key: odd}).encode() + b"\n")
        for told in STATUS:
            run.status_path.write_text(json.dumps(STATUS | {told: odd}))
            assert live_lines(read_live_run(run.path), width=80)
            assert read_run(run).value("name") == "received"


@pytest.mark.parametrize("odd", ODD, ids=str)
def test_anything_in_place_of_a_figure_is_no_point(run: RunFolder, odd: Any):
    before = run.metrics_path.read_bytes()
    test = {"kind": "test", "tta": "none", "accuracy": 0.5, "accuracy_interval": [0.4, 0.6]}
    for line in (EPOCH, test, {"kind": "end", "step": 4, "seconds": 1.0}):
        for key in line:
            run.metrics_path.write_bytes(before + json.dumps(line | {key: odd}).encode() + b"\n")
            assert all(math.isfinite(point.value) for point in read_points(run))
