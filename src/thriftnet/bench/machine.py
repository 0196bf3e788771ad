"""The complete benchmark: convolution rates, one recipe in detail, and times of all recipes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from thriftnet.bench.roofline import convolution_rate
from thriftnet.bench.speed import InferenceSpeed, TrainingSpeed, inference_speed, training_speed
from thriftnet.recipe import Recipe
from thriftnet.runtime.device import (
    accelerator_name,
    choose_compute,
    has_amx,
    has_fast_bf16,
    processor_name,
)


@dataclass(frozen=True)
class Bench:
    """The results; rates are operations or images per second."""

    processor: str
    threads: int
    accelerator: str | None
    """None on a CPU."""
    bf16_rate: float
    fp32_rate: float
    recipe: str
    training: TrainingSpeed
    inference: InferenceSpeed
    recipes: dict[str, TrainingSpeed]
    """All measured recipes, including the detailed one."""

    @property
    def share_of_convolution_rate(self) -> float:
        """Training throughput divided by the convolution rate in the same precision."""
        rate = self.bf16_rate if self.training.precision == "bf16" else self.fp32_rate
        return self.training.flops_per_second / rate

    def limit(self) -> str:
        """A sentence on the bottleneck of training."""
        share = self.share_of_convolution_rate
        if self.training.precision == "bf16" and self.bf16_rate < 1.2 * self.fp32_rate:
            return "bf16, hardly faster than fp32 here; try train.precision=fp32"
        if self.training.augmentation_share > 0.1:
            return "augmentation, over a tenth of a step; use less of it"
        if share > 0.7:
            return f"arithmetic, {share:.0%} of the convolution rate; do fewer operations"
        return f"memory, {share:.0%} of the convolution rate; try another train.micro_batch"

    def to_json(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "processor": self.processor,
            "amx": has_amx(),
            "fast_bf16": has_fast_bf16("cpu"),
            "threads": self.threads,
            "accelerator": self.accelerator,
            "roofline": {
                "bf16_conv_gflops": self.bf16_rate / 1e9,
                "fp32_conv_gflops": self.fp32_rate / 1e9,
            },
            "recipe": self.recipe,
            "training": {
                **vars(self.training),
                "gflops": self.training.flops_per_second / 1e9,
                "share_of_convolution_rate": self.share_of_convolution_rate,
            },
            "inference": dict(vars(self.inference)),
            "expected_seconds": {
                name: speed.expected_seconds for name, speed in self.recipes.items()
            },
            "limit": self.limit(),
        }


def run_bench(
    recipe: Recipe, others: list[Recipe], *, say: Callable[[str], None], seconds: float = 10.0
) -> Bench:
    """Measure the machine, `recipe` in detail, and the training time of `others`.

    Args:
        recipe: Measured for training and inference.
        others: Each trained for a few steps.
        say: Called with what is measured next.
        seconds: Duration of each measurement of `recipe`; a fifth for others.

    Raises:
        RecipeError: A network is over its budget, or its device is not there.
    """
    say("measuring the convolution rate")
    device = choose_compute(device=recipe.train.device).device
    bf16, fp32 = (
        convolution_rate(dtype, seconds=seconds / 5, device=device)
        for dtype in (torch.bfloat16, torch.float32)
    )
    say(f"measuring recipe {recipe.name}")
    training = training_speed(recipe, seconds=seconds)
    inference = inference_speed(recipe, seconds=seconds)
    recipes = {recipe.name: training}
    for other in others:
        if other.name not in recipes:
            say(f"measuring recipe {other.name}")
            recipes[other.name] = training_speed(other, seconds=seconds / 5)
    return Bench(
        processor=processor_name(),
        threads=torch.get_num_threads(),
        accelerator=accelerator_name(device),
        bf16_rate=bf16,
        fp32_rate=fp32,
        recipe=recipe.name,
        training=training,
        inference=inference,
        recipes=recipes,
    )
