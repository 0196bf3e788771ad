"""Explanations by the command: map, neighbours, page, and what cannot be explained."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page

import thriftnet
from commands import Command, in_this_process
from own_pictures import picture, put
from small import small_recipe
from thriftnet.errors import DataError
from thriftnet.evaluation.features import extract
from thriftnet.explain import index
from thriftnet.explain.run import MOST, SHOWN, explain
from thriftnet.inference import engine
from thriftnet.models.saved import read_model
from thriftnet.runs.folder import RunFolder


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("explain")


@pytest.fixture(scope="module")
def photos(place: Path) -> Path:
    return put(place / "photos", {"cat": 20, "dog": 20, "emu": 20})


@pytest.fixture(autouse=True)
def cache(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THRIFTNET_CACHE", str(place / "cache"))


@pytest.fixture(scope="module")
def trained(place: Path, photos: Path) -> RunFolder:
    recipe = small_recipe(
        data={"val_ratio": 0.2}, model={"channels": [8, 16]}, train={"epochs": 12, "batch_size": 8}
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("THRIFTNET_CACHE", str(place / "cache"))
        run = thriftnet.train(recipe, data=photos, name="mine", runs_dir=place / "runs", quiet=True)
    return RunFolder.open(run.path)


@pytest.fixture
def run_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return in_this_process(monkeypatch, capsys)


def quiet(_line: str) -> None:
    pass


def test_the_nearest_images_are_of_those_that_trained(
    trained: RunFolder, photos: Path, tmp_path: Path
):
    picture("dog", 700).save(tmp_path / "new.png")
    found = explain(trained.path, [tmp_path / "new.png", photos / "cat" / "3.png"], say=quiet)
    new, own = found.pictures
    assert new.prediction.label == "dog"
    assert [each.label for each in new.neighbours] == ["dog"] * 5
    assert new.activation.shape == (16, 16)
    values = [each.similarity for each in new.neighbours]
    assert values == sorted(values, reverse=True)
    titles = {each.title for each in (*new.neighbours, *own.neighbours)}
    assert all((photos / title).exists() for title in titles)
    for one in new.neighbours:  # the title is that of the picture that is shown
        with Image.open(photos / one.title) as file:
            shown = file.convert("RGB").resize((32, 32), Image.Resampling.LANCZOS)
        assert np.abs(np.asarray(shown, np.int16) - one.pixels).mean() < 2
    assert found.unreadable == ()


def test_features_are_computed_once(
    trained: RunFolder, photos: Path, monkeypatch: pytest.MonkeyPatch, place: Path
):
    monkeypatch.setattr(index, "_WORTH_KEEPING", 1)
    counted: list[int] = []

    def counting(*given: Any, **how: Any) -> Any:
        counted.append(len(given[1]))
        return extract.features_of(*given, **how)

    monkeypatch.setattr(index, "features_of", counting)
    pictures = [photos / "emu" / "2.png"]
    first, second = (explain(trained.path, pictures, say=quiet).pictures[0] for _ in range(2))
    assert len(counted) == 1
    assert [e.to_json() for e in first.neighbours] == [e.to_json() for e in second.neighbours]
    (kept,) = (place / "cache" / "features").iterdir()
    content = bytearray(kept.read_bytes())
    content[len(content) // 2] ^= 4
    kept.write_bytes(content)
    explain(trained.path, pictures, say=quiet)
    assert len(counted) == 2  # a damaged file is computed anew
    (place / "cache" / "features").chmod(0o777)
    explain(trained.path, pictures, say=quiet)
    assert len(counted) == 3  # a folder that anybody may write is not read
    (place / "cache" / "features").chmod(0o755)


def test_the_training_images_are_counted(
    trained: RunFolder, photos: Path, monkeypatch: pytest.MonkeyPatch
):
    """Of 50,000 images, the features take minutes on a busy machine."""
    monkeypatch.setattr(engine, "_PART", 10)
    told: list[tuple[int, int]] = []
    explain(
        trained.path,
        [photos / "emu" / "2.png"],
        say=quiet,
        on_progress=lambda done, total: told.append((done, total)),
    )
    total = told[-1][1]
    assert total > 10
    assert told == [(min(at + 10, total), total) for at in range(0, total, 10)]


def test_the_command_writes_a_page_and_maps(
    trained: RunFolder, photos: Path, tmp_path: Path, run_command: Command, visit: Any
):
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8 no picture")
    long = tmp_path / f"{'é' * 125}.png"
    shutil.copy(photos / "dog" / "1.png", long)
    page, maps = tmp_path / "why.html", tmp_path / "maps"
    done = run_command(
        "explain", trained.path, photos / "cat" / "1.png", tmp_path / "broken.jpg", long,
        "-o", page, "--maps", maps, "--nearest", "3",
    )  # fmt: skip
    assert done.code == 2  # of the broken one
    assert "broken.jpg cannot be read as an image" in done.err.splitlines()[-1]
    assert sorted(path.name for path in maps.iterdir()) == [
        "001-1.png",
        f"002-{'é' * 100}.png",
    ]
    with Image.open(maps / "001-1.png") as written:
        assert written.size == (SHOWN, SHOWN)
    picture("cat", 7).save(maps / "003-7.png")  # called as a map is
    refused = run_command("explain", trained.path, photos / "cat" / "1.png", "--maps", maps)
    assert refused.code == 2
    assert "has files that are not maps" in refused.error_line
    (maps / "003-7.png").unlink()
    opened: Page = visit(page, 1000, "light")
    assert opened.locator("article").count() == 2
    assert str(photos.parent) not in page.read_text("utf-8")
    assert opened.locator(".near li").count() == 6
    assert opened.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
    assert "16×16 positions" in opened.locator("header").inner_text()
    narrow: Page = visit(page, 390, "dark")
    assert narrow.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_json_holds_the_map_and_the_neighbours(
    trained: RunFolder, photos: Path, tmp_path: Path, run_command: Command
):
    words = ("explain", trained.path, photos / "emu" / "1.png", "-o", tmp_path / "p.html", "--json")
    done = run_command(*words, "--nearest", "2")
    assert done.code == 0
    (found,) = json.loads(done.out)
    assert np.array(found["activation"]).shape == (16, 16)
    assert [set(each) for each in found["nearest"]] == [{"title", "label", "similarity"}] * 2
    assert found["label"] in ("cat", "dog", "emu")


def test_a_model_file_of_own_pictures_asks_for_them(trained: RunFolder, photos: Path):
    pictures = [photos / "cat" / "1.png"]
    with pytest.raises(DataError, match="with --data PATH, or leave .* out with --nearest 0"):
        explain(trained.model_path, pictures, say=quiet)
    assert explain(trained.model_path, pictures, count=0, say=quiet).pictures[0].neighbours == ()
    found = explain(trained.model_path, pictures, data=photos, say=quiet)
    assert len(found.pictures[0].neighbours) == 5


def test_other_training_images_are_refused(trained: RunFolder, photos: Path, tmp_path: Path):
    others = put(tmp_path / "photos", {"cat": 20, "dog": 20, "emu": 21})
    with pytest.raises(DataError, match="trained on other images than .* holds now"):
        explain(trained.path, [photos / "cat" / "1.png"], data=others, say=quiet)


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("best", "nowhere.png"), "nowhere.png"),
        (("nothing", "a.png"), "there is no run folder or model file nothing"),
        (("best", "a.png", "--nearest", "0", "--data", "x"), "which --nearest 0 leaves out"),
        (("network.onnx", "a.png"), "is an exported file, which only classifies"),
        (("best", "a.png", "-o", "a.png"), "a.png is an input and would be replaced"),
    ],
)
def test_what_cannot_be_explained_is_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    run_command: Command,
    words: tuple[str, ...],
    part: str,
):
    monkeypatch.chdir(tmp_path)
    picture("cat", 0).save("a.png")
    (tmp_path / "network.onnx").write_bytes(b"x")
    done = run_command("explain", *words)
    assert done.code == 2
    assert part in done.error_line
    assert not (tmp_path / "explanation.html").exists()


def test_more_pictures_than_a_page_has_are_refused(tmp_path: Path):
    for number in range(MOST + 1):
        (tmp_path / f"{number}.png").write_bytes(b"")
    with pytest.raises(DataError, match=f"201 pictures are more than the {MOST} that one page has"):
        explain("quick", [tmp_path], say=quiet)


def test_the_model_is_not_changed(trained: RunFolder, photos: Path):
    before = trained.model_path.read_bytes()
    explain(trained.path, [photos / "cat" / "1.png"], say=quiet)
    assert trained.model_path.read_bytes() == before
    assert read_model(trained.model_path).classes == ("cat", "dog", "emu")
