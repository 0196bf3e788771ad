"""Accuracy under corruption: figures by hand, published files, own data, runs and messages."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
import torch
from numpy.typing import NDArray

from calibrated_models import make_run, model, pictures
from thriftnet.data import CIFAR10_CLASSES, Dataset
from thriftnet.errors import DataError, RecipeError, RunError
from thriftnet.evaluation.corruptions.table import CORRUPTIONS, OWN, corrupt, every_corruption
from thriftnet.evaluation.evaluate_robust import RobustEvaluation, robustness
from thriftnet.evaluation.intervals import score_interval
from thriftnet.evaluation.robustness import (
    STEPS,
    Robustness,
    choose_images,
    classifier_of,
    evaluate_robustness,
    shifted_copies,
)
from thriftnet.inference.engine import Engine
from thriftnet.report.robustness import robustness_section
from thriftnet.runtime.device import choose_compute
from thriftnet.terminal.robustness import print_robustness


def brightness_of(images: NDArray[np.uint8]) -> NDArray[np.int64]:
    """A classifier that can be followed by hand: is the picture bright?"""
    return (images.mean(axis=(1, 2, 3)) > 127).astype(np.int64)


@pytest.fixture
def dataset() -> Dataset:
    found = pictures(30, classes=("dark", "bright"))
    shade = np.linspace(20, 235, 30)[:, None, None, None]
    images = np.clip(found.images * 0.2 + shade - 25, 0, 255).astype(np.uint8)
    return replace(found, images=images, labels=brightness_of(images))


def test_every_figure_by_hand(dataset: Dataset):
    told: list[tuple[int, int]] = []
    found = evaluate_robustness(brightness_of, dataset, on_progress=lambda *done: told.append(done))
    hits = {
        (name, severity): brightness_of(corrupt(dataset.images, f"{name}:{severity}"))
        == dataset.labels
        for name, severity in every_corruption()
    }
    assert found.clean == 1
    assert found.cells == {
        name: tuple(hits[name, severity].mean() for severity in range(1, 6)) for name in CORRUPTIONS
    }
    assert found.mean == pytest.approx(np.mean(list(hits.values())))
    others = [row for name, row in found.cells.items() if name not in OWN]
    assert found.mean_without(*OWN) == pytest.approx(np.mean(others))
    per_image = np.mean(list(hits.values()), axis=0)
    low, high = scipy.stats.t.interval(0.95, 29, loc=found.mean, scale=scipy.stats.sem(per_image))
    assert found.interval == pytest.approx((low, min(1.0, high)))
    assert told == [(done, STEPS) for done in range(1, STEPS + 1)]
    assert 0 <= found.flip_rate < 0.2
    assert found.jpeg > 0.8
    json.dumps(found.to_json(), allow_nan=False)


def test_shifted_copies_are_moved_by_one_pixel_and_mirrored_at_the_border():
    images = np.arange(2 * 4 * 4 * 3, dtype=np.uint8).reshape(2, 4, 4, 3)
    copies = list(shifted_copies(images))
    assert len(copies) == 8
    np.testing.assert_array_equal(copies[0][:, 1:, 1:], images[:, :-1, :-1])
    np.testing.assert_array_equal(copies[0][:, 0, 0], images[:, 1, 1])
    np.testing.assert_array_equal(copies[-1][:, :-1, :-1], images[:, 1:, 1:])


def test_chosen_images_keep_the_share_of_each_class():
    labels = np.repeat(np.arange(5), [500, 300, 100, 80, 20])
    chosen = choose_images(labels, 100)
    assert list(chosen) == sorted(set(chosen))
    np.testing.assert_allclose(np.bincount(labels[chosen]), [50, 30, 10, 8, 2], atol=1)
    np.testing.assert_array_equal(chosen, choose_images(labels, 100))
    np.testing.assert_array_equal(choose_images(labels, 5000), np.arange(1000))


@pytest.mark.parametrize(("right", "count"), [(4, 4), (0, 4), (1, 1)])
def test_equal_scores_of_few_images_are_not_certain(right: int, count: int):
    interval = scipy.stats.binomtest(right, count).proportion_ci(method="wilson")
    assert score_interval([right / count] * count) == pytest.approx(tuple(interval), abs=1e-6)


@pytest.fixture(scope="module")
def cifar() -> Dataset:
    return pictures(12, classes=CIFAR10_CLASSES)


def publish(folder: Path, clean: Dataset, *, names: tuple[str, ...] = tuple(CORRUPTIONS)) -> Path:
    """A folder in the form of CIFAR-10-C, whose fog is that of another generator."""
    folder.mkdir()
    np.save(folder / "labels.npy", np.tile(clean.labels, 5).astype(np.uint8))
    for name in names:
        sets = [corrupt(clean.images, f"{name}:{severity}") for severity in range(1, 6)]
        if name == "fog":
            sets = [np.zeros_like(images) for images in sets]
        np.save(folder / f"{name}.npy", np.concatenate(sets))
    return folder


@pytest.fixture
def published(tmp_path: Path, cifar: Dataset, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(
        "thriftnet.evaluation.evaluate_robust.load_cifar10", lambda **_: (cifar, cifar)
    )
    return publish(tmp_path / "CIFAR-10-C", cifar)


def network(classes: tuple[str, ...] = CIFAR10_CLASSES):
    from thriftnet.models.build import build_model

    architecture = {"family": "resnet", "blocks": [1], "channels": [4]}
    built = build_model(classes=len(classes), seed=1, **architecture).eval()
    return model(network=built, classes=classes, tta="none")


def test_published_files_are_used_and_compared_with_generated_ones(
    published: Path, capsys: pytest.CaptureFixture[str]
):
    found = robustness(network(), data=published, precision="fp32")
    assert found.data == "cifar10-c"
    differences = found.robustness.differences
    assert differences
    assert all(d.levels == 0 == d.accuracy for d in differences["glass_blur"])
    assert all(d.levels > 20 for d in differences["fog"])
    print_robustness("x", found)
    assert "published corruptions" in capsys.readouterr().out
    few = robustness(network(), data=published.parent, images=5, precision="fp32")
    assert few.robustness.images == 5
    assert few.robustness.differences
    assert few.robustness.differences["contrast"][0].levels == 0


def archived(folder: Path) -> None:
    with (folder / "fog.npy").open("wb") as file:
        np.savez(file, a=np.zeros(3))


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (lambda folder: (folder / "fog.npy").unlink(), "lacks fog; unpack CIFAR-10-C.tar"),
        (lambda folder: (folder / "labels.npy").unlink(), "lacks labels.npy; unpack CIFAR-10-C"),
        (
            lambda folder: np.save(folder / "fog.npy", np.zeros((60, 16, 16, 3), np.uint8)),
            r"fog.npy is \(60, 16, 16, 3\) uint8, expected \(60, 32, 32, 3\) uint8; get a new copy",
        ),
        (lambda folder: (folder / "fog.npy").write_bytes(b"no"), "fog.npy cannot be read"),
        (
            lambda folder: np.save(folder / "labels.npy", np.arange(60) % 10),
            "labels.npy differs between severities",
        ),
        (
            lambda folder: np.save(folder / "labels.npy", np.zeros(60, np.int64)),
            "12 images per severity whose labels are not those of CIFAR-10's test images",
        ),
        (lambda folder: np.save(folder / "labels.npy", np.zeros(7)), "expected integers"),
        (
            lambda folder: np.save(folder / "labels.npy", np.array([{}], object)),
            "labels.npy cannot be read",
        ),
        (archived, r"fog.npy cannot be read \(it is an archive of arrays\); get a new copy"),
    ],
    ids=[
        "missing",
        "unlabelled",
        "shape",
        "text",
        "severities",
        "labels",
        "floats",
        "pickle",
        "archive",
    ],
)
def test_damaged_published_files_are_refused(published: Path, change, part: str):
    change(published)
    with pytest.raises(DataError, match=part):
        robustness(network(), data=published, precision="fp32")


def test_outputs_that_are_not_finite_are_refused():
    saved = model()
    with torch.no_grad():
        for parameter in saved.network.parameters():
            parameter.fill_(3e38)
    engine = Engine.of(saved, choose_compute(device="cpu", precision="fp32"))
    classify = classifier_of(engine, side=32, tta="none")
    with pytest.raises(RunError, match="outputs are not finite; train it again"):
        classify(pictures(4).images)


def test_other_classes_are_refused_before_anything_is_classified(published: Path):
    with pytest.raises(DataError, match="is CIFAR-10-C and the network has the classes red, green"):
        robustness(model(), data=published)
    with pytest.raises(RecipeError, match="images=0 leaves nothing"):
        robustness(network(), data=published, images=0)


def test_cifar_10_1_is_told_by_its_files(tmp_path: Path):
    from thriftnet.evaluation.images import images_to_test

    images = pictures(7).images
    for version, count in (("v4", 5), ("v6", 7)):
        np.save(tmp_path / f"cifar10.1_{version}_data.npy", images[:count])
        np.save(tmp_path / f"cifar10.1_{version}_labels.npy", np.arange(count, dtype=np.int32))
    found, name = images_to_test(network(), None, tmp_path, strict=False, say=print)
    assert (len(found), name, found.classes) == (7, "cifar10.1-v6", CIFAR10_CLASSES)
    (tmp_path / "cifar10.1_v6_data.npy").write_bytes(b"cut")
    with pytest.raises(DataError, match="v6_data.npy cannot be read"):
        images_to_test(network(), None, tmp_path, strict=False, say=print)
    np.save(tmp_path / "cifar10.1_v6_labels.npy", np.empty(0, np.int32))
    with pytest.raises(DataError, match="v6_labels.npy is not a row of labels from 0 to 9; get"):
        images_to_test(network(), None, tmp_path, strict=False, say=print)
    (tmp_path / "cifar10.1_v6_labels.npy").unlink()
    with pytest.raises(DataError, match="v6_data.npy without cifar10.1_v6_labels.npy; get that"):
        images_to_test(network(), None, tmp_path, strict=False, say=print)


def test_cifar_10_c_needs_the_option(published: Path):
    from thriftnet.evaluation.evaluate import evaluate

    with pytest.raises(DataError, match="is CIFAR-10-C, 75 sets of images; .* --robust"):
        evaluate(network(), data=published)


def test_a_run_keeps_the_figures_and_its_report_shows_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(
        "thriftnet.evaluation.evaluate_robust.images_to_test",
        lambda *_, **__: (pictures(8, classes=model().classes), "test"),
    )
    run = make_run(tmp_path / "run", model())
    found = robustness(run.path, precision="fp32")
    assert found.not_kept is None
    line = run.metrics()[-1]
    assert line["kind"] == "robustness"
    assert line["mean"] == found.robustness.mean
    section = robustness_section(line)
    assert section
    assert "Mean corruption accuracy" in section.drawings[0].caption
    assert len(section.tables[0].rows) == 15


@pytest.mark.parametrize("broken", [{}, {"corruptions": 3}, {"mean": "x"}, {"interval": [1]}])
def test_a_damaged_line_is_not_drawn(broken: dict[str, object]):
    whole = RobustEvaluation(made(), "none", "fp32", "test").to_json()
    assert robustness_section({} if not broken else {**whole, **broken}) is None
    row = {**whole["corruptions"], "fog": [0.1, "x", 0.1, 0.1, 0.1]}
    assert robustness_section({**whole, "corruptions": row}) is None


def made() -> Robustness:
    cells = dict.fromkeys(CORRUPTIONS, (0.9, 0.8, 0.7, 0.6, 0.5))
    return Robustness(10, 0.9, cells, (0.6, 0.8), 0.88, 0.01)


def test_the_table_fits_eighty_columns(capsys: pytest.CaptureFixture[str]):
    print_robustness("runs/a-name-of-some-length", RobustEvaluation(made(), "none", "bf16", "test"))
    said = capsys.readouterr().out
    assert max(map(len, said.splitlines())) <= 80
    assert "mean corruption accuracy   70.00%  (95% 60.00% to 80.00%)" in said
    assert "frost*" in said
