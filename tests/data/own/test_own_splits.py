"""A user's own pictures: what shows the same, or belongs together, is on one side of the test."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from thriftnet.data import Dataset
from thriftnet.data.options import DatasetSpec, SourceOptions
from thriftnet.data.own import near_cache
from thriftnet.data.registry import open_dataset


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: Path) -> Path:
    """A copy of those pictures."""
    monkeypatch.setenv("THRIFTNET_CACHE", str(tmp_path / "cache"))
    return Path(shutil.copytree(made, tmp_path / "photos"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, cifar10: tuple[Dataset, Dataset]) -> Path:
    """60 photographs in two classes, each as PNG, as JPEG, and mirrored."""
    photos = tmp_path_factory.mktemp("photos")
    for number, pixels in enumerate(cifar10[1].images[:60]):
        folder = photos / ("cat" if number % 2 else "dog")
        folder.mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray(pixels).resize((64, 64), Image.Resampling.BICUBIC)
        picture.save(folder / f"scene{number // 4}-{number}.png")
        picture.save(folder / f"scene{number // 4}-{number}b.jpg", quality=60)
        mirrored = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        mirrored.save(folder / f"scene{number // 4}-{number}c.png")
    return photos


def test_near_duplicates_are_on_one_side(photos: Path):
    opened = open_dataset(DatasetSpec(str(photos)), say=lambda _: None)
    train, test = opened.split("train"), opened.split("test")
    assert train.groups is not None
    assert test.groups is not None
    assert not set(train.groups) & set(test.groups)
    sizes = np.bincount(np.concatenate([train.groups, test.groups]))
    assert (sizes == 3).sum() >= 57
    assert abs(len(test) - 0.2 * 180) <= 3
    assert np.bincount(test.labels, minlength=2).min() >= 15


def test_positions_of_a_split_are_its_pictures_without_a_copy(photos: Path):
    opened = open_dataset(DatasetSpec(str(photos)), say=lambda _: None)
    for name in ("train", "test"):
        own, (whole, at) = opened.split(name), opened.part(name)
        assert np.array_equal(whole.images[at], own.images)
        assert np.array_equal(whole.labels[at], own.labels)
        assert len(whole) == 180


def test_pictures_of_another_size_are_split_in_the_same_way(photos: Path):
    splits = [
        open_dataset(DatasetSpec(str(photos), image_size=size, fit=fit), say=lambda _: None)
        for size, fit in ((32, "auto"), (48, "auto"), (64, "pad"))
    ]
    groups = [opened.split("test").groups for opened in splits]
    assert np.array_equal(groups[0], groups[1])
    assert np.array_equal(groups[0], groups[2])


def test_groups_by_a_pattern_of_names_hold_together_too(photos: Path):
    spec = DatasetSpec(str(photos), options=SourceOptions(group=r"scene(\d+)-"))
    opened = open_dataset(spec, say=lambda _: None)
    train, test = opened.split("train").groups, opened.split("test").groups
    assert train is not None
    assert test is not None
    assert not set(train) & set(test)
    sizes = np.bincount(np.concatenate([train, test]))
    assert sizes.tolist() == [12] * 15  # a scene is of both classes


@pytest.mark.parametrize("width", [40, 41, 42, 43, 45])
def test_mirrored_pictures_are_found_at_any_width_that_is_padded(
    tmp_path: Path, photos: Path, width: int
):
    """Of an odd number of white columns, one more is on the right, also of the mirrored picture."""
    folder = tmp_path / "narrow"
    for number, file in enumerate(sorted(photos.rglob("*-*[0-9].png"))):
        picture = Image.open(file).crop((0, 0, width, 64))
        mirrored = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        for label, each in (("a", picture), ("b", mirrored)):
            (folder / label).mkdir(parents=True, exist_ok=True)
            each.save(folder / label / f"{number}.png")
    data = open_dataset(DatasetSpec(str(folder), fit="pad"), say=lambda _: None)
    assert data.collection is not None
    found = data.collection().near()
    twins = found.pairs[:, 1] - found.pairs[:, 0] == 60
    assert twins.sum() >= 57
    assert twins.mean() > 0.95


def test_a_second_start_finds_near_duplicates_in_the_cache_and_a_damaged_file_is_replaced(
    photos: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(near_cache, "_WORTH_KEEPING", 1)
    spec = DatasetSpec(str(photos))
    first = open_dataset(spec, say=lambda _: None).split("train").groups

    searches: list[int] = []
    search = near_cache.find_near_duplicates
    monkeypatch.setattr(
        near_cache,
        "find_near_duplicates",
        lambda images, **more: searches.append(1) or search(images, **more),
    )
    again = open_dataset(spec, say=lambda _: None).split("train").groups
    assert np.array_equal(first, again)
    assert searches == []

    (kept,) = (photos.parent / "cache" / "near_duplicates").glob("*.npz")
    kept.write_bytes(kept.read_bytes()[:200])
    third = open_dataset(spec, say=lambda _: None).split("train").groups
    assert np.array_equal(first, third)
    assert searches == [1]
