"""The paper's network: our training loop against the plain PyTorch loop, images per second.

    python benchmarks/paper_speed.py --seconds 90

The plain loop is what the paper's authors had, on a CPU: fp32, ordinary memory layout, no
autocast, each image transformed by Pillow in two DataLoader workers. Ours is the recipe `paper`
as it stands. The two take turns on the same real images, each turn in a process of its own:
ours sets the allocator, which the plain loop does not. Writes results/paper_speed.json.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageEnhance
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from support.record import write_result
from support.reference_loop import PlainResNet
from thriftnet.bench.speed import training_speed
from thriftnet.data import CIFAR10_MEAN, CIFAR10_STD, Dataset, load_cifar10
from thriftnet.data.opened import open_arrays
from thriftnet.recipe import load_recipe
from thriftnet.training.loop import train_step
from thriftnet.training.setup import make_plan, make_state, recipe_network

_TURNS = 3
_WARM_UP = 2
"""Steps of each turn that are not counted."""


class PerImage(TorchDataset[tuple[Tensor, int]]):
    """The paper's transforms, image by image."""

    def __init__(self, data: Dataset) -> None:
        self.data = data
        self.mean = torch.tensor(CIFAR10_MEAN).view(3, 1, 1)
        self.std = torch.tensor(CIFAR10_STD).view(3, 1, 1)

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        image = Image.fromarray(self.data.images[index])
        if random.random() < 0.5:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        padded = Image.new("RGB", (40, 40))
        padded.paste(image, (4, 4))
        x, y = random.randint(0, 8), random.randint(0, 8)
        image = padded.crop((x, y, x + 32, y + 32))
        enhancers = [ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color]
        random.shuffle(enhancers)
        for enhancer in enhancers:
            image = enhancer(image).enhance(random.uniform(0.8, 1.2))
        image = image.rotate(random.uniform(-15, 15))
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255
        return (pixels - self.mean) / self.std, int(self.data.labels[index])


def plain_steps(data: Dataset) -> Callable[[], None]:
    """A call that takes one step of the plain loop, batch 128."""
    model = PlainResNet([3, 5, 3, 0], [64, 128, 256, 512])
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.001)
    loader = DataLoader(PerImage(data), batch_size=128, shuffle=True, num_workers=2)
    batches = iter(loader)

    def step() -> None:
        images, labels = next(batches)
        optimiser.zero_grad()
        F.cross_entropy(model(images), labels).backward()
        optimiser.step()

    return step


def our_steps(data: Dataset) -> Callable[[], None]:
    """A call that takes one step of the recipe `paper`, batch 128."""
    recipe = load_recipe("paper")
    model = recipe_network(recipe, classes=10)
    plan = make_plan(recipe, open_arrays(data), model)
    state = make_state(recipe, plan, model)
    order = torch.randperm(len(plan.images))
    batches = order[: len(order) // plan.batch_size * plan.batch_size].split(plan.batch_size)

    def step() -> None:
        train_step(plan, state, batches[state.step % len(batches)], epoch=0)

    return step


def take_turn(loop: str, *, seconds: float) -> list[float]:
    """Seconds of each step of a loop, for about that long, in a process of its own."""
    turn = [sys.executable, __file__, "--turn", loop, "--seconds", str(seconds)]
    return json.loads(subprocess.run(turn, check=True, capture_output=True, text=True).stdout)


def timed_steps(loop: str, *, seconds: float) -> list[float]:
    """Seconds of each step, for about that long."""
    train_set, _ = load_cifar10()
    step = LOOPS[loop](train_set)
    for _ in range(_WARM_UP):
        step()
    times: list[float] = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        began = time.monotonic()
        step()
        times.append(time.monotonic() - began)
    return times


LOOPS = {"plain": plain_steps, "ours": our_steps}


def main() -> None:
    """Take turns and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=90, help="for each loop, in all")
    parser.add_argument("--turn", choices=LOOPS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.turn:
        print(json.dumps(timed_steps(arguments.turn, seconds=arguments.seconds)))
        return
    times: dict[str, list[float]] = {name: [] for name in LOOPS}
    for _ in range(_TURNS):
        for name in LOOPS:
            times[name] += take_turn(name, seconds=arguments.seconds / _TURNS)
    rates = {name: 128 / statistics.median(found) for name, found in times.items()}
    ratio = rates["ours"] / rates["plain"]
    write_result(
        "paper_speed",
        {
            "batch_size": 128,
            "seeds": [0],
            "images_per_second": rates,
            "steps": {name: len(found) for name, found in times.items()},
            "ratio": ratio,
            "augmentation_share": {
                name: training_speed(load_recipe(name), seconds=10).augmentation_share
                for name in ("paper", "authors", "quick")
            },
            "target": {"ratio": 3.5, "augmentation_share": 0.03},
            "reached": ratio >= 3.5,
        },
    )
    print(f"plain {rates['plain']:.1f} img/s, ours {rates['ours']:.1f} img/s: {ratio:.2f} times")


if __name__ == "__main__":
    main()
