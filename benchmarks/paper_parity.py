"""Does our loop train the paper's network as a plain PyTorch loop does?

    python benchmarks/paper_parity.py --steps 300 --batch-size 32

Both see the same augmented images of the real training set, in the same order, from the same
initial weights, in fp32, with the recipe `paper`. Writes results/paper_parity.json.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import torch
from torch import Tensor

from support.record import write_result
from support.reference_loop import PlainResNet, copy_weights, plain_losses
from support.turns import without_kernels
from thriftnet.data import OpenDataset
from thriftnet.data.options import DatasetSpec
from thriftnet.data.registry import open_dataset
from thriftnet.recipe import Recipe, load_recipe
from thriftnet.runtime.layout import with_layout
from thriftnet.training.loop import train_step
from thriftnet.training.rng import generator
from thriftnet.training.setup import Plan, make_plan, make_state, recipe_network


def parity(recipe: Recipe, data: OpenDataset, *, steps: int) -> tuple[list[float], list[float]]:
    """The losses of our loop and of the plain one, step by step.

    Both with PyTorch's operators: AdamW's first steps have the size of the learning rate,
    whatever the gradient's, so that another rounding is another training.
    """
    model = recipe_network(recipe, classes=len(data.classes))
    plan = make_plan(recipe, data, model)
    reference = PlainResNet(
        recipe.model.model_dump()["blocks"], recipe.model.model_dump()["channels"]
    )
    reference = with_layout(reference, torch.channels_last)
    copy_weights(model, reference)
    state = make_state(recipe, plan, model)
    ours: list[float] = []
    for epoch, batch in _order(plan, steps):
        before = state.totals.loss
        with without_kernels():
            train_step(plan, state, batch, epoch=epoch)
        ours.append((state.totals.loss - before) / len(batch))
    return ours, plain_losses(reference, _images(plan, steps))


def _order(plan: Plan, steps: int) -> Iterator[tuple[int, Tensor]]:
    for step in range(steps):
        epoch, index = plan.epochs.locate(step)
        order = torch.randperm(len(plan.images), generator=generator(plan.seed, "order", epoch))
        yield epoch, order[index * plan.batch_size : (index + 1) * plan.batch_size]


def _images(plan: Plan, steps: int) -> Iterator[tuple[int, Tensor, Tensor]]:
    for step, (epoch, batch) in enumerate(_order(plan, steps)):
        draws = generator(plan.seed, "augment", step)
        images = plan.augment(plan.images[batch], indices=batch, visits=epoch, generator=draws)
        yield epoch, images, plan.labels[batch]


def main() -> None:
    """Compare and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--batch-size", type=int, default=32)
    arguments = parser.parse_args()
    overrides = ["train.precision=fp32", "train.device=cpu"]
    recipe = load_recipe("paper", [*overrides, f"train.batch_size={arguments.batch_size}"])
    ours, plain = parity(recipe, open_dataset(DatasetSpec()), steps=arguments.steps)
    gap = max(abs(a - b) for a, b in zip(ours, plain, strict=True))
    write_result(
        "paper_parity",
        {
            "steps": arguments.steps,
            "batch_size": arguments.batch_size,
            "seeds": [recipe.seed],
            "largest_difference": gap,
            "tolerance": 1e-4,
            "holds": gap <= 1e-4,
            "first_loss": ours[0],
            "last_loss": ours[-1],
        },
    )
    print(f"largest difference of {arguments.steps} losses: {gap:.2e}")


if __name__ == "__main__":
    main()
