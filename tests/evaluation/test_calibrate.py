"""From a network to its calibrated file: which images, which file, which message."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from calibrated_models import CLASSES, calibration, make_run, model, pictures, view
from rights import read_only
from thriftnet.data import Dataset
from thriftnet.data.opened import open_arrays
from thriftnet.errors import DataError, RunError
from thriftnet.evaluation.calibrate import CalibratedModel, calibrate, remove_calibration
from thriftnet.inference.classifier import load_model
from thriftnet.inference.engine import Engine
from thriftnet.inference.views import VIEWS
from thriftnet.models.calibration import Accepted
from thriftnet.models.saved import read_model, save_model
from thriftnet.runs.folder import RunFolder
from thriftnet.terminal.calibration import print_calibration
from thriftnet.training.images import split_positions
from thriftnet.weights.shipped import weights_file


@pytest.fixture
def train_set(monkeypatch: pytest.MonkeyPatch) -> Dataset:
    """What every run here was trained on: 500 pictures, of which a fifth is held out."""
    found = pictures(500)

    def opened(*_: object, **__: object):
        return open_arrays(found, found, name="cifar10")

    monkeypatch.setattr("thriftnet.evaluation.held_out.open_data", opened)
    return found


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return make_run(tmp_path / "run", model())


def test_a_run_is_calibrated_on_its_validation_images(
    run: RunFolder, train_set: Dataset, capsys: pytest.CaptureFixture[str]
):
    before = load_model(run.path, device="cpu", precision="fp32").probabilities(train_set.images)
    found = calibrate(run.path, precision="fp32")
    assert found.path == run.model_path
    assert (found.calibration.images, found.calibration.source) == (100, "validation")
    assert set(found.calibration.views) == set(VIEWS)
    after = load_model(run.path, device="cpu", precision="fp32").probabilities(train_set.images)
    np.testing.assert_array_equal(before.argmax(1), after.argmax(1))
    # Its classes mean nothing, and it says so afterwards: near a quarter each.
    _, held = split_positions(run.recipe(), train_set)
    right = before[held].argmax(1) == train_set.labels[held]
    assert (
        abs(after[held].max(1).mean() - right.mean())
        < abs(before[held].max(1).mean() - right.mean()) + 0.02
    )
    line = run.metrics()[-1]
    assert (line["kind"], line["images"]) == ("calibration", 100)
    print_calibration("run", found)
    said = capsys.readouterr().out
    assert max(len(line) for line in said.splitlines() if "saved in" not in line) <= 100
    assert "fitted to 100 validation images" in said
    assert "--at-least" not in said  # a network of chance reaches no precision


@pytest.mark.usefixtures("train_set")
def test_progress_counts_the_images_once(run: RunFolder):
    counts: list[tuple[int, int]] = []
    calibrate(
        run.path, precision="fp32", on_progress=lambda done, total: counts.append((done, total))
    )
    assert counts == [(100, 100)]


@pytest.mark.parametrize(("share", "lines"), [(0.0, 1), (0.6, 0)])
def test_a_network_of_chance_is_told(
    run: RunFolder,
    train_set: Dataset,
    monkeypatch: pytest.MonkeyPatch,
    share: float,
    lines: int,
):
    """Where the surest class is never the right one, the logits say nothing of the classes."""
    _, held = split_positions(run.recipe(), train_set)
    labels = train_set.labels[held]
    right = np.arange(len(labels)) < share * len(labels)
    top = np.where(right, labels, (labels + 1) % 4)
    logits = torch.from_numpy(np.eye(4, dtype=np.float32)[top])
    monkeypatch.setattr(Engine, "side_by_side", lambda *_, **__: dict.fromkeys(VIEWS, logits))
    monkeypatch.setattr("thriftnet.evaluation.calibrate.fit_outliers", lambda *_, **__: None)
    told: list[str] = []
    calibrate(run.path, precision="fp32", say=told.append)
    assert len(told) == lines
    assert all("on these 100 images the network is no better than chance" in each for each in told)


def test_the_next_command_takes_the_copy_and_a_precision_that_can_be_shown(
    capsys: pytest.CaptureFixture[str],
):
    shown = view(accepted=(Accepted(threshold=0.9, count=500, right=495),))
    found = CalibratedModel(Path("q.safetensors"), calibration(none=shown), "none")
    print_calibration("quick", found, output=found.path)
    said = capsys.readouterr().out
    assert said.endswith("next: thriftnet predict ./q.safetensors --at-least 0.95 IMAGE...\n")


@pytest.mark.usefixtures("train_set")
def test_fitting_again_gives_the_same_and_removing_brings_the_file_back(
    run: RunFolder,
):
    fresh = run.model_path.read_bytes()
    first = calibrate(run.path, precision="fp32").calibration
    assert calibrate(run.path, precision="fp32").calibration == first
    remove_calibration(run.path)
    assert run.model_path.read_bytes() == fresh


@pytest.mark.usefixtures("train_set")
def test_a_companion_gives_its_map_to_a_network_that_saw_everything(tmp_path: Path):
    whole = make_run(tmp_path / "whole", model(), val_ratio=0)
    digest = whole.recipe().digest()
    save_model(whole.model_path, model(about={"recipe": "smoke", "digest": digest}))
    with pytest.raises(
        RunError, match=r"has no held-out images .* data.val_ratio=0.24 .* --companion"
    ):
        calibrate(whole.path)
    companion = make_run(tmp_path / "companion", model())
    found = calibrate(whole.path, companion=companion.path, precision="fp32").calibration
    assert found.source == "companion"
    assert found.views == calibrate(companion.path, precision="fp32").calibration.views
    assert read_model(whole.model_path).calibration == found


def test_the_remedy_is_a_command_that_holds_enough_images_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Of a recipe that was chosen for pictures, no shipped one has the name."""
    monkeypatch.chdir(tmp_path)
    told: list[str] = []
    for images in (50_000, 500, 200):
        chosen = model(about={"recipe": "photos"})
        run = make_run(Path("runs", f"of-{images}"), chosen, val_ratio=0, images=images)
        with pytest.raises(RunError) as fault:
            calibrate(run.path)
        told.append(str(fault.value))
        for promise in ({"at_least": 0.9}, {"reject_outliers": 0.05}):
            with pytest.raises(RunError) as fault:
                load_model(run.path, **promise)
            remedy = f"run thriftnet calibrate {run.path} first, and {told[-1].partition('; ')[2]}"
            assert str(fault.value).endswith(remedy)
    assert "thriftnet train runs/of-50000/recipe.yaml --set data.val_ratio=0.1 --name" in told[0]
    named = "--name of-500-companion and give it with --companion runs/of-500-companion"
    assert told[1].endswith(f"data.val_ratio=0.24 {named}")
    assert told[2].endswith("give 100 or more labelled images that it never saw with --data PATH")


