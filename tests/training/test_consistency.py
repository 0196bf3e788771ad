"""Each image twice in a step: the loss, its gradient, and what is counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.spatial.distance import jensenshannon
from torch import nn

from small import opened, sitting, small_recipe
from thriftnet.errors import RecipeError
from thriftnet.recipe import Recipe, load_recipe
from thriftnet.runtime.device import choose_compute
from thriftnet.training.budget import Budget, fit_to_budget
from thriftnet.training.objective import Consistency, CrossEntropy, jensen_shannon
from thriftnet.training.setup import Plan, make_plan, recipe_network

NOISE = {"noise": 1.0, "noise_deviation": 0.3}


def plan_of(recipe: Recipe) -> Plan:
    return make_plan(recipe, opened(), recipe_network(recipe, classes=10))


def test_the_divergence_is_scipys_squared_distance():
    logits = torch.randn(2, 20, 7, generator=torch.Generator().manual_seed(0)).double() * 3
    first, second = (each.softmax(dim=1).numpy() for each in logits)
    expected = jensenshannon(first, second, axis=1) ** 2
    np.testing.assert_allclose(jensen_shannon(*logits), expected, rtol=1e-9)


def test_opposite_predictions_have_the_largest_divergence_and_a_finite_gradient():
    first = torch.tensor([[60.0, -60.0]], requires_grad=True)
    found = jensen_shannon(first, torch.tensor([[-60.0, 60.0]]))
    assert float(found.detach()) == pytest.approx(np.log(2))
    found.sum().backward()
    assert first.grad is not None
    assert bool(first.grad.isfinite().all())
    assert float(jensen_shannon(first, first).detach().abs().max()) == 0


def test_the_first_view_has_the_cross_entropy_and_both_the_divergence():
    compute = choose_compute(device="cpu", precision="fp32")
    plain = CrossEntropy(compute, 0.1)
    logits = torch.randn(12, 5, generator=torch.Generator().manual_seed(1), requires_grad=True)
    labels = torch.arange(6) % 5
    loss, told = Consistency(plain, 3.0)(nn.Identity(), logits, labels)
    first, second = logits[:6], logits[6:]
    expected = F.cross_entropy(first, labels, label_smoothing=0.1, reduction="sum")
    torch.testing.assert_close(loss, expected + 3 * jensen_shannon(first, second).sum())
    assert torch.equal(told, first)
    loss.backward()
    assert logits.grad is not None
    assert float(logits.grad[6:].abs().max()) > 0


def test_a_training_sees_both_views_and_its_operations_are_counted_twice(tmp_path: Path):
    both = small_recipe(augment=NOISE, train={"consistency": 1.0})
    once = small_recipe(augment=NOISE)
    assert plan_of(both).operations(5) == 2 * plan_of(once).operations(5)
    assert plan_of(both).image_operations(32) == 2 * plan_of(once).image_operations()
    finished, run = sitting(both, tmp_path / "both")
    assert finished
    _, other = sitting(once, tmp_path / "once")
    ends = [each.metrics()[-1] for each in (run, other)]
    assert ends[0]["pflop"] == pytest.approx(2 * ends[1]["pflop"])
    losses = [line["train_loss"] for line in run.metrics() if line["kind"] == "epoch"]
    assert losses[-1] < losses[0]


def test_a_budget_of_operations_buys_half_as_many_epochs():
    recipe = small_recipe(augment=NOISE, train={"epochs": 50})
    both = small_recipe(augment=NOISE, train={"epochs": 50, "consistency": 1.0})
    budget = Budget(operations=float(plan_of(recipe).operations(60)))
    found = [fit_to_budget(each, plan_of(each), budget, None) for each in (recipe, both)]
    assert found[1].train.epochs == pytest.approx(found[0].train.epochs / 2, rel=0.05)


def test_consistency_without_anything_to_tell_the_views_apart_is_refused():
    with pytest.raises(RecipeError, match=r"train\.consistency does nothing with .*; set one"):
        load_recipe("quick", ["train.consistency=12"])
    with pytest.raises(RecipeError, match=r"augment\.jpeg_quality does nothing .*back to 40"):
        load_recipe("quick", ["augment.jpeg_quality=50"])
    with pytest.raises(RecipeError, match=r"augment\.noise"):
        load_recipe("quick", ["augment.noise=2"])
