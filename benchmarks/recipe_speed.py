"""How fast does each recipe train here, and how long would all of it take?

    python benchmarks/recipe_speed.py

Trains each shipped recipe for some seconds on real data, augmentation included, and takes the
median step. Writes results/recipe_speed.json.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

import torch

from record import write_result
from thriftnet.data import Dataset, load_cifar10
from thriftnet.models.describe import count_parameters, training_flops
from thriftnet.recipe import load_recipe, shipped_recipes
from thriftnet.training.loop import train_step
from thriftnet.training.setup import make_plan, make_state, recipe_network


def speed(name: str, train_set: Dataset, *, seconds: float) -> dict[str, Any]:
    """Images a second of a recipe, from the median step after two to warm up."""
    recipe = load_recipe(name)
    model = recipe_network(recipe, classes=len(train_set.classes))
    plan = make_plan(recipe, train_set, model)
    state = make_state(recipe, plan, model)
    order = torch.randperm(len(plan.images))
    times: list[float] = []
    deadline = time.monotonic() + seconds
    while len(times) < 5 or time.monotonic() < deadline:
        batch = order[: plan.batch_size].roll(len(times))
        began = time.monotonic()
        train_step(plan, state, batch, epoch=0)
        times.append(time.monotonic() - began)
    rate = plan.batch_size / statistics.median(times[2:])
    images = round(plan.total_steps / plan.steps_per_epoch * len(plan.images))
    return {
        "parameters": count_parameters(model),
        "macs": plan.macs,
        "epochs": recipe.train.epochs,
        "pflop": training_flops(plan.macs, images) / 1e15,
        "precision": plan.compute.precision,
        "images_per_second": rate,
        "expected_seconds": images / rate,
    }


def main() -> None:
    """Measure every shipped recipe and write the result."""
    train_set, _ = load_cifar10()
    recipes = {name: speed(name, train_set, seconds=20) for name in shipped_recipes()}
    write_result("recipe_speed", {"recipes": recipes})


if __name__ == "__main__":
    main()