@pytest.mark.usefixtures("train_set")
def test_a_companion_of_another_recipe_is_refused(tmp_path: Path):
    whole = make_run(tmp_path / "whole", model(about={"recipe": "quick", "digest": "0" * 12}))
    companion = make_run(tmp_path / "companion", model())
    with pytest.raises(RunError, match="has another recipe than the network"):
        calibrate(whole.path, companion=companion.path)


@pytest.mark.usefixtures("train_set")
def test_another_network_is_not_replaced(run: RunFolder, tmp_path: Path):
    """By `-o`; the same one with another calibration is."""
    output = tmp_path / "out.safetensors"
    for _ in range(2):
        calibrate(run.path, output=output, precision="fp32")
    other = weights_file("quick").read_bytes()
    output.write_bytes(other)
    with pytest.raises(RunError, match="exists and is not an earlier output of this command"):
        calibrate(run.path, output=output)
    assert output.read_bytes() == other


def test_shipped_weights_stay_as_they_are(tmp_path: Path):
    with pytest.raises(RunError, match="is part of the package and is not .* --output FILE"):
        calibrate("quick")
    with pytest.raises(RunError, match="is part of the package and is not .* --output FILE"):
        remove_calibration("quick")
    with pytest.raises(RunError, match="quick is not a run with validation images; .* --companion"):
        calibrate("quick", output=tmp_path / "q.safetensors")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("given", "part"),
    [
        (
            pictures(300, classes=("a", "b", "c", "d")),
            "the network has the classes red, .* of the network",
        ),
        (
            pictures(300, classes=CLASSES[:3]),
            "the network has the classes red, .* give images of the network's",
        ),
        (pictures(20), "^20 images of .* are fewer than 100; give more$"),
        (
            replace(pictures(300), labels=np.zeros(300, np.int64)),
            "all 300 images of .* are of one class; give more$",
        ),
    ],
    ids=["names", "number", "few", "one class"],
)
def test_images_that_do_not_serve_are_refused(
    given: Dataset, part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "m.safetensors"
    save_model(path, model())
    content = path.read_bytes()
    monkeypatch.setattr(
        "thriftnet.evaluation.held_out.images_to_test", lambda *_, **__: (given, "other")
    )
    with pytest.raises(DataError, match=part):
        calibrate(path, data=tmp_path)
    assert path.read_bytes() == content


@pytest.mark.usefixtures("train_set")
def test_too_few_validation_images_are_told_as_those_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Before they are classified."""
    monkeypatch.setattr("thriftnet.evaluation.calibrate.fit_calibration", None)
    run = make_run(tmp_path / "run", model(), val_ratio=0.1)
    few = "^52 validation images of .*run are fewer than 100; give labelled images .*val_ratio=0.27"
    with pytest.raises(DataError, match=few):
        calibrate(run.path)
    whole = make_run(tmp_path / "whole", model(), val_ratio=0)
    with pytest.raises(DataError, match="^52 validation images of .*run are fewer than 100"):
        calibrate(whole.path, companion=run.path)


def test_images_that_judge_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "m.safetensors"
    save_model(path, model())
    monkeypatch.setattr(
        "thriftnet.evaluation.held_out.images_to_test", lambda *_, **__: (pictures(300), "test")
    )
    with pytest.raises(DataError, match="holds the test images of .* reserved for evaluation"):
        calibrate(path, data=tmp_path)


def test_an_exported_folder_is_left_as_it_is(tmp_path: Path):
    """transformers takes the calibration from its config.json."""
    path = tmp_path / "hub" / "model.safetensors"
    path.parent.mkdir()
    save_model(path, model())
    (path.parent / "config.json").write_text('{"model_type": "thriftnet"}')
    for target in (path, path.parent):
        for change in (calibrate, remove_calibration):
            with pytest.raises(RunError, match="is an exported folder, whose config.json has .*ag"):
                change(target)
    assert remove_calibration(path, tmp_path / "m.safetensors").is_file()


def test_a_damaged_environment_does_not_hide_that_the_images_are_others(
    tmp_path: Path, train_set: Dataset
):
    own = replace(model(), about={"recipe": "x", "data": {"sha256": "0" * 64}})
    run = make_run(tmp_path / "run", own)
    run.environment_path.write_text("{")
    with pytest.raises(DataError, match="was trained on other images than .* holds now"):
        calibrate(run.path, precision="fp32")
    assert len(train_set) == 500


def test_a_run_that_may_only_be_read_is_refused_before_the_work(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("thriftnet.evaluation.calibrate.held_out_images", None)
    with read_only(run.path), pytest.raises(RunError, match="cannot be written: Permission denied"):
        calibrate(run.path)
