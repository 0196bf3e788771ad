import json
from dataclasses import replace

import numpy as np
import pytest

from thriftnet.data import Dataset
from thriftnet.data.index import Omission
from thriftnet.data.inspection import (
    Collection,
    Inspection,
    count_classes,
    find_duplicates,
    inspect,
    warnings,
)
from thriftnet.data.inspection_facts import facts
from thriftnet.data.near_duplicates.find import find_near_duplicates


@pytest.fixture(scope="module")
def collection(cifar10: tuple[Dataset, Dataset]) -> Collection:
    """Ten pictures of cats and dogs; two tests are copies, and one copy has another label."""
    images = np.array(cifar10[1].images[:10])
    images[8] = images[0]
    images[9] = images[1]
    images[5] = images[2][:, ::-1]
    images[7] = images[7].mean(-1, keepdims=True).astype(np.uint8)
    labels = np.array([0, 0, 0, 0, 0, 1, 0, 1, 0, 0])
    return Collection(
        name="pets",
        kind="class folders",
        images=images,
        labels=labels,
        classes=("cat", "dog", "bird"),
        positions={"train": np.arange(8), "test": np.array([8, 9])},
        sizes=np.array([[32, 32]] * 8 + [[64, 32], [20, 40]]),
        title=lambda at: f"{at}.png",
        near=lambda: find_near_duplicates(images),
        omissions=[Omission("cat/a.jpg", "an empty file")],
        others={".txt": 2},
    )


@pytest.fixture(scope="module")
def found(collection: Collection) -> Inspection:
    return inspect(collection)


def test_counts_sizes_and_channels(found: Inspection) -> None:
    assert found.pictures == 10
    assert found.counts["train"] == {"cat": 6, "dog": 2, "bird": 0}
    assert found.counts["test"] == {"cat": 2, "dog": 0, "bird": 0}
    assert found.widths == (20, 32, 64)
    assert found.heights == (32, 32, 40)
    assert found.aspects == (0.5, 1.0, 2.0)
    assert (found.square, found.grey) == (8, 1)


def test_a_strip_has_its_shape(collection: Collection) -> None:
    sizes = np.array([[1, 3000], [3000, 1], *[[32, 32]] * 8])
    strips = inspect(replace(collection, sizes=sizes))
    assert strips.aspects == (0.0003333, 1.0, 3000.0)
    shapes = dict(facts(strips))["shapes"]
    assert shapes == "8 square; width to height 1:3000 to 3000:1, median 1.00"
    alike = inspect(replace(collection, sizes=np.array([[1, 3000]] * 10)))
    assert dict(facts(alike))["shapes"] == "width to height 1:3000"


def test_duplicates_across_splits_and_labels(found: Inspection) -> None:
    same = found.duplicates
    assert same.copies == 2
    assert same.groups == ((0, 8), (1, 9), (2, 5))
    assert same.across_splits == ((0, 8), (1, 9))
    assert same.across_labels == ((2, 5),)
    assert same.leaked == {"test": 2}
    assert same.pictures == 6


def test_every_warning_is_given(found: Inspection) -> None:
    told = "\n".join(found.warnings())
    assert "6 pictures are near-duplicates, in 3 groups; exact copies: 2" in told
    assert "2 test pictures (100.0%) have a near-duplicate in train" in told
    assert "1 group of near-duplicates has more than one label" in told
    assert "3.0 times as many pictures of cat as of dog" in told
    assert "train has no picture of bird" in told
    assert "test has no picture of dog, bird; they cannot be tested" in told


def test_a_clean_and_balanced_data_set_has_no_warning() -> None:
    labels = np.array([0, 1] * 10)
    positions = {"train": np.arange(16), "test": np.arange(16, 20)}
    same = find_duplicates(np.arange(20), labels, positions)
    assert same.groups == ()
    assert list(warnings(count_classes(labels, ("a", "b"), positions), same)) == []


def test_json_names_pictures(found: Inspection, collection: Collection) -> None:
    plain = json.loads(json.dumps(found.to_json(collection.title)))
    assert plain["pictures"] == 10
    assert plain["duplicates"]["across_splits"] == [["0.png", "8.png"], ["1.png", "9.png"]]
    assert plain["omissions"] == [{"where": "cat/a.jpg", "reason": "an empty file"}]
    assert plain["imbalance"] == {"largest": "cat", "smallest": "dog", "ratio": 3.0}
    assert plain["counts"]["train"]["cat"] == 6
