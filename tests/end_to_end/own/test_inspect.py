"""`thriftnet inspect` on a folder of pictures, from the command line."""

import json
from pathlib import Path

import pytest
from PIL import Image

from commands import Command
from thriftnet.data import Dataset


@pytest.fixture
def photos(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cifar10: tuple[Dataset, Dataset]
) -> Path:
    monkeypatch.setenv("THRIFTNET_CACHE", str(tmp_path / "cache"))
    for number, pixels in enumerate(cifar10[1].images[:24]):
        split = "test" if number % 4 == 3 else "train"
        folder = tmp_path / "photos" / split / ("cat" if number % 2 else "dog")
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    photos = tmp_path / "photos"
    Image.open(photos / "train/dog/0.png").save(photos / "test/cat/again.jpg", quality=80)
    Image.open(photos / "train/dog/2.png").save(photos / "train/dog/2-copy.png")
    (photos / "train/cat/broken.png").write_bytes(b"")
    return photos


def test_a_reason_that_many_files_share_is_told_once(
    thriftnet: Command, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    for number in range(5):
        (photos / f"train/dog/broken{number}.png").write_bytes(b"")
    (photos / "train/dog/loop.png").symlink_to("nowhere.png")
    told = thriftnet("inspect", photos).out
    assert told.partition("left out: ")[2].splitlines()[:3] == [
        "7",
        "- 6 × an empty file: train/cat/broken.png, train/dog/broken0.png, train/dog/broken1.png "
        "and 3 more",
        "- train/dog/loop.png: a broken link, not a file",
    ]


def test_what_is_not_there_and_what_cannot_be_tested(
    thriftnet: Command, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    told = thriftnet("inspect", photos / "nowhere").error_line
    assert told.endswith(
        "neither a path that exists nor a named data set (cifar10); check the path"
    )
    assert "did you mean cifar10?" in thriftnet("inspect", "cifar-10").error_line
    for kind in "cat", "dog":
        (photos / "few" / kind).mkdir(parents=True)
        (photos / "train" / kind / ("1.png" if kind == "cat" else "0.png")).rename(
            photos / "few" / kind / "1.png"
        )
    assert "! no picture is held out to test" in thriftnet("inspect", photos / "few").out


@pytest.mark.parametrize("width", [40, 100])
def test_lines_fit_the_terminal(
    thriftnet: Command, photos: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.chdir(photos.parent)
    outcome = thriftnet("inspect", "photos")
    assert outcome.code == 0
    told = " ".join(outcome.out.split())
    assert "26 pictures of 2 classes" in told
    assert "1 test picture (14.3%) has a near-duplicate in train" in told
    assert "test/cat/again.jpg = train/dog/0.png" in told
    assert "near-duplicates within a split: 1 - train/dog/2-copy.png = train/dog/2.png" in told
    assert "left out: 1 - train/cat/broken.png: an empty file" in told
    assert outcome.out.endswith("\nnext: thriftnet train --data photos\n")
    assert max(map(len, outcome.out.splitlines())) <= max(width, 40)


def test_the_training_that_follows_has_the_same_settings(thriftnet: Command, photos: Path) -> None:
    settings = ("--set", "data.image_size=16", "--group", "folder")
    told = thriftnet("inspect", photos, *settings).out.splitlines()[-1]
    wanted = f"--data {photos} --set data.image_size=16 --set data.group=folder"
    assert told == f"next: thriftnet train {wanted}"


def test_json_and_a_page_with_pictures(thriftnet: Command, photos: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    outcome = thriftnet("inspect", photos, "--json", "-o", page)
    assert outcome.code == 0
    found = json.loads(outcome.out)
    assert found["counts"]["test"] == {"cat": 7, "dog": 0}
    assert found["duplicates"]["leaked"] == {"test": 1}
    text = page.read_text("utf-8")
    assert text.count("data:image/png;base64,") >= 16 + 2 * 3
    assert "Warnings" in text
    assert "an empty file" in text


def test_mistakes_are_one_line(thriftnet: Command, photos: Path, tmp_path: Path) -> None:
    strict = thriftnet("inspect", photos, "--strict")
    assert strict.code == 2
    assert "broken.png: an empty file" in strict.err
    assert len(strict.err.splitlines()) == 1
    nowhere = thriftnet("inspect", tmp_path / "nowhere")
    assert nowhere.code == 2
    assert len(nowhere.err.splitlines()) == 1
    group = thriftnet("inspect", photos, "--group", "patient(")
    assert group.code == 2
    assert "is not a regular expression" in group.err
