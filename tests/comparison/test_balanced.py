"""Comparisons by balanced accuracy, of data that were moved, and of data that differ."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from made_groups import text_of
from made_runs import make_run
from thriftnet.comparison.balanced import (
    balanced_accuracy,
    balanced_half_width,
    compare_balanced,
)
from thriftnet.comparison.compare import compare
from thriftnet.comparison.statistics import mcnemar
from thriftnet.errors import RunError
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.predictions import Predictions

COUNTS = (400, 80, 20)
LABELS = np.repeat(np.arange(3), COUNTS)


def answers(recalls: tuple[float, ...], *, seed: int) -> NDArray[np.bool_]:
    draws = np.random.default_rng(seed).random(len(LABELS))
    return draws < np.array(recalls)[LABELS]


def test_the_mean_recall() -> None:
    right = answers((0.9, 0.5, 0.3), seed=0)
    recalls = [right[label == LABELS].mean() for label in range(3)]
    assert balanced_accuracy(right, LABELS) == pytest.approx(np.mean(recalls))
    assert balanced_accuracy(right[LABELS != 1], LABELS[LABELS != 1]) == pytest.approx(
        np.mean([recalls[0], recalls[2]])
    )


def test_the_half_width_is_how_far_other_images_move_it() -> None:
    recalls = (0.9, 0.6, 0.5)
    found = [balanced_accuracy(answers(recalls, seed=seed), LABELS) for seed in range(1000)]
    widths = [
        balanced_half_width(answers(recalls, seed=seed).astype(float), LABELS) for seed in range(50)
    ]
    assert np.mean(widths) == pytest.approx(1.96 * np.std(found), rel=0.1)
    alone = np.array([0, 1, 2])  # an image of each class: nothing is known but the spread of all
    assert np.isfinite(balanced_half_width(np.array([1.0, 0.0, 1.0]), alone))


def test_the_test_keeps_its_level_and_finds_what_is_there() -> None:
    same = [
        compare_balanced(
            answers((0.9, 0.6, 0.5), seed=2 * n), answers((0.9, 0.6, 0.5), seed=2 * n + 1), LABELS
        ).p
        for n in range(30)
    ]
    assert np.mean(np.array(same) < 0.2) < 0.45
    better = compare_balanced(
        answers((0.9, 0.4, 0.2), seed=0), answers((0.9, 0.7, 0.9), seed=1), LABELS
    )
    assert better.p < 0.001
    assert better.difference == pytest.approx(0.33, abs=0.12)


def test_classes_of_one_size_give_mcnemars_test() -> None:
    labels = np.arange(600) % 3
    draws = np.random.default_rng(0)
    first, other = draws.random(600) < 0.7, draws.random(600) < 0.75
    exact, found = mcnemar(first, other), compare_balanced(first, other, labels)
    assert found.p == pytest.approx(exact.p, abs=0.01)
    assert found.difference == pytest.approx(exact.difference)
    assert (found.only_first, found.only_other) == (exact.only_first, exact.only_other)


def imbalanced_run(path: Path, recalls: tuple[float, ...], **options: object) -> RunFolder:
    """A run whose predictions are of an imbalanced test set."""
    run = make_run(path, classes=("usual", "less", "rare"), **options)
    right = answers(recalls, seed=len(path.name))
    said = np.where(right, LABELS, (LABELS + 1) % 3)
    run.save_predictions(Predictions(LABELS, {"flip": np.eye(3, dtype=np.float32)[said]}))
    return run


def test_compare_by_balanced_accuracy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [
        imbalanced_run(tmp_path / "plain", (0.97, 0.4, 0.1)).path,
        imbalanced_run(tmp_path / "weighed", (0.9, 0.75, 0.7), overrides=["name=w"]).path,
    ]
    usual = compare(paths)
    assert any("--metric balanced_accuracy" in note for note in usual.notes)
    found = compare(paths, metric="balanced_accuracy")
    (contrast,) = found.contrasts
    assert contrast.test == "paired randomisation test"
    assert contrast.points > 10 > usual.contrasts[0].points
    assert "points of balanced accuracy" in contrast.verdict
    assert contrast.half_width == contrast.image_half_width
    told = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert told["metric"] == "balanced_accuracy"
    group = told["groups"][1]
    assert group["balanced_accuracy"] == pytest.approx(
        balanced_accuracy(answers((0.9, 0.75, 0.7), seed=len("weighed")), LABELS)
    )
    assert group["accuracy"] != group["balanced_accuracy"]
    shown = text_of(found, capsys)
    assert "balanced accuracy, %" in shown
    assert "paired randomisation test, two-sided" in shown


def test_several_seeds_by_balanced_accuracy(tmp_path: Path) -> None:
    paths = [
        imbalanced_run(tmp_path / f"{name}{seed}", recalls, seed=seed, overrides=[f"name={name}"])
        for name, recalls in (("a", (0.95, 0.4, 0.2)), ("bb", (0.9, 0.7, 0.7)))
        for seed in (0, 1)
    ]
    found = compare([run.path for run in paths], metric="balanced_accuracy")
    first = found.groups[0]
    assert first.mean.mean == pytest.approx(first.balanced_accuracy)
    assert 0 < first.image_half_width < 0.2


def test_a_run_without_the_metric_and_an_unknown_one_are_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        make_run(tmp_path / name, predictions=False, overrides=[f"name={name}"])
    with pytest.raises(RunError, match=r"lacks results of its evaluation; run: thriftnet evaluate"):
        compare([tmp_path / "a", tmp_path / "b"], metric="balanced_accuracy")
    with pytest.raises(RunError, match=r"--metric f1 is not one of accuracy, balanced_accuracy"):
        compare([tmp_path / "a", tmp_path / "b"], metric="f1")


def test_pictures_that_were_moved_are_the_same_data(tmp_path: Path) -> None:
    data = {"sha256": "1" * 64}
    paths = [
        make_run(
            tmp_path / f"s{seed}{place}",
            seed=seed,
            accuracy=0.6 + seed / 100,
            overrides=[f"data.dataset=/{place}/photos", f"optim.lr=0.{rate}"],
            environment={"data": data},
        ).path
        for rate in (1, 2)
        for seed, place in ((rate * 10, "old"), (rate * 10 + 1, "new"))
    ]
    found = compare(paths)
    assert found.incomparable_reason is None
    assert [len(group.scores) for group in found.groups] == [2, 2]  # seeds of one recipe


def test_data_that_changed_in_their_place_are_refused(tmp_path: Path) -> None:
    paths = [
        make_run(
            tmp_path / name,
            overrides=["data.dataset=/my/photos", f"name={name}"],
            environment={"data": {"sha256": name * 8}},
        ).path
        for name in ("a", "b")
    ]
    reason = compare(paths).incomparable_reason
    assert reason is not None
    assert "have different training data (/my/photos, which changed)" in reason
