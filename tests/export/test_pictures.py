"""Which images ranges come from, and which an export is compared on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import thriftnet
from own_pictures import put
from small import small_recipe
from thriftnet.data import CIFAR10_CLASSES, Dataset, OpenDataset
from thriftnet.data.options import DatasetSpec
from thriftnet.data.registry import DATASETS
from thriftnet.errors import ExportError
from thriftnet.export import pictures as choosing
from thriftnet.export.pictures import choose_pictures
from thriftnet.models.saved import SavedModel, read_model
from thriftnet.runs.folder import RunFolder
from thriftnet.training.data import open_data
from thriftnet.training.images import split_sets
from tiny_network import tiny_model


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    """Trained on 48 pictures of its own, of which 12 test and some of the others validate."""
    monkeypatch.setenv("THRIFTNET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(choosing, "CALIBRATION", 10)
    photos = put(tmp_path / "photos", {"cat": 16, "dog": 16, "emu": 16})
    recipe = small_recipe(data={"val_ratio": 0.25, "image_size": 16}, train={"epochs": 1})
    done = thriftnet.train(recipe, data=photos, name="own", runs_dir=tmp_path / "runs", quiet=True)
    return RunFolder.open(done.path)


def rows(images: np.ndarray) -> set[bytes]:
    return {image.tobytes() for image in images}


def test_a_run_gives_its_validation_images_then_other_training_images(run: RunFolder):
    model = read_model(run.model_path)
    found = choose_pictures(model, run, folder=None, int8=True, say=print)
    recipe = run.recipe()
    data = open_data(recipe.data, model=model, say=lambda _: None)
    (train_set, train_at), (val_set, val_at) = split_sets(recipe, data)
    assert len(val_at) > 0
    train, val = rows(train_set.images[train_at]), rows(val_set.images[val_at])
    assert rows(found.calibration) < train
    assert len(found.calibration) == 10
    assert rows(found.compared[: len(val_at)]) == val
    assert rows(found.compared) == val | (train - rows(found.calibration))
    assert not rows(found.compared) & rows(data.split("test").images)
    assert f"{len(val_at)} validation and " in found.source
    assert found.labels is not None
    assert len(found.labels) == len(found.compared)


def test_a_run_whose_pictures_are_gone(run: RunFolder, tmp_path: Path):
    (tmp_path / "photos").rename(tmp_path / "elsewhere")
    model = read_model(run.model_path)
    made = choose_pictures(model, run, folder=None, int8=False, say=print)
    assert made.labels is None
    assert "synthetic pictures" in made.source
    assert made.compared.shape == (2000, 16, 16, 3)
    assert made.compared.std() > 30  # not one colour
    with pytest.raises(ExportError, match="photos.*or give pictures with --calibration FOLDER"):
        choose_pictures(model, run, folder=None, int8=True, say=print)
    folder = tmp_path / "elsewhere"
    given = choose_pictures(model, run, folder=folder, int8=True, say=print)
    assert (len(given.calibration), len(given.compared)) == (10, 38)
    assert not rows(given.calibration) & rows(given.compared)


@pytest.fixture
def cifar10_model() -> SavedModel:
    return replace(tiny_model(), classes=CIFAR10_CLASSES, about={})


def test_a_shipped_network_gives_training_images_at_its_size(
    cifar10_model: SavedModel, cifar10: tuple[Dataset, Dataset]
):
    found = choose_pictures(cifar10_model, None, folder=None, int8=True, say=print)
    assert found.calibration.shape == (256, 16, 16, 3)
    assert found.compared.shape == (2000, 16, 16, 3)
    assert found.source == "2,000 training images of cifar10"
    assert found.compared.flags.c_contiguous
    assert found.labels is not None
    assert set(found.labels.tolist()) == set(range(10))
    assert len(cifar10[0]) == 50_000


def test_a_download_for_the_ranges_is_told(
    cifar10_model: SavedModel, monkeypatch: pytest.MonkeyPatch
):
    """CIFAR-10 takes minutes to fetch, before `export best --to page` shows anything."""
    here = DATASETS["cifar10"]

    def fetched(spec: DatasetSpec, *, say: Callable[[str], None]) -> OpenDataset:
        say("CIFAR-10: fetching")
        return here.open(spec, say=say)

    away = here._replace(open=fetched, is_at_hand=lambda: False)
    monkeypatch.setitem(DATASETS, "cifar10", away)
    told: list[str] = []
    choose_pictures(cifar10_model, None, folder=None, int8=True, say=told.append)
    assert told == ["CIFAR-10: fetching"]


def test_a_network_of_other_classes_has_no_images_there(cifar10_model: SavedModel):
    other = replace(cifar10_model, classes=("a", "b", "c"))
    assert "synthetic" in choose_pictures(other, None, folder=None, int8=False, say=print).source
    with pytest.raises(ExportError, match="has other classes than cifar10; or give pictures"):
        choose_pictures(other, None, folder=None, int8=True, say=print)


def test_nothing_is_fetched_for_a_comparison(
    cifar10_model: SavedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("THRIFTNET_CACHE", str(tmp_path / "empty"))
    found = choose_pictures(cifar10_model, None, folder=None, int8=False, say=print)
    assert "synthetic pictures" in found.source
    assert not (tmp_path / "empty").exists()
