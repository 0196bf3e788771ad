"""What is done with a network of one's own pictures after training, and odd class names."""

from __future__ import annotations

import csv
import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

import thriftnet
from commands import Command, in_this_process
from own_pictures import picture, put
from small import small_recipe
from thriftnet.runs.folder import RunFolder
from thriftnet.training.start import start_run
from tiny import TINY

pytestmark = pytest.mark.usefixtures("svg_alone")
ODD = ("a, b", 'the "best"', "=1+1", "كلب", "狗", "Ünïcode")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("THRIFTNET_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return in_this_process(monkeypatch, capsys)


def train(photos: Path, name: str, **sections: object) -> RunFolder:
    data = {"val_ratio": 0.2, "image_size": 32}
    settings = {"data": data, "train": {"epochs": 1}, **sections}
    run = thriftnet.train(small_recipe(**settings), data=photos, name=name, quiet=True)
    thriftnet.evaluate(run.path, data=photos)
    return RunFolder.open(run.path)


def test_moved_pictures_are_compared_and_evaluated_and_changed_ones_told(
    place: Path, run_command: Command
) -> None:
    photos = put(place / "photos", {"cat": 20, "dog": 10})
    first = train(photos, "first")
    shutil.move(photos, place / "elsewhere")
    second = train(place / "elsewhere", "second", seed=1)
    compared = run_command("compare", first.path, second.path)
    assert compared.code == 0
    assert "different data" not in compared.out

    gone = run_command("evaluate", first.path)
    assert gone.code == 2
    assert "--data PATH" in gone.error_line
    moved = run_command("evaluate", first.path, "--data", place / "elsewhere")
    assert moved.code == 0
    assert "6 test images" in moved.out

    picture("cat", 99).save(place / "elsewhere" / "cat" / "99.png")
    changed = run_command("evaluate", second.path)
    assert changed.code == 0
    assert "has changed since the training: the result is saved as elsewhere@" in changed.err
    assert "may have been trained on" in changed.err
    (place / "link").symlink_to("elsewhere")
    for same in (place / "link", Path("photos/../elsewhere"), Path("elsewhere")):
        (place / "photos").mkdir(exist_ok=True)
        again = run_command("evaluate", second.path, "--data", same)
        assert "has changed since the training" in again.err, same  # not all of it as new pictures
    third = train(place / "elsewhere", "third")
    differing = run_command("compare", second.path, third.path)
    assert differing.code == 2
    assert "have different training data" in differing.err


def test_a_training_goes_on_where_its_pictures_were_moved_to(
    place: Path, run_command: Command
) -> None:
    photos = put(place / "photos", {"cat": 20, "dog": 10})
    recipe = small_recipe(data={"image_size": 32})
    models: list[bytes] = []
    for name, until in (("whole", None), ("cut", 1)):
        run = start_run(recipe, name=name, runs_dir=place, data=photos, until=until)
        if until:
            shutil.move(photos, place / "elsewhere")
            lost = run_command("train", "--resume", run.path)
            assert lost.code == 2
            assert "--data PATH" in lost.error_line
            resumed = run_command("train", "--resume", run.path, "--data", place / "elsewhere")
            assert resumed.code == 0, resumed.err
        models.append(RunFolder.open(run.path).model_path.read_bytes())
    assert models[0] == models[1]
    assert run_command("watch", place / "cut").code == 0
    page = run_command("report", place / "cut", "--data", place / "elsewhere")
    assert page.code == 0
    assert "is not on this machine" not in (place / "cut" / "report.html").read_text("utf-8")


def test_imbalance_is_told_wherever_figures_are(place: Path, run_command: Command) -> None:
    photos = put(place / "photos", {"cat": 40, "dog": 10})
    recipe = place / "mine.yaml"
    tree = small_recipe(data={"balance": "sampling", "image_size": 32}).model_dump(mode="json")
    recipe.write_text(yaml.safe_dump(tree))
    trained = run_command("train", recipe, "--data", photos, "--name", "mine")
    assert trained.code == 0, trained.err
    assert "balanced        " in trained.out
    evaluated = run_command("evaluate", "runs/mine")
    for part in ("balanced accuracy", "precision", "recall 95%", "4.0 times"):
        assert part in evaluated.out
    assert max(map(len, evaluated.out.splitlines())) <= 80
    found = json.loads(run_command("evaluate", "runs/mine", "--json").out)
    assert found["classes"]["dog"]["images"] == 2
    assert set(found["by_tta"]["none"]) >= {"accuracy", "balanced_accuracy"}
    listed = run_command("runs", "--columns", "name,balanced_accuracy", "--json")
    (row,) = json.loads(listed.out)
    assert row["balanced_accuracy"] == found["balanced_accuracy"]
    kept = run_command("runs", "--where", "balanced_accuracy>=0", "--columns", "balanced_accuracy")
    assert f"{found['balanced_accuracy']:.4f}" in kept.out
    assert run_command("report", "runs/mine").code == 0
    page = (place / "runs" / "mine" / "report.html").read_text("utf-8")
    for part in ("Balanced accuracy", "precision, 95%", "Recall, precision and F1 by class"):
        assert part in page
    assert (".png" in page) == (found["accuracy"] < 1)  # files of the mistakes


def test_odd_class_names_come_through(place: Path, run_command: Command) -> None:
    photos = place / "photos"
    rows: list[tuple[str, str]] = []
    (photos / "images").mkdir(parents=True)
    for label in ODD:
        for number in range(10):
            path = f"images/{len(rows)}.png"
            picture(label, number).save(photos / path)
            rows.append((path, label))
    with (photos / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("file", "label"), *rows])
    run = train(photos, "odd")
    assert set(run.model_facts().classes) == set(ODD)
    evaluated = run_command("evaluate", run.path)
    assert evaluated.code == 0
    for label in ODD:
        assert label[:4] in evaluated.out
    found = json.loads(run_command("evaluate", run.path, "--json").out)
    assert set(found["classes"]) == set(ODD)
    predicted = run_command("predict", run.path, photos / "images", "-o", "out.csv")
    assert predicted.code == 0
    with (place / "out.csv").open(encoding="utf-8", newline="") as file:
        labels = {row["label"].removeprefix("'") for row in csv.DictReader(file)}
    assert labels <= set(ODD)
    assert run_command("report", run.path).code == 0
    assert run_command("inspect", photos, "-o", "page.html").code == 0


