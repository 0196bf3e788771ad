"""The journeys of docs/journeys.md, each command as it is written, on few images."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image

import documented
from commands import Command, Outcome
from documented import fences, lines, section, words
from own_pictures import put
from thriftnet import api
from thriftnet.export import pictures as choosing
from thriftnet.home import cache_folder
from thriftnet.recipe import load_recipe
from thriftnet.runs.folder import RunFolder
from thriftnet.training.automatic import resolve

IN_PAGES: dict[str, Any] = {
    "set": {
        "data": {"val_ratio": 0.01, "fraction": 0.004, "image_size": 16},
        "train.batch_size": 50,
        "train.micro_batch": 0,
        "train.sizes": [],
        "train.precision": "fp32",
    },
    "grid": {"model.channels": [[4, 8, 8], [4, 8, 12]], "optim.lr": [0.05, 0.1]},
    "reference": {"model.channels": [4, 8, 8], "optim.lr": 0.1},
    "refinement": {"shifts": 1, "trials": 1, "lag": 1},
    "validation": {"top": 1, "epochs": 2, "seeds": [0, 1, 2]},
    "winner": {"train.epochs": 4},
}
"""What makes the page's search one of seconds."""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with a photograph."""
    cache = tmp_path / "cache"
    cache.mkdir()
    for each in cache_folder().glob("onnxruntime-web-*"):  # fetched once, 33 MB
        (cache / each.name).symlink_to(each)
    monkeypatch.setenv("THRIFTNET_CACHE", str(cache))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(choosing, "COMPARED", 20)
    Image.new("RGB", (60, 40), (200, 0, 0)).save("photo.jpg")
    return tmp_path


@pytest.fixture
def few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    documented.few_images(monkeypatch)


def walk(thriftnet: Command, title: str) -> list[Outcome]:
    """Run every command of a journey; each has to end well and say nothing of errors."""
    ended: list[Outcome] = []
    for line in lines(section("journeys.md", title)):
        ended.append(thriftnet(*words(line)))
        assert ended[-1].code == 0, (line, ended[-1].err)
    return ended


@pytest.mark.usefixtures("few_images")
def test_a_students_baseline(thriftnet: Command, place: Path) -> None:
    _, evaluated, reported, predicted = walk(thriftnet, "A student's baseline")
    for part in ("95%", "six views", "truck"):
        assert part in evaluated.out
    assert "wrote runs/baseline/report.html" in reported.out
    assert (place / "runs/baseline/report.html").is_file()
    assert list((place / "runs/baseline/figures").glob("*.svg"))
    assert predicted.out.startswith("photo.jpg")


def test_a_folder_of_pictures_to_one_html_file(
    thriftnet: Command, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnxruntime")
    if shutil.which("node") is None:
        pytest.skip("needs Node.js")
    put(place / "photos", {"cat": 60, "dog": 60})
    real = api.TrainRequest

    def small(**given: Any) -> resolve.TrainRequest:
        limits = {"operations": 1e11, "max_parameters": 20_000, "seconds": None}
        overrides = (*given["overrides"], "train.epochs=2")
        return real(**{**given, **limits, "overrides": overrides})

    monkeypatch.setattr(api, "TrainRequest", small)
    assert len(lines(section("journeys.md", "A folder of pictures to one HTML file"))) == 2
    trained, _ = walk(thriftnet, "A folder of pictures to one HTML file")
    assert "network: " in trained.out  # chosen, with the reason
    page = (place / "mine.html").read_text("utf-8")
    assert "cat" in page
    assert "Content-Security-Policy" in page


@pytest.mark.usefixtures("few_images")
def test_two_recipes_over_seeds(thriftnet: Command, place: Path) -> None:
    *_, compared, _ = walk(thriftnet, "Two recipes over seeds")
    assert "t test" in " ".join(compared.out.split())
    assert "3 seeds" in " ".join(compared.out.split())
    assert (place / "comparison/report.html").is_file()


@pytest.mark.usefixtures("place")
def test_a_search(thriftnet: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("THRIFTNET_CACHE")  # its workers are processes, which read CIFAR-10 itself
    text = section("journeys.md", "A search")
    (shown,) = fences(text, "yaml")
    Path("mine.yaml").write_text(yaml.safe_dump({**yaml.safe_load(shown), **IN_PAGES}))
    searched, status, reported = (thriftnet(*words(line)) for line in lines(text)[:3])
    assert searched.code == 0, searched.err
    assert "test accuracy of the winner" in searched.out
    assert "validation" in status.out
    assert "wrote studies/mine/report.html" in reported.out
    (winner,) = lines(text)[3:]
    assert searched.out.splitlines()[-1].startswith(
        "next: thriftnet train studies/mine/winner.yaml"
    )
    assert words(winner)[:2] == ["train", "studies/mine/winner.yaml"]
    assert load_recipe(Path("studies/mine/winner.yaml")).train.epochs == 4


def test_the_space_as_the_page_shows_it_is_one(tmp_path: Path) -> None:
    from thriftnet.search.candidates import count_candidates
    from thriftnet.search.space import load_space

    (shown,) = fences(section("journeys.md", "A search"), "yaml")
    (tmp_path / "mine.yaml").write_text(shown)
    space = load_space(tmp_path / "mine.yaml")
    assert [each.refused for each in count_candidates(space)] == [None] * 4


@pytest.mark.usefixtures("small_world")
def test_a_training_moved_to_another_machine(
    thriftnet: Command, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """With a GPU it would go on there; what moves is the folder."""
    began, copied, resumed = lines(section("journeys.md", "A training moved to a GPU"))
    assert words(began) == ["train", "strong", "--name", "moved"]
    assert copied.split()[:3] == ["scp", "-r", "runs/moved"]
    shutil.move("runs/cut", "runs/moved")  # a run that was interrupted after an epoch
    subprocess.run(["cp", "-r", "runs/moved", str(tmp_path_factory.mktemp("there"))], check=True)
    done = thriftnet(*words(resumed))
    assert done.code == 0, done.err
    assert RunFolder.open(Path("runs/moved")).finished
