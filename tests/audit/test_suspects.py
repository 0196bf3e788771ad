"""Pictures to look at: wrong labels, disagreeing copies, and pictures that teach nothing."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from calibrated_models import honest_logits
from thriftnet.audit.flaws import find_flaws
from thriftnet.audit.out_of_fold import OutOfFold
from thriftnet.audit.suspects import find_label_issues, find_suspects
from thriftnet.data.inspection import Collection
from thriftnet.data.near_duplicates.find import NearDuplicates, find_near_duplicates
from thriftnet.errors import DataError


def scenes(count: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    blocks = rng.integers(30, 226, (count, 8, 8, 3)).repeat(4, axis=1).repeat(4, axis=2)
    return np.clip(blocks + rng.integers(-9, 10, blocks.shape), 0, 255).astype(np.uint8)


def test_blank_dark_and_blurred_pictures_are_found_and_no_others():
    images = scenes(40)
    images[3] = 200
    images[9] = 3
    images[9, 5:7, 5:9] = 200
    images[17] = images[17].mean(axis=(0, 1)) + np.linspace(-20, 20, 32)[:, None, None]
    found = {name: at.tolist() for name, at in find_flaws(images).items()}
    assert found == {"blank": [3], "dark": [9], "blurred": [17]}
    assert find_flaws(images[3:4])["blank"].tolist() == [0]


def test_flipped_labels_are_found_by_honest_probabilities():
    logits, labels = honest_logits(1500, scale=5.0)
    rng = np.random.default_rng(1)
    flipped = rng.choice(1500, 75, replace=False)
    given = labels.copy()
    given[flipped] = (given[flipped] + rng.integers(1, 4, 75)) % 4
    probabilities = np.exp(logits - np.log(np.exp(logits).sum(1, keepdims=True)))
    found = find_label_issues(given, probabilities)
    assert len(set(found.tolist()) & set(flipped.tolist())) >= 0.8 * 75
    first = found[:40]
    own = probabilities[first, given[first]]
    assert (np.diff(own) >= 0).all()  # the least probable label first


@pytest.mark.parametrize("counts", [(40, 40, 1), (40, 40, 0), (40, 1, 1)])
def test_a_class_of_one_picture_judges_nobody_and_is_not_warned_of(counts: tuple[int, ...]):
    """cleanlab warned of each on standard error; here, warnings are errors."""
    labels = np.repeat(np.arange(3), counts)
    probabilities = np.full((len(labels), 3), 0.05)
    probabilities[np.arange(len(labels)), np.minimum(labels, 1)] = 0.9
    probabilities[3] = (0.05, 0.9, 0.05)
    found = find_label_issues(labels, probabilities).tolist()
    assert found == ([3] if counts[1] > 1 else [])


def collection(images: np.ndarray, labels: np.ndarray) -> Collection:
    def near() -> NearDuplicates:
        return find_near_duplicates(images)

    return Collection(
        name="x",
        kind="arrays",
        images=images,
        labels=labels,
        classes=("a", "b", "c", "d"),
        positions={"train": np.arange(len(labels))},
        sizes=np.full((len(labels), 2), 32),
        title=lambda at: f"picture {at}",
        near=near,
    )


def test_every_reason_is_told_and_the_least_probable_label_comes_first():
    logits, labels = honest_logits(400, scale=5.0, seed=3)
    images = scenes(400)
    images[11] = images[10]
    labels[10], labels[11] = 0, 1
    images[20] = 5
    labels[30] = (logits[30].argmax() + 1) % 4
    logits[30] *= 4
    similarity = np.linspace(0.5, 0.9, 400).astype(np.float32)
    rank = np.roll(np.arange(400) / 400, 50)  # networks have scales of their own
    judged = OutOfFold(logits.astype(np.float32), similarity, rank)
    found = find_suspects(collection(images, labels), judged)
    reasons = {each.at: each.reasons for each in found}
    assert "near-duplicate of another class" in reasons[10]
    assert "near-duplicate of another class" in reasons[11]
    assert "blank" in reasons[20]
    assert "label probably wrong" in reasons[30]
    assert sum("unlike any class" in r for r in reasons.values()) == 2
    unlike = [each.at for each in found if "unlike other pictures" in each.reasons]
    assert sorted(unlike) == [50, 51]
    assert all(each.similarity == similarity[each.at] for each in found)
    assert [each.score for each in found] == sorted(each.score for each in found)
    assert next(each for each in found if each.at == 30).suggested == logits[30].argmax()


def test_without_cleanlab_the_extra_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "cleanlab", None)
    monkeypatch.setitem(sys.modules, "cleanlab.filter", None)
    with pytest.raises(DataError, match=r"an audit needs the package cleanlab.*thriftnet\[audit\]"):
        find_label_issues(np.array([0, 1]), np.eye(2))
