"""What do Winograd's convolutions give a training in float32 on this processor?

    python benchmarks/winograd.py

Times 3x3 convolutions forward and backward on one thread, as each worker of a training has, by
PyTorch and by `kernels/winograd.py` in turns; and whole steps and shipped networks on noise with
all threads, in turns as well, and with fused pooling, norm and activation. Writes
results/winograd.json, where other machines keep their figures under `elsewhere`.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from support.other_machines import measured_elsewhere
from support.record import write_result
from support.turns import KERNELS, in_turns
from thriftnet.bench.speed import noise_steps, noise_training
from thriftnet.inference.engine import Engine
from thriftnet.kernels import winograd
from thriftnet.models.saved import read_model
from thriftnet.recipe import load_recipe
from thriftnet.runtime.device import choose_compute
from thriftnet.weights.shipped import weights_file

_IMAGES = 125
_LAYERS = (
    (24, 64, 30, 0), (64, 64, 14, 1), (64, 256, 14, 1), (256, 256, 7, 1), (256, 256, 3, 1),
    (64, 64, 32, 1), (128, 128, 16, 1), (256, 256, 8, 1), (32, 32, 32, 1),
    (64, 64, 10, 1), (256, 256, 5, 1),
)  # fmt: skip
"""Channels in and out, side of the features, padding: those of `quick` at 32 pixels, of the paper's
network, of narrow networks, and of `quick` at 24 pixels."""
_STEPS = (
    ("quick", ()),
    ("quick", ("train.batch_size=64", "train.micro_batch=32")),
    ("paper", ()),
)
_SHOWN = ("quick", "best")
_IMAGES_SHOWN = 1000
_ROUNDS = 7

Way = Callable[[Tensor, Tensor, int], Tensor]


def by_pytorch(x: Tensor, weight: Tensor, padding: int) -> Tensor:
    """By oneDNN's convolution."""
    return F.conv2d(x, weight, padding=padding)


def by_winograd(x: Tensor, weight: Tensor, padding: int) -> Tensor:
    """By ours."""
    found = winograd.WinogradConv.apply(x, weight, padding)
    assert isinstance(found, Tensor)
    return found


WAYS: dict[str, Way] = {"pytorch": by_pytorch, "winograd": by_winograd}


def passes(way: Way, x: Tensor, weight: Tensor, padding: int) -> list[float]:
    """Seconds of forward, and of both gradients."""
    began = time.perf_counter()
    y = way(x.requires_grad_(), weight, padding)
    forward = time.perf_counter() - began
    gradient = torch.ones_like(y)
    began = time.perf_counter()
    torch.autograd.grad(y, [x, weight], gradient)
    return [forward, time.perf_counter() - began]


def error(way: Way, x: Tensor, weight: Tensor, padding: int) -> float:
    """Relative error of forward, as a norm, against float64."""
    exact = F.conv2d(x.detach().double(), weight.detach().double(), padding=padding)
    found = way(x.detach(), weight.detach(), padding)
    return float((found - exact).norm() / exact.norm())


def layer(c_in: int, c_out: int, side: int, padding: int) -> dict[str, Any]:
    """Both ways in turns; medians, and whether a training takes Winograd's."""
    x = torch.randn(_IMAGES, c_in, side, side).to(memory_format=torch.channels_last)
    weight = torch.randn(c_out, c_in, 3, 3).to(memory_format=torch.channels_last)
    weight.requires_grad_()
    found: dict[str, list[list[float]]] = {way: [] for way in WAYS}
    for number in range(_ROUNDS + 1):
        for name, way in WAYS.items():
            taken = passes(way, x, weight, padding)
            if number:
                found[name].append(taken)
    pixels = (side + 2 * padding - 2) ** 2
    return {
        "channels": [c_in, c_out],
        "grid": side + 2 * padding - 2,
        "images": _IMAGES,
        "forward_flop": 2 * 9 * c_in * c_out * pixels * _IMAGES,
        "taken": winograd.gains(x, weight, padding=padding),
        "error": {name: error(way, x, weight, padding) for name, way in WAYS.items()},
        "seconds": {
            name: [statistics.median(each) for each in zip(*rounds, strict=True)]
            for name, rounds in found.items()
        },
    }


def steps(recipe: str, overrides: tuple[str, ...]) -> dict[str, Any]:
    """Whole steps in turns."""
    plan, state = noise_training(load_recipe(recipe, ["train.precision=fp32", *overrides]))
    times = in_turns(noise_steps(plan, state), KERNELS, rounds=_ROUNDS)
    return {"recipe": recipe, "batch_size": plan.batch_size, **times}


def inference(name: str) -> dict[str, Any]:
    """A shipped network in one view over noise, in turns."""
    compute = choose_compute(precision="fp32")
    engine = Engine.of(read_model(weights_file(name)), compute)
    images = torch.randint(0, 256, (_IMAGES_SHOWN, 3, 32, 32), dtype=torch.uint8)
    times = in_turns(lambda: engine.logits(images), KERNELS, rounds=_ROUNDS)
    return {"network": name, "images": _IMAGES_SHOWN, **times}


def main() -> None:
    """Measure and write."""
    # Before the steps, as a training keeps the memory that it frees.
    shown = [inference(each) for each in _SHOWN]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    layers = [layer(*each) for each in _LAYERS]
    torch.set_num_threads(threads)
    whole = [steps(*each) for each in _STEPS]
    write_result(
        "winograd",
        {
            "layers": layers,
            "steps": whole,
            "inference": shown,
            "elsewhere": measured_elsewhere("winograd"),
        },
    )


if __name__ == "__main__":
    main()
