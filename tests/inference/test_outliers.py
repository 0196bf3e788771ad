"""Pictures unlike those of the training: the two scores, the share of usual ones, what is named."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.special import logsumexp
from scipy.stats import binom
from torch import nn

from calibrated_models import calibration, model
from commands import Command, in_this_process
from cut_tables import run
from outlier_models import CPU, grey, save_fitted, smooth, trained
from thriftnet.augment import normalise
from thriftnet.data import Dataset
from thriftnet.errors import RecipeError, RunError
from thriftnet.evaluation.fit_outliers import fit_outliers, largest_count_below
from thriftnet.inference.classifier import Classifier, load_model
from thriftnet.inference.outliers import SHARES, OutlierScorer, images_to_show
from thriftnet.models.calibration import OutlierReference
from thriftnet.models.saved import read_model, save_model
from thriftnet.runtime.resize import as_pixels
from thriftnet.weights.shipped import weights_file


def test_scores_by_their_equations():
    images = smooth(20)
    saved = trained(images)
    found = OutlierScorer(saved, CPU).scores(images[:7])
    x = normalise(as_pixels(images[:7], 32), mean=saved.mean, std=saved.std)
    logits = saved.network(x).detach().double().numpy()
    np.testing.assert_allclose(found.energy, logsumexp(logits, axis=1), rtol=1e-5)

    inputs: list[tuple[nn.BatchNorm2d, np.ndarray]] = []

    def keep(norm: nn.Module, given: tuple[torch.Tensor, ...], _out: object) -> None:
        assert isinstance(norm, nn.BatchNorm2d)
        inputs.append((norm, given[0].detach().double().numpy()))

    for norm in saved.network.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.register_forward_hook(keep)
    saved.network(x)
    assert len(inputs) > 1
    expected = []
    for norm, values in inputs:
        assert norm.running_mean is not None
        assert norm.running_var is not None
        mean, variance = (each.double().numpy() for each in (norm.running_mean, norm.running_var))
        about = ((values - mean[:, None, None]) ** 2).mean((2, 3))
        expected.append(np.abs(np.log(about / (variance + norm.eps))).mean(1))
    np.testing.assert_allclose(found.distance, np.mean(expected, axis=0), rtol=1e-4)


def test_a_network_without_batch_norms_is_judged_by_energy():
    network = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 4))
    images = smooth(200)
    reference = fit_outliers(model(network=network), images, CPU)
    found = OutlierScorer(model(network=network), CPU).scores(images)
    assert not found.distance.any()
    expected = (found.energy - found.energy.mean()) / found.energy.std()
    np.testing.assert_allclose(found.typicality(reference), expected)


@pytest.mark.parametrize("count", [100, 1000, 5000])
@pytest.mark.parametrize("share", SHARES)
def test_as_many_fall_below_as_the_exact_bound_allows(count: int, share: float):
    """So few below would be seen in at most 5% of sets of images, were the rate the share."""
    most = largest_count_below(count, share)
    if most >= 0:
        assert binom.cdf(most, count, share) <= 0.05
    assert binom.cdf(most + 1, count, share) > 0.05


def test_thresholds_hold_for_the_images_they_were_chosen_by():
    saved, images = trained(smooth(1000)), smooth(1000, seed=1)
    reference = fit_outliers(saved, images, CPU)
    typical = OutlierScorer(saved, CPU).scores(images).typicality(reference)
    assert [each.share for each in reference.thresholds] == [s for s in SHARES if s >= 0.005]
    for each in reference.thresholds:
        assert (typical < each.score).sum() == largest_count_below(1000, each.share)


@pytest.mark.parametrize("share", SHARES)
def test_the_fewest_images_that_show_a_share_are_told(share: float):
    fewest = images_to_show(share)
    assert largest_count_below(fewest, share) == 0
    assert largest_count_below(fewest - 1, share) == -1


def test_no_verdict_depends_on_the_batch():
    """Rounding does, and each threshold comes from the score of an image."""
    saved, images = trained(smooth(1000)), smooth(1000, seed=1)
    reference, scorer = fit_outliers(saved, images, CPU), OutlierScorer(saved, CPU)
    whole = scorer.scores(images).typicality(reference)
    few = [scorer.scores(images[at : at + 7]).typicality(reference) for at in range(0, 1000, 7)]
    order = np.random.default_rng(0).permutation(1000)
    turned = np.empty(1000)
    turned[order] = scorer.scores(images[order]).typicality(reference)
    for each in reference.thresholds:
        np.testing.assert_array_equal(np.concatenate(few) < each.score, whole < each.score)
        np.testing.assert_array_equal(turned < each.score, whole < each.score)


def test_noise_is_told_from_pictures(cifar10: tuple[Dataset, Dataset]):
    saved, images = read_model(weights_file("quick")), cifar10[1].images[:600]
    saved = replace(saved, calibration=None, temperature=1.0, shifts=())
    scorer, reference = OutlierScorer(saved, CPU), fit_outliers(saved, images[:400], CPU)
    threshold = next(each.score for each in reference.thresholds if each.share == 0.05)
    rng = np.random.default_rng(0)
    order = rng.permuted(np.tile(np.arange(1024), (200, 1)), axis=1)[..., None]
    shuffled = np.take_along_axis(images[400:].reshape(200, 1024, 3), order, axis=1)
    others = {
        "noise": rng.integers(0, 256, (200, 32, 32, 3), np.uint8),
        "one colour": np.broadcast_to(
            rng.integers(0, 256, (200, 1, 1, 3), np.uint8), (200, 32, 32, 3)
        ),
        "shuffled": shuffled.reshape(200, 32, 32, 3),
    }
    assert (scorer.scores(images[400:]).typicality(reference) < threshold).mean() < 0.1
    for kind, each in others.items():
        found = scorer.scores(np.ascontiguousarray(each)).typicality(reference) < threshold
        assert found.mean() > 0.95, kind


def test_threads_share_a_scorer():
    images = smooth(120)
    scorer = OutlierScorer(trained(images), CPU)
    alone = [scorer.scores(images[at : at + 30]) for at in range(0, 120, 30)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda at: scorer.scores(images[at : at + 30]), range(0, 120, 30)))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one.distance, other.distance)


@pytest.fixture
def fitted(tmp_path: Path) -> Path:
    """A calibrated model file."""
    return save_fitted(tmp_path / "m.safetensors")


def test_outliers_have_no_class(fitted: Path):
    images = np.concatenate([smooth(20, seed=2), grey(20)])
    tested = load_model(fitted, device="cpu", precision="fp32", reject_outliers=0.05)
    found = tested.predict(images)
    assert [one.outlier for one in found[20:]] == [True] * 20
    assert sum(bool(one.outlier) for one in found[:20]) < 5
    assert all((one.named is None) == one.outlier for one in found)
    assert found[-1].to_json() == {
        "label": None,
        "index": None,
        "probability": found[-1].probability,
        "probabilities": found[-1].probabilities,
        "outlier": True,
    }
    plain = load_model(fitted, device="cpu", precision="fp32").predict(images)
    assert [one.label for one in plain] == [one.label for one in found]
    assert {one.outlier for one in plain} == {None}
    assert "outlier" not in plain[0].to_json()
    assert tested.predict(images[:0]) == []


@pytest.mark.parametrize(
    ("share", "error", "part"),
    [
        (0.0, RecipeError, "--reject-outliers 0 is not between 0 and 1; give 0.05"),
        (1.0, RecipeError, "--reject-outliers 1 is not between"),
        (float("nan"), RecipeError, "--reject-outliers nan is not between"),
        (0.003, RunError, "give --reject-outliers 0.005, or calibrate on 1,497 or more images$"),
        (1e-4, RunError, "cannot show a share of 0.0001; give --reject-outliers 0.005$"),
    ],
)
def test_what_cannot_be_promised_is_refused(
    fitted: Path, share: float, error: type[Exception], part: str
):
    with pytest.raises(error, match=part):
        load_model(fitted, device="cpu", reject_outliers=share)


def test_a_network_without_scores_is_calibrated_first(tmp_path: Path):
    with pytest.raises(RunError, match="run thriftnet calibrate on it first"):
        Classifier(model(), reject_outliers=0.05)
    older, few = calibration(), OutlierReference(energy=(0.0, 1.0), distance=(0.0, 1.0))
    for each in (older, older.model_copy(update={"outliers": few})):
        with pytest.raises(RunError, match="run thriftnet calibrate on it first"):
            Classifier(model(calibration=each), reject_outliers=0.05)
    save_model(tmp_path / "m.safetensors", model())
    with pytest.raises(RunError, match=r"run thriftnet calibrate .*m.safetensors first"):
        load_model(tmp_path / "m.safetensors", reject_outliers=0.05)


def test_the_command_says_outlier(
    fitted: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    thriftnet: Command = in_this_process(monkeypatch, capsys)
    picture, asked = tmp_path / "p.png", ("--reject-outliers", "0.05")
    Image.fromarray(grey(1)[0]).save(picture)
    assert "outlier: " in thriftnet("predict", fitted, picture, *asked).out
    rows = json.loads(thriftnet("predict", fitted, picture, *asked, "--json").out)
    assert (rows[0]["label"], rows[0]["outlier"]) == (None, True)
    for suffix in ("csv", "jsonl", "parquet"):
        assert (
            thriftnet("predict", fitted, picture, *asked, "-o", tmp_path / f"o.{suffix}").code == 0
        )
    header, row = (tmp_path / "o.csv").read_text().splitlines()
    assert header == "file,label,probability,outlier"
    assert (row.split(",")[1], row.split(",")[3]) == ("", "true")
    assert thriftnet("predict", fitted, picture, *asked, "-o", "-").out.splitlines() == [
        header,
        row,
    ]
    assert thriftnet("predict", fitted, picture, "-o", tmp_path / "o.csv").code == 0  # replaced
    assert json.loads((tmp_path / "o.jsonl").read_text())["outlier"] is True
    parquet = pytest.importorskip("pyarrow.parquet")
    assert parquet.read_table(tmp_path / "o.parquet")["outlier"].to_pylist() == [True]


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_rows_of_a_test_are_resumed_by_the_same_test(fitted: Path, tmp_path: Path, ending: str):
    folder, whole, path = tmp_path / "p", tmp_path / f"w.{ending}", tmp_path / f"o.{ending}"
    folder.mkdir()
    for number, pixels in enumerate(np.concatenate([smooth(40, seed=2), grey(10)])):
        Image.fromarray(pixels).save(folder / f"{number}.png")
    tested = load_model(fitted, device="cpu", precision="fp32", reject_outliers=0.05)
    run(whole, tested, folder)
    run(path, tested, folder, cut=45)
    for share in (None, 0.1):
        other = load_model(fitted, device="cpu", precision="fp32", reject_outliers=share)
        with pytest.raises(RunError, match="differs in: outliers; leave out --resume"):
            run(path, other, folder, resume=True)
    run(path, tested, folder, resume=True)
    assert path.read_bytes() == whole.read_bytes()
    assert whole.read_bytes().count(b"true") >= 10
