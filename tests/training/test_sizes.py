"""Progressive resizing: what the network is shown, and what it costs."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from small import opened, small_recipe, use_images
from thriftnet.errors import RecipeError
from thriftnet.recipe.epochs import Epochs
from thriftnet.training.budget import Budget, fit_to_budget
from thriftnet.training.loop import train_step
from thriftnet.training.order import random_order
from thriftnet.training.setup import make_plan, make_state, recipe_network
from thriftnet.training.sizes import Sizes
from thriftnet.training.start import start_run

STAGES = ((1, 16), (3, 24))
SIZES = Sizes(STAGES, 32, {16: 100, 24: 250, 32: 400})


def test_each_epoch_has_its_side():
    assert [SIZES.side(epoch) for epoch in range(5)] == [16, 24, 24, 32, 32]
    assert SIZES.first_whole_epoch == 3


@pytest.mark.parametrize("steps", [0, 1, 6, 7, 15, 21, 30])
def test_operations_are_the_sum_over_steps(steps: int):
    epochs = Epochs(images=100, batch_size=16, drop_last=False, hard_fraction=0.5, full_epochs=1)
    expected = 0
    for step in range(steps):
        epoch, index = epochs.locate(step)
        visited = len(random_order(epochs, epoch, torch.zeros(100), generator=torch.Generator()))
        images = min(16, visited - 16 * index)
        expected += 6 * images * SIZES.macs[SIZES.side(epoch)]
    assert SIZES.operations(epochs, steps) == expected


def test_shrinking_is_pillows_antialiased_one():
    pixels = np.random.default_rng(0).normal(size=(32, 32)).astype(np.float32)
    image = torch.from_numpy(pixels).expand(1, 3, 32, 32)
    expected = np.asarray(Image.fromarray(pixels).resize((24, 24), Image.Resampling.BILINEAR))
    assert SIZES.resize(image, 1)[0, 0].numpy() == pytest.approx(expected, abs=1e-5)
    assert SIZES.resize(image, 3) is image


def test_the_network_is_shown_the_side_of_its_epoch():
    recipe = small_recipe(train={"sizes": STAGES})
    model = recipe_network(recipe, classes=10)
    plan = make_plan(recipe, opened(), model)
    state = make_state(recipe, plan, model)
    shown: list[tuple[int, ...]] = []

    def look(_: nn.Module, inputs: tuple[Tensor], __: Tensor) -> None:
        shown.append(tuple(inputs[0].shape[2:]))

    model.register_forward_hook(look)
    for epoch in (0, 1, 3):
        train_step(plan, state, torch.arange(16), epoch=epoch)
    assert shown == [(16, 16), (24, 24), (32, 32)]


def test_a_run_counts_what_its_sides_cost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    use_images(monkeypatch)
    counted: dict[str, float] = {}
    for name, sizes in {"whole": (), "small": STAGES}.items():
        recipe = small_recipe(train={"sizes": sizes, "epochs": 4})
        run = start_run(recipe, name=name, runs_dir=tmp_path)
        lines = (run.path / "metrics.jsonl").read_text().splitlines()
        counted[name] = json.loads(lines[-1])["pflop"]
    # One epoch at a quarter of the pixels, two at 9/16, one whole; the head costs the same.
    assert counted["small"] / counted["whole"] == pytest.approx(
        (0.25 + 2 * 0.5625 + 1) / 4, rel=0.01
    )


def test_a_budget_of_operations_knows_that_small_images_cost_less():
    recipe = small_recipe(train={"sizes": STAGES})
    plan = make_plan(recipe, opened(), recipe_network(recipe, classes=10))
    steps = plan.epochs.steps(3.5)
    budget = Budget(operations=float(plan.operations(steps)))
    found = fit_to_budget(recipe, plan, budget, None)
    bought = make_plan(found, opened(), recipe_network(found, classes=10))
    a_step = 6 * plan.macs * plan.batch_size
    assert budget.operations is not None
    assert 0 <= budget.operations - bought.operations(bought.total_steps) < a_step
    assert found.train.epochs > budget.operations / (6 * plan.macs * len(plan.images))


def test_stages_out_of_order_are_refused():
    with pytest.raises(RecipeError, match=r"train\.sizes .*rising epochs.*; put them in order"):
        small_recipe(train={"sizes": ((3, 24), (2, 28))})
    with pytest.raises(RecipeError, match=r"train\.sizes.* 16"):
        small_recipe(train={"sizes": ((3, 8),)})