def test_a_pickle_of_pictures_of_another_size(place: Path, run_command: Command) -> None:
    run = train(put(place / "photos", {"cat": 10, "dog": 10}), "mine")
    for size in ((48, 20), (32, 32), (9, 9)):
        images = np.stack([np.array(picture("cat", n, size=size)) for n in range(3)])
        (place / "new.pkl").write_bytes(pickle.dumps({"data": images, "ids": [5, 6, 7]}))
        predicted = run_command("predict", run.path, "new.pkl")
        assert predicted.code == 0, predicted.err
        assert [line.split(",")[0] for line in predicted.out.splitlines()] == ["ID", "5", "6", "7"]
    alone = run_command("predict", run.path, place / "photos" / "cat" / "0.png", "--json")
    picture("cat", 0).save(place / "same.png")
    (row,) = json.loads(alone.out)
    assert row["label"] in ("cat", "dog")


def test_pictures_of_which_none_can_be_held_out(place: Path, run_command: Command) -> None:
    photos = put(place / "photos", {"cat": 8, "dog": 8})
    recipe = place / "mine.yaml"
    tree = small_recipe(data={"image_size": 32, "test_ratio": 0.0}, train={"epochs": 1})
    recipe.write_text(yaml.safe_dump(tree.model_dump(mode="json")))
    trained = run_command("train", recipe, "--data", photos, "--name", "mine")
    assert trained.code == 0, trained.err
    assert "no picture is held out to test" in trained.err + trained.out
    assert "runs/mine is trained but not evaluated" in trained.err
    evaluated = run_command("evaluate", "runs/mine")
    assert evaluated.code == 2
    assert "has no test split (only train); add one" in evaluated.err
    assert run_command("report", "runs/mine").code == 0
    page = " ".join((place / "runs" / "mine" / "report.html").read_text("utf-8").split())
    assert "The data has no test split, so confusion, classes" in page
    assert "on other pictures with: thriftnet evaluate runs/mine --data PATH" in page
    assert "Its test figures:" not in page
    others = put(place / "others", {"cat": 3, "dog": 2})
    assert run_command("evaluate", "runs/mine", "--data", others).code == 0


def test_a_search_over_own_pictures(place: Path, run_command: Command) -> None:
    photos = put(place / "photos", {"cat": 30, "dog": 20})
    changes = {"data": {"val_ratio": 0.2, "image_size": 16}, "train.batch_size": 10}
    space = {**TINY, "set": {**TINY["set"], **changes}, "winner": {}}
    (place / "tiny.yaml").write_text(yaml.safe_dump(space))
    options = ("--data", photos, "--stage", "grid", "--workers", "1", "--study", "study")
    searched = run_command("search", "tiny.yaml", *options)
    assert searched.code == 0, searched.err
    kept = yaml.safe_load((place / "study" / "space.yaml").read_text())
    assert kept["set"]["data.dataset"] == str(photos)
    trial = next((place / "study" / "trials" / "grid").iterdir())
    assert RunFolder.open(trial).recipe().data.dataset == str(photos)
    again = run_command("search", "tiny.yaml", *options)
    assert again.code == 0
    assert run_command("search", "status", "study").code == 0
    nowhere = run_command("search", "tiny.yaml", "--data", place / "nowhere", "--study", "other")
    assert nowhere.code == 2
    assert "does not exist" in nowhere.error_line
