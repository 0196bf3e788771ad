"""Converts a budget of time or operations to a number of epochs."""

from __future__ import annotations

import math
import re
import statistics
import time
from bisect import bisect_right
from dataclasses import dataclass, replace
from functools import partial

import torch

from thriftnet.errors import RecipeError
from thriftnet.models.describe import training_flops
from thriftnet.recipe import Recipe, build_recipe
from thriftnet.recipe.epochs import Epochs
from thriftnet.recipe.lengths import follow_epochs, scale_training
from thriftnet.recipe.sections import TrainSection
from thriftnet.training.loop import train_step
from thriftnet.training.setup import Plan
from thriftnet.training.state import TrainingState

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_OPERATIONS = {"G": 1e9, "T": 1e12, "P": 1e15}
_PARAMETERS = {"": 1.0, "k": 1e3, "M": 1e6}
_CALIBRATION_SECONDS = 4.0
_MARGIN = 0.03
"""Share of the time kept in reserve, for files and for errors of the short measurement."""
_ROUNDINGS = 4
_MOST_STEPS = 2.0**53
"""Upper limit of steps: larger integers are not exact as floats."""


@dataclass(frozen=True)
class Budget:
    """Limits for a whole run; None means unlimited."""

    seconds: float | None = None
    """From `began` to the end of the evaluation."""
    operations: float | None = None
    """Counted operations of training."""
    began: float = 0.0
    """Start of the time budget, by `time.monotonic()`."""
    test_views: int = 2
    """Test-time augmentation views per image in the evaluation after training."""
    test_images: int = 10_000
    reopening: float = 0.0
    """Seconds to open the test images for that evaluation."""
    capped: bool = False
    """Whether the recipe's epochs are an upper limit."""


@dataclass(frozen=True)
class MeasuredCosts:
    """Seconds per image, measured on this machine."""

    train_image: float
    """Seconds of training per image."""
    infer_image: float
    """Seconds of inference per view of an image."""


def parse_duration(text: str) -> float:
    """Seconds of `90s`, `5m` or `1.5h`.

    Raises:
        RecipeError: It is none of these.
    """
    return _parse(text, _SECONDS, "--time-budget", "90s, 5m or 1.5h")


def parse_operations(text: str) -> float:
    """Operations of `300T` or `0.3P`.

    Raises:
        RecipeError: It is none of these.
    """
    return _parse(text, _OPERATIONS, "--flops-budget", "300T or 0.3P")


def parse_parameters(text: str | int) -> int:
    """Parameters of `800k`, `5M` or `123456`.

    Raises:
        RecipeError: It is none of these.
    """
    count = _parse(text, _PARAMETERS, "--max-params", "800k or 5M")
    return max(1, round(min(count, _MOST_STEPS)))  # it may be infinite


def measure_pace(plan: Plan, state: TrainingState) -> MeasuredCosts:
    """Time some training steps and inference; `state` must not be used afterwards."""
    batch = torch.arange(min(plan.batch_size, len(plan.images)))
    steps: list[float] = []
    whole = plan.sizes.first_whole_epoch
    deadline = time.monotonic() + _CALIBRATION_SECONDS
    # The main process decides by its clock, so that all processes take the same steps.
    while len(steps) < 4 or plan.processes.broadcast_from_main(lambda: time.monotonic() < deadline):
        began = time.monotonic()
        train_step(plan, state, batch, epoch=whole)
        steps.append(time.monotonic() - began)
    began = time.monotonic()
    few = plan.images[:500]
    plan.engine(state.model).logits(few)
    pace = MeasuredCosts(
        train_image=statistics.median(steps[1:]) / len(batch),
        infer_image=(time.monotonic() - began) / len(few),
    )
    return plan.processes.broadcast_from_main(lambda: pace)


def deadline_of(budget: Budget, pace: MeasuredCosts) -> float:
    """When training must end, by `time.monotonic()`, to leave time for the evaluation."""
    assert budget.seconds is not None
    inference = budget.test_images * budget.test_views * pace.infer_image
    return budget.began + budget.seconds * (1 - _MARGIN) - inference - budget.reopening


def fit_to_budget(recipe: Recipe, plan: Plan, budget: Budget, pace: MeasuredCosts | None) -> Recipe:
    """The recipe with as many epochs as fit the budget; schedules scale with it.

    Lengths of the schedule, full epochs, epochs on smaller images and epochs that train the stem
    change in proportion, so that a short run also ends on full-size images.

    Args:
        recipe: Its epochs matter only if the budget is capped by them.
        plan: The plan of that recipe.
        budget: With `seconds`, `operations` or both; the tighter one applies.
        pace: Required for a time budget.

    Raises:
        RecipeError: The budget does not cover a single step.
    """
    choices: list[float] = []
    if budget.operations is not None:
        choices.append(budget.operations)
    if budget.seconds is not None:
        assert pace is not None
        shortest = plan.epochs.hard_images  # an upper bound on validations per image
        an_image = pace.train_image + len(plan.val_images) / shortest * pace.infer_image
        images = (deadline_of(budget, pace) - time.monotonic()) / an_image
        choices.append(images * plan.image_operations())
    fewest = training_flops(min(plan.sizes.macs.values()), 1)  # cost of the smallest step
    operations = min(*choices, _MOST_STEPS * fewest)
    scale = max(1, operations) / plan.operations(plan.total_steps)  # the time may be used up
    if budget.capped and scale >= 1:
        return recipe
    settings = recipe.train
    for _ in range(_ROUNDINGS):  # epochs differ in cost, so iterate
        settings = scale_training(recipe.train, scale)
        steps = _steps_bought(settings, plan, operations, most=math.floor(operations / fewest) + 2)
        if steps < 1:
            raise RecipeError(
                f"the budget does not allow one step of {recipe.name} after start-up and "
                "evaluation; raise it, or use a smaller network"
            )
        bought = Epochs.of(settings, images=len(plan.images)).epochs(steps)
        settings = settings.model_copy(update={"epochs": bought})
        scale = bought / recipe.train.epochs
    return _with_training(recipe, settings)


def _steps_bought(settings: TrainSection, plan: Plan, operations: float, *, most: int) -> int:
    """The largest number of steps within `operations`."""
    sizes = replace(plan.sizes, stages=settings.sizes)
    epochs = Epochs.of(settings, images=len(plan.images))
    cost = partial(plan.update.operations, sizes, epochs)
    return bisect_right(range(max(0, most)), operations, key=cost) - 1


def _with_training(recipe: Recipe, settings: TrainSection) -> Recipe:
    tree = recipe.model_dump(mode="json")
    tree["train"] = settings.model_dump(mode="json")
    follow_epochs(tree, before=recipe.train.epochs, keep=["train"])
    return build_recipe(tree, origin=recipe.name)


def _parse(text: str | int, units: dict[str, float], option: str, examples: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]?)", str(text).strip())
    if not match or match.group(2) not in units or float(match.group(1)) == 0:
        raise RecipeError(f"{option} {text!r} is not a budget such as {examples}")
    return float(match.group(1)) * units[match.group(2)]
