"""Pictures of a user's own from a folder to a network, and everything that is done with it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from safetensors import safe_open

import thriftnet
from own_pictures import picture, put
from small import small_recipe
from thriftnet.errors import DataError, RunError
from thriftnet.runs.folder import RunFolder
from thriftnet.training.progress import Quiet
from thriftnet.training.resume import resume_run
from thriftnet.training.start import start_run

pytestmark = pytest.mark.usefixtures("svg_alone")


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("THRIFTNET_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return put(tmp_path / "photos", {"cat": 15, "dog": 15, "emu": 15})


def train(photos: Path, name: str, **sections: object) -> RunFolder:
    settings = {"data": {"val_ratio": 0.2, "image_size": 64}, "train": {"epochs": 8}, **sections}
    recipe = small_recipe(**settings)
    run = thriftnet.train(recipe, data=photos, name=name, quiet=True)
    return RunFolder.open(run.path)


def test_from_a_folder_to_predictions_and_a_report(photos: Path) -> None:
    run = train(photos, "mine")
    evaluation = thriftnet.evaluate(run.path)
    assert evaluation.chosen.images == 9  # of 45, a fifth is held out
    assert evaluation.not_kept is None
    assert evaluation.accuracy > 0.5  # each class has its colour
    with safe_open(run.model_path, "numpy") as file:
        facts = json.loads(file.metadata()["thriftnet"])
    assert (facts["classes"], facts["image_size"]) == (["cat", "dog", "emu"], 64)
    assert facts["about"]["data"] == run.environment()["data"]
    model = thriftnet.load_model(run.path)
    new = put(photos.parent / "new", {"dog": 3}, start=500, ending="jpg")
    assert {one.label for one in thriftnet.predict(model, new)} <= {"cat", "dog", "emu"}
    report = thriftnet.write_report(run.path)
    page = report.page.read_text() if hasattr(report, "page") else run.report_path.read_text()
    assert "cat" in page
    assert run.recipe().data.dataset == str(photos)  # so that later commands need no --data


def test_other_pictures_of_its_classes_are_all_used(photos: Path) -> None:
    run = train(photos, "mine", train={"epochs": 1})
    thriftnet.evaluate(run.path)
    other = put(photos.parent / "other", {"cat": 4, "emu": 3}, start=900)
    evaluation = thriftnet.evaluate(run.path, data=other)
    assert evaluation.chosen.images == 7
    assert evaluation.data.startswith("other@")  # kept beside its own test split's figures
    put(other, {"yak": 2})
    with pytest.raises(DataError, match=r"yak/0.png is of the class yak, which the network lacks"):
        thriftnet.evaluate(run.path, data=other)
    with pytest.raises(DataError, match=r"give pictures with --data PATH"):
        thriftnet.evaluate(run.model_path)


@pytest.mark.parametrize("fit", ["pad", "squash"])
def test_the_model_keeps_how_pictures_become_square(photos: Path, fit: str) -> None:
    run = train(photos, fit, data={"image_size": 32, "fit": fit}, train={"epochs": 1})
    assert thriftnet.load_model(run.path).model.fit == fit


def test_resuming_goes_on_with_the_same_images_alone(photos: Path, tmp_path: Path) -> None:
    recipe = small_recipe(data={"image_size": 32})
    paths = {}
    for name, until in (("whole", None), ("cut", 1)):
        options = {"name": name, "runs_dir": tmp_path, "data": photos, "progress": Quiet()}
        paths[name] = start_run(recipe, until=until, **options).path
    first = photos / "cat" / "0.png"
    content = first.read_bytes()
    picture("cat", 77).save(first)
    with pytest.raises(RunError, match=r"was trained on other images than .*photos holds now"):
        resume_run(paths["cut"], progress=Quiet())
    first.write_bytes(content)
    assert resume_run(paths["cut"], progress=Quiet()).finished
    whole, cut = (RunFolder(path).model_path.read_bytes() for path in paths.values())
    assert whole == cut


def test_a_validation_split_of_their_own_is_used(photos: Path) -> None:
    folder = photos.parent / "splits"
    put(folder / "train", {"cat": 8, "dog": 8})
    put(folder / "valid", {"cat": 3, "dog": 2}, start=100)
    put(folder / "test", {"cat": 2, "dog": 2}, start=200)
    run = train(folder, "own", data={"val_ratio": 0.0}, train={"epochs": 1, "batch_size": 8})
    start = next(line for line in run.metrics() if line["kind"] == "start")
    assert (start["train_images"], start["val_images"]) == (16, 5)
    assert thriftnet.evaluate(run.path).chosen.images == 4


def test_strict(photos: Path) -> None:
    (photos / "cat" / "0.png").write_text("no picture")
    with pytest.raises(DataError, match=r"1 left out: cat/0.png"):
        thriftnet.train(small_recipe(), data=photos, strict=True, quiet=True)
