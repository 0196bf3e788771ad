"""A named data set is one entry of `DATASETS`: trained on, evaluated and found by that alone."""

from pathlib import Path

import numpy as np
import pytest

import thriftnet
from small import small_recipe
from thriftnet.cli.inspect import _training
from thriftnet.data import Dataset, OpenDataset
from thriftnet.data.opened import open_arrays
from thriftnet.data.options import DatasetSpec
from thriftnet.data.registry import DATASETS, NamedDataset, is_at_hand, known_classes, name_of

CLASSES = ("dark", "light")


def open_shades(_: DatasetSpec, **__: object) -> OpenDataset:
    labels = np.arange(40) % 2
    images = np.broadcast_to((60 + 120 * labels)[:, None, None, None], (40, 16, 16, 3))
    shades = Dataset(images.astype(np.uint8), labels, CLASSES)
    return open_arrays(shades, shades, name="shades")


@pytest.fixture(autouse=True)
def shades(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where a user has the data set as files."""
    folder = tmp_path / "shades"
    named = NamedDataset(open_shades, CLASSES, lambda path: path == folder, lambda: False)
    monkeypatch.setitem(DATASETS, "shades", named)
    return folder


def test_it_is_found_by_its_name_and_by_what_holds_it(shades: Path) -> None:
    assert name_of(DatasetSpec(dataset="shades")) == "shades"
    assert name_of(DatasetSpec(source=shades)) == "shades"
    assert known_classes("shades") == CLASSES
    assert known_classes("elsewhere") is None
    assert not is_at_hand("shades")


def test_inspect_says_how_to_train_on_it() -> None:
    assert _training("shades", None, []) == "thriftnet train --set data.dataset=shades"
    assert _training("cifar10", None, []) == "thriftnet train"
    assert _training("photos", "folder", []) == (
        "thriftnet train --data photos --set data.group=folder"
    )


def test_an_archive_of_cifar100_is_not_read_as_cifar10(tmp_path: Path) -> None:
    for name in ("cifar-100-python.tar.gz", "my-cifar10.tar"):
        (tmp_path / name).touch()
    archive = tmp_path / "cifar-100-python.tar.gz"
    assert name_of(DatasetSpec(source=archive)) == str(archive)
    assert name_of(DatasetSpec(source=tmp_path / "my-cifar10.tar")) == "cifar10"


def test_a_recipe_trains_on_it_and_its_test_split_counts(tmp_path: Path) -> None:
    recipe = small_recipe(data={"dataset": "shades", "image_size": 16}, train={"epochs": 2})
    run = thriftnet.train(recipe, runs_dir=tmp_path, quiet=True)
    found = thriftnet.evaluate(run.path)
    assert (found.data, found.chosen.images) == ("test", 40)
    assert thriftnet.load_model(run.path).classes == CLASSES
