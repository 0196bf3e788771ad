"""What varies in a step is handed in: the objective and the update."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from small import dataset, opened, small_recipe
from thriftnet.recipe.epochs import Epochs
from thriftnet.runs.new_run import create_run
from thriftnet.runtime.interrupt import StopRequest
from thriftnet.training.loop import fit, train_step
from thriftnet.training.objective import CrossEntropy
from thriftnet.training.progress import Quiet
from thriftnet.training.recorder import Recorder
from thriftnet.training.setup import Plan, make_plan, make_state, recipe_network
from thriftnet.training.sizes import Sizes
from thriftnet.training.state import TrainingState
from thriftnet.training.update import Descent

RECIPE = small_recipe(
    optim={"name": "sgd", "lr": 0.1, "momentum": 0.0, "weight_decay": 0.0},
    schedule={"name": "constant", "warmup_epochs": 0},
    model={"stochastic_depth": 0.0},
    train={"ema_decay": 0.0, "micro_batch": 8},
)


def training() -> tuple[Plan, TrainingState]:
    model = recipe_network(RECIPE, classes=10)
    plan = make_plan(RECIPE, opened(dataset()), model)
    return plan, make_state(RECIPE, plan, model)


@dataclass(frozen=True)
class Scaled:
    """Another objective's loss, times a factor."""

    objective: CrossEntropy
    factor: float

    def __call__(
        self, network: nn.Module, images: Tensor, targets: Tensor
    ) -> tuple[Tensor, Tensor]:
        loss, logits = self.objective(network, images, targets)
        return self.factor * loss, logits


class Backward(Descent):
    """Looks at the gradient, and takes two steps of it at twice the cost."""

    def __call__(self, state: TrainingState, gradients: Callable[[], None]) -> None:
        for _ in range(2):
            super().__call__(state, gradients)

    def operations(self, sizes: Sizes, epochs: Epochs, steps: int) -> int:
        return 2 * super().operations(sizes, epochs, steps)


def moved(plan: Plan, state: TrainingState) -> list[Tensor]:
    before = [p.detach().clone() for p in state.model.parameters()]
    train_step(plan, state, torch.arange(16), epoch=0)
    return [p.detach() - b for p, b in zip(state.model.parameters(), before, strict=True)]


def test_an_objective_of_ones_own_is_what_the_weights_descend():
    plan, state = training()
    assert isinstance(plan.objective, CrossEntropy)
    once = moved(plan, state)
    plan, state = training()
    thrice = moved(replace(plan, objective=Scaled(plan.objective, 3.0)), state)
    for a, b in zip(once, thrice, strict=True):
        torch.testing.assert_close(3 * a, b, rtol=1e-4, atol=1e-6)
    assert max(float(a.abs().max()) for a in once) > 0


def test_an_update_of_ones_own_moves_the_weights_and_counts_its_operations(tmp_path: Path):
    plan, state = training()
    plan = replace(plan, update=Backward())
    steps = sum(float(x.abs().sum()) for x in moved(plan, state))
    assert steps > sum(float(x.abs().sum()) for x in moved(*training()))
    assert plan.operations(5) == 2 * plan.sizes.operations(plan.epochs, 5)
    state = make_state(RECIPE, plan, recipe_network(RECIPE, classes=10))
    run = create_run(tmp_path / "run", RECIPE, {})
    assert fit(plan, state, Recorder(RECIPE, plan, state, run, Quiet()), StopRequest())
    end = run.metrics()[-1]
    counted = plan.sizes.operations(plan.epochs, end["step"])
    assert end["pflop"] == pytest.approx(2 * counted / 1e15)


def test_a_step_that_asks_twice_for_gradients_has_seen_its_images_once():
    plan, state = training()
    train_step(replace(plan, update=Backward()), state, torch.arange(16), epoch=0)
    assert state.totals.images == state.visits.sum() == 16
    assert state.curve.images in (0, 16)
