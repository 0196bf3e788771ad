"""Imbalanced classes: what weighs in the loss and what is drawn more often are the same in mean."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from small import dataset, opened, sitting, small_recipe
from thriftnet.data import Dataset
from thriftnet.data.balance import (
    POWER,
    BalancedOrder,
    balanced,
    class_weights,
    repeats_before,
)
from thriftnet.errors import RecipeError
from thriftnet.runtime.device import Compute
from thriftnet.training.objective import CrossEntropy
from thriftnet.training.setup import make_plan, make_state, recipe_network

COUNTS = (900, 100, 25, 1)
LABELS = torch.repeat_interleave(torch.arange(4), torch.tensor(COUNTS))


def uneven(count: int = 120) -> Dataset:
    """The images of `dataset`, most of the later classes left out."""
    data = dataset(count)
    keep = [at for at in range(count) if at % 10 < 3 or at < 30]
    return data.subset(np.array(keep))


def drawn(order: Tensor, labels: Tensor = LABELS) -> list[int]:
    return torch.bincount(labels[order], minlength=4).tolist()


def test_weights_go_by_the_root_of_the_counts_and_have_mean_one() -> None:
    weights = class_weights(LABELS, classes=5)
    assert weights[4] == 0
    assert weights[LABELS].mean().item() == pytest.approx(1, abs=1e-6)
    assert (weights[1] / weights[0]).item() == pytest.approx((900 / 100) ** POWER)
    assert (weights[3] / weights[0]).item() == pytest.approx(900**POWER)
    assert torch.equal(class_weights(torch.arange(30) % 3, classes=3), torch.ones(3))


def test_an_epoch_has_each_class_as_often_as_it_weighs_and_its_images_alike() -> None:
    weights = class_weights(LABELS, classes=4)
    order = BalancedOrder(LABELS, weights)(generator=torch.Generator().manual_seed(0))
    assert len(order) == len(LABELS)
    shares = weights * torch.tensor(COUNTS)  # they add up to all images, as weights have mean 1
    for count, share in zip(drawn(order), shares.tolist(), strict=True):
        assert abs(count - share) < 1
    visits = torch.bincount(order, minlength=len(LABELS))
    for label in range(4):
        of_class = visits[label == LABELS]
        assert of_class.max() - of_class.min() <= 1


def test_an_order_is_named_by_its_generator() -> None:
    order = BalancedOrder(LABELS, class_weights(LABELS, classes=4))
    first, again, other = (order(generator=torch.Generator().manual_seed(s)) for s in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert not torch.equal(first.sort().values, other.sort().values)  # others come once more


def test_weighing_and_drawing_have_the_same_mean_loss() -> None:
    """Over many epochs the mean loss of what is drawn is the weighted mean of all."""
    losses = torch.rand(len(LABELS), generator=torch.Generator().manual_seed(3))
    weights = class_weights(LABELS, classes=4)
    order = BalancedOrder(LABELS, weights)
    means = [losses[order(generator=torch.Generator().manual_seed(s))].mean() for s in range(40)]
    wanted = (losses * weights[LABELS]).mean().item()
    assert torch.stack(means).mean().item() == pytest.approx(wanted, abs=2e-3)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_the_loss_of_an_image_counts_by_its_class_and_of_a_mixed_one_by_its_shares(
    smoothing: float,
) -> None:
    draws = torch.Generator().manual_seed(0)
    images, targets = torch.randn(6, 4, generator=draws), torch.tensor([0, 1, 2, 3, 1, 0])
    weights = torch.tensor([0.5, 1.0, 2.0, 4.0])
    compute = Compute(torch.device("cpu"), "fp32")
    objective = CrossEntropy(compute, smoothing, weights)
    loss, logits = objective(nn.Identity(), images, targets)
    log_p = logits.log_softmax(1)
    smooth = F.one_hot(targets, 4) * (1 - smoothing) + smoothing / 4
    by_hand = (-(smooth * log_p).sum(1) * weights[targets]).sum()
    torch.testing.assert_close(loss, by_hand)

    shares = torch.tensor([[0.3, 0.7, 0, 0]] * 6)
    mixed, _ = objective(nn.Identity(), images, shares)
    smooth = shares * (1 - smoothing) + smoothing / 4
    by_hand = (-(smooth * log_p).sum(1) * (0.3 * 0.5 + 0.7 * 1.0)).sum()
    torch.testing.assert_close(mixed, by_hand)


def test_weights_of_one_change_no_loss() -> None:
    images, targets = torch.randn(8, 4), torch.arange(8) % 4
    compute = Compute(torch.device("cpu"), "fp32")
    plain, _ = CrossEntropy(compute, 0.1)(nn.Identity(), images, targets)
    ones, _ = CrossEntropy(compute, 0.1, torch.ones(4))(nn.Identity(), images, targets)
    torch.testing.assert_close(plain, ones)


def test_repeats_are_counted_within_a_batch() -> None:
    batch = torch.tensor([7, 3, 7, 7, 0, 3])
    assert repeats_before(batch).tolist() == [0, 0, 1, 2, 0, 1]
    assert repeats_before(torch.tensor([5])).tolist() == [0]


@pytest.mark.parametrize("kind", ["loss", "sampling"])
def test_what_the_recipe_says_reaches_the_plan(kind: str) -> None:
    recipe = small_recipe(data={"balance": kind})
    data = opened(uneven())
    plan = make_plan(recipe, data, recipe_network(recipe, classes=10))
    assert (plan.balance is None) == (kind == "loss")
    assert isinstance(plan.objective, CrossEntropy)
    assert (plan.objective.weights is None) == (kind == "sampling")
    state = make_state(recipe, plan, recipe_network(recipe, classes=10))
    order = plan.order(0, state.losses)
    assert len(order) == len(plan.images)
    rare = [int((plan.labels[order] == label).sum()) for label in (0, 5)]
    had = [int((plan.labels == label).sum()) for label in (0, 5)]
    assert rare[1] / rare[0] > had[1] / had[0] if kind == "sampling" else rare == had
    assert balanced("none", plan.labels, classes=10) == (None, None)


def test_an_image_that_comes_twice_in_a_batch_is_seen_twice(tmp_path: Path) -> None:
    """So that alternating flips alternate."""
    recipe = small_recipe(data={"balance": "sampling"})
    plan = make_plan(recipe, opened(uneven()), recipe_network(recipe, classes=10))
    _, run = sitting(recipe, tmp_path / "run", stop_after=plan.epochs.full_steps, images=uneven)
    order = plan.order(0, torch.empty(0))
    assert any(int(repeats_before(batch).max()) > 0 for batch in order.split(plan.batch_size))
    seen = run.load_state()["seen"]
    assert torch.equal(seen, torch.bincount(order, minlength=len(plan.images)))


RECIPES: dict[str, Callable[[], dict[str, object]]] = {
    "loss": lambda: {"data": {"balance": "loss"}, "augment": {"mixup": 0.4}},
    "sampling": lambda: {"data": {"balance": "sampling"}, "train": {"micro_batch": 4}},
}


@pytest.mark.parametrize("name", RECIPES)
def test_resumed_equals_unbroken(name: str, tmp_path: Path) -> None:
    recipe = small_recipe(**RECIPES[name]())
    _, unbroken = sitting(recipe, tmp_path / "unbroken", images=uneven)
    for steps in (1, 2):
        finished, _ = sitting(recipe, tmp_path / "cut", stop_after=steps, images=uneven)
        assert not finished
    finished, resumed = sitting(recipe, tmp_path / "cut", images=uneven)
    assert finished
    assert resumed.model_path.read_bytes() == unbroken.model_path.read_bytes()
    _, plain = sitting(small_recipe(), tmp_path / "plain", images=uneven)
    assert plain.model_path.read_bytes() != unbroken.model_path.read_bytes()


def test_the_key_leaves_digests_alone_and_two_choices_of_images_are_refused() -> None:
    assert small_recipe(data={"balance": "none"}).digest() == small_recipe().digest()
    assert small_recipe(data={"balance": "loss"}).digest() != small_recipe().digest()
    with pytest.raises(RecipeError, match=r"data.balance=sampling and train.hard_fraction both"):
        small_recipe(data={"balance": "sampling"}, train={"hard_fraction": 0.5, "full_epochs": 1})
