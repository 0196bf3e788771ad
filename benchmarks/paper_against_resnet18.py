"""The paper's claim on time: its network against ResNet-18 for CIFAR-10, an epoch of each.

    python benchmarks/paper_against_resnet18.py --seconds 60

Both train by the recipe `paper` (batch 128, its augmentation, its optimiser), in turns, on noise:
the time of a step does not depend on what is seen. Writes results/paper_against_resnet18.json.
"""

from __future__ import annotations

import argparse
import statistics
from typing import Any

from support.record import write_result
from thriftnet.bench.speed import training_speed
from thriftnet.recipe import load_recipe

_TURNS = 3
_CLAIM = 0.22
"""Of the paper: "22% reduction in per-epoch training time"."""
NETWORKS: dict[str, list[str]] = {
    "paper": [],
    "ResNet-18": [
        "model.blocks=[2, 2, 2, 2]",
        "model.channels=[64, 128, 256, 512]",
        "max_parameters=12000000",
    ],
}


def main() -> None:
    """Take turns and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="for each network, in all")
    seconds = parser.parse_args().seconds
    found: dict[str, list[Any]] = {name: [] for name in NETWORKS}
    for _ in range(_TURNS):
        for name, changes in NETWORKS.items():
            recipe = load_recipe("paper", changes)
            found[name].append(training_speed(recipe, seconds=seconds / _TURNS))
    images = round(50_000 * (1 - load_recipe("paper").data.val_ratio))
    rates = {
        name: statistics.median(speed.images_per_second for speed in speeds)
        for name, speeds in found.items()
    }
    times = {name: images / rate for name, rate in rates.items()}
    reduction = 1 - times["paper"] / times["ResNet-18"]
    write_result(
        "paper_against_resnet18",
        {
            "seeds": [load_recipe("paper").seed],
            "images": images,
            "parameters": {name: speeds[0].parameters for name, speeds in found.items()},
            "macs": {name: speeds[0].macs for name, speeds in found.items()},
            "epoch_seconds": times,
            "reduction": reduction,
            "claimed_reduction": _CLAIM,
        },
    )
    print(f"an epoch takes {times['paper']:.0f} s against {times['ResNet-18']:.0f} s")


if __name__ == "__main__":
    main()
