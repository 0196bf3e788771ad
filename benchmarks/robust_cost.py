"""What do the ingredients against corruptions cost? Images a second, with and without each.

    python benchmarks/robust_cost.py
    python benchmarks/robust_cost.py best --rounds 3

Steps of a recipe on noise: the recipe without any of them, with each of them, and as `robust` has
them. All take turns within a round; ratios are of one round, and of CPU time, which other work on
the machine changes little. Writes results/robust_cost_NAME.json.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any

from support.record import write_result
from thriftnet.bench.speed import noise_steps, noise_training
from thriftnet.recipe import load_recipe

_ROBUST = {
    key: getattr(load_recipe("robust").augment, key) for key in ("augmix", "prime", "noise", "jpeg")
}
VARIANTS = {
    "without": (),
    "noise on half": ("augment.noise=0.5",),
    "JPEG on half": ("augment.jpeg=0.5",),
    "AugMix on half": ("augment.augmix=0.5",),
    "primitives on half": ("augment.prime=0.5",),
    "as robust": tuple(f"augment.{key}={value}" for key, value in _ROBUST.items()),
    "as robust, consistency 12": (
        *(f"augment.{key}={value}" for key, value in _ROBUST.items()),
        "train.consistency=12",
    ),
}


def measure(name: str, *, rounds: int, steps: int) -> dict[str, Any]:
    """Median seconds of a step of each variant, and its CPU time over the plain one's."""
    trainings = {}
    for variant, overrides in VARIANTS.items():
        plan, state = noise_training(load_recipe(name, overrides))
        trainings[variant] = noise_steps(plan, state)
        trainings[variant]()  # the first step allocates
    seconds: dict[str, list[float]] = {variant: [] for variant in trainings}
    cpu: dict[str, list[float]] = {variant: [] for variant in trainings}
    ratios: dict[str, list[float]] = {variant: [] for variant in trainings}
    for number in range(rounds):
        used: dict[str, float] = {}
        for variant in list(trainings)[:: -1 if number % 2 else 1]:
            began, before = time.perf_counter(), time.process_time()
            for _ in range(steps):
                trainings[variant]()
            used[variant] = (time.process_time() - before) / steps
            seconds[variant].append((time.perf_counter() - began) / steps)
        for variant, value in used.items():
            cpu[variant].append(value)
            ratios[variant].append(value / used["without"])
    batch = load_recipe(name).train.batch_size
    return {
        "recipe": name,
        "digest": load_recipe(name).digest(),
        "batch_size": batch,
        "rounds": rounds,
        "steps": steps,
        "variants": {
            variant: {
                "overrides": list(overrides),
                "step_seconds": statistics.median(seconds[variant]),
                "cpu_seconds": statistics.median(cpu[variant]),
                "images_per_second": batch / statistics.median(seconds[variant]),
                "beside_plain": statistics.median(ratios[variant]),
                "every_ratio": ratios[variant],
            }
            for variant, overrides in VARIANTS.items()
        },
    }


def main() -> None:
    """Take turns and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", nargs="?", default="quick")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=3, help="timed steps of each turn")
    given = parser.parse_args()
    found = measure(given.recipe, rounds=given.rounds, steps=given.steps)
    write_result(f"robust_cost_{given.recipe}", found)
    for name, each in found["variants"].items():
        print(
            f"{name}: {each['images_per_second']:,.0f} images/s, {each['beside_plain']:.2f} times"
        )


if __name__ == "__main__":
    main()
