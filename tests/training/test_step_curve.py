"""Loss and gradient norm by step in the lines of the epochs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from small import sitting, small_recipe
from thriftnet.runs.folder import RunFolder
from thriftnet.training import loop
from thriftnet.training.progress import step_curve
from thriftnet.training.progress.step_curve import (
    MOST_POINTS,
    StepCurve,
    gradient_norm,
    steps_per_point,
)


def points(run: RunFolder) -> dict[str, list[Any]]:
    """Of all epochs together."""
    found: dict[str, list[Any]] = {"step": [], "loss": [], "gradient_norm": []}
    for line in run.metrics():
        if line["kind"] == "epoch":
            for key, values in line["steps"].items():
                found[key] += values
    return found


def test_points_tell_the_mean_loss_and_the_norm_of_the_last_gradient():
    weight = nn.Parameter(torch.zeros(2))
    frozen = nn.Parameter(torch.zeros(2), requires_grad=False)
    curve = StepCurve()
    curve.add(10.0, 4)
    curve.add(2.0, 2)
    weight.grad = torch.tensor([3.0, 4.0])
    curve.end_point(2, gradient_norm([weight, frozen]).item())
    curve.add(1.0, 1)
    weight.grad = torch.tensor([torch.inf, 0.0])
    curve.end_point(3, gradient_norm([weight]).item())
    told = curve.take()
    assert told == {"step": [2, 3], "loss": [2.0, 1.0], "gradient_norm": [5.0, None]}
    assert curve.take() == {"step": [], "loss": [], "gradient_norm": []}


def test_every_step_of_a_short_run_is_a_point_and_the_epochs_add_up(tmp_path: Path):
    _, run = sitting(small_recipe(), tmp_path / "run")
    found = points(run)
    assert found["step"] == list(range(1, 13))
    assert all(norm > 0 for norm in found["gradient_norm"])
    images = [16, 16, 16, 2]  # 50 in batches of 16
    for line, first in zip(
        [line for line in run.metrics() if line["kind"] == "epoch"], (0, 4, 8), strict=True
    ):
        losses = found["loss"][first : first + 4]
        mean = sum(loss * count for loss, count in zip(losses, images, strict=True)) / 50
        assert line["train_loss"] == pytest.approx(mean, rel=1e-4)
        # Nothing is smoothed or mixed, so the two losses are one.
        assert line["train_cross_entropy"] == pytest.approx(line["train_loss"], rel=1e-5)


def test_smoothing_is_in_the_loss_and_not_in_the_cross_entropy(tmp_path: Path):
    recipe = small_recipe(train={"label_smoothing": 0.3, "epochs": 1})
    _, run = sitting(recipe, tmp_path / "run")
    (line,) = [line for line in run.metrics() if line["kind"] == "epoch"]
    assert abs(line["train_cross_entropy"] - line["train_loss"]) > 1e-3


def test_a_cut_run_ends_with_the_points_of_an_unbroken_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(step_curve, "MOST_POINTS", 5)  # every third step, across epochs
    assert steps_per_point(12) == 3
    _, unbroken = sitting(small_recipe(), tmp_path / "unbroken")
    for steps in (2, 3, 5):
        sitting(small_recipe(), tmp_path / "cut", stop_after=steps)
    _, cut = sitting(small_recipe(), tmp_path / "cut")
    assert points(unbroken)["step"] == [3, 6, 9, 12]
    assert points(cut) == points(unbroken)


def test_points_change_no_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    _, with_points = sitting(small_recipe(), tmp_path / "with")
    monkeypatch.setattr(loop, "steps_per_point", lambda _: 1_000_000)
    _, without = sitting(small_recipe(), tmp_path / "without")
    assert points(without)["step"] == []
    assert with_points.model_path.read_bytes() == without.model_path.read_bytes()


def test_a_checkpoint_of_an_earlier_version_leaves_its_epoch_without_a_cross_entropy(
    tmp_path: Path,
):
    _, run = sitting(small_recipe(), tmp_path / "run", stop_after=2)
    saved = run.load_state()
    del saved["curve"], saved["totals"]["cross_entropy"]
    run.save_state(saved)
    finished, run = sitting(small_recipe(), tmp_path / "run")
    assert finished
    entropies = [line["train_cross_entropy"] for line in run.metrics() if line["kind"] == "epoch"]
    assert entropies[0] is None
    assert None not in entropies[1:]


def test_long_runs_have_a_bounded_number_of_points():
    for total in (1, MOST_POINTS, MOST_POINTS + 1, 78_125, 10**7):
        assert total // steps_per_point(total) <= MOST_POINTS
    assert steps_per_point(MOST_POINTS) == 1
