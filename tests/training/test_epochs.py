"""Epochs of different lengths: steps, places and images agree, and the hardest are visited."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from small import small_recipe
from thriftnet.recipe.epochs import Epochs
from thriftnet.recipe.few_images import avoid_lone_image
from thriftnet.training.order import average_losses, random_order


@st.composite
def any_epochs(draw: st.DrawFn) -> Epochs:
    images = draw(st.integers(10, 300))
    fraction = draw(st.sampled_from([1.0, 0.75, 0.5, 0.3]))
    return Epochs(
        images=images,
        batch_size=draw(st.integers(1, max(1, int(images * fraction)))),
        drop_last=draw(st.booleans()),
        hard_fraction=fraction,
        full_epochs=draw(st.integers(0, 3)),
    )


@given(epochs=any_epochs(), count=st.integers(1, 6))
def test_every_step_has_one_place(epochs: Epochs, count: int) -> None:
    places = [(e, i) for e in range(count) for i in range(epochs.steps_in(e))]
    assert [epochs.locate(step) for step in range(len(places))] == places
    assert epochs.steps(count) == len(places)
    assert epochs.first_step(count) == len(places)


@given(epochs=any_epochs(), steps=st.integers(1, 200))
def test_epochs_and_steps_are_inverse(epochs: Epochs, steps: int) -> None:
    assert epochs.steps(epochs.epochs(steps)) == steps


@given(epochs=any_epochs(), steps=st.integers(0, 60))
def test_images_are_those_of_the_batches(epochs: Epochs, steps: int) -> None:
    losses = torch.rand(epochs.images)
    seen = 0
    for step in range(steps):
        epoch, index = epochs.locate(step)
        order = random_order(epochs, epoch, losses, generator=torch.Generator())
        seen += len(order[index * epochs.batch_size : (index + 1) * epochs.batch_size])
    epoch, index = epochs.locate(steps)
    assert seen == epochs.images_in(steps)


@pytest.mark.parametrize(
    ("images", "fraction", "hard"),
    [(50_000, 0.28, 14_000), (45_000, 0.07, 3_150), (10, 0.31, 4), (3, 1 / 3, 1)],
)
def test_a_share_of_the_images_is_not_rounded_past_itself(
    images: int, fraction: float, hard: int
) -> None:
    """50,000 x 0.28 is 14,000.000000000002 in doubles; one more would be a step of one image."""
    epochs = Epochs(images=images, batch_size=1, drop_last=False, hard_fraction=fraction)
    assert epochs.hard_images == hard


@given(epochs=any_epochs(), size=st.integers(1, 300))
def test_no_micro_batch_has_another_size_than_was_told(epochs: Epochs, size: int) -> None:
    size = min(size, epochs.batch_size)
    batches = [
        torch.zeros(images).split(epochs.batch_size)
        for images in (epochs.images if epochs.full_epochs else 0, epochs.hard_images)
    ]
    found = {
        len(part)
        for visited in batches
        for batch in visited
        if len(batch) == epochs.batch_size or not epochs.drop_last
        for part in batch.split(size)
    }
    assert found - {0} <= epochs.micro_batches(size)


def test_later_epochs_visit_the_largest_losses_in_random_order() -> None:
    epochs = Epochs(images=10, batch_size=2, drop_last=False, hard_fraction=0.4, full_epochs=1)
    losses = torch.tensor([0.1, 5.0, 0.2, torch.inf, 0.3, 4.0, 0.4, 3.0, 0.5, 0.6])
    first = random_order(epochs, 0, losses, generator=torch.Generator().manual_seed(0))
    assert sorted(first.tolist()) == list(range(10))
    orders = {
        tuple(random_order(epochs, 1, losses, generator=torch.Generator().manual_seed(s)).tolist())
        for s in range(20)
    }
    assert {tuple(sorted(order)) for order in orders} == {(1, 3, 5, 7)}
    assert len(orders) > 5


@given(
    decay=st.sampled_from([0.0, 0.5, 0.75]),
    visits=st.lists(st.lists(st.floats(0, 10, width=32), min_size=3, max_size=3), min_size=1),
)
def test_losses_are_averaged_over_visits(decay: float, visits: list[list[float]]) -> None:
    epochs = Epochs(images=4, batch_size=2, drop_last=False, loss_decay=decay)
    losses, at = torch.full((4,), torch.inf), torch.tensor([0, 1, 3])
    expected = torch.tensor(visits[0])
    for number, visit in enumerate(map(torch.tensor, visits)):
        losses[at] = average_losses(losses[at], visit, decay=epochs.loss_decay)
        expected = expected if number == 0 else decay * expected + (1 - decay) * visit
    torch.testing.assert_close(losses[at], expected)
    assert losses[2] == torch.inf, "one that was never seen is still the hardest"


@pytest.mark.parametrize("full_epochs", [0, 3])
def test_without_a_fraction_every_epoch_is_whole(full_epochs: int) -> None:
    epochs = Epochs(images=7, batch_size=3, drop_last=False, full_epochs=full_epochs)
    for epoch in range(5):
        order = random_order(epochs, epoch, torch.rand(7), generator=torch.Generator())
        assert sorted(order.tolist()) == list(range(7))
        assert epochs.steps_in(epoch) == 3


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize(("batch", "micro"), [(2, 0), (64, 32), (64, 0), (33, 16)])
def test_a_chosen_recipe_leaves_no_image_alone(batch: int, micro: int, drop_last: bool) -> None:
    train = {"batch_size": batch, "micro_batch": micro, "drop_last": drop_last}
    recipe = small_recipe(train=train)
    for images in range(batch if drop_last else 2, 140):  # fewer have no step
        chosen = avoid_lone_image(recipe, images=images)
        epochs = Epochs.of(chosen.train, images=images)
        assert not epochs.has_lone_image(chosen.train.micro_batch)
        if not Epochs.of(recipe.train, images=images).has_lone_image(micro):
            assert chosen is recipe
