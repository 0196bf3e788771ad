"""How do time and memory of training grow with images, parameters, threads and batches?

    python benchmarks/cost_growth.py

Each point trains one epoch on noise in a process of its own, after a step that is not counted,
with one thing changed from the recipe `quick` (every image in every epoch). All points are measured
in turns, `--rounds` times, as the machine's speed changes by the minute; the medians count, and the
time of every round is kept. Writes results/cost_growth.json and docs/figures/cost_growth.svg;
`--draw` draws the figure again.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from documents.growth_figure import draw
from support.record import RESULTS, write_result
from thriftnet.bench.speed import noise_training
from thriftnet.models.describe import count_parameters, training_flops
from thriftnet.recipe import Recipe, load_recipe
from thriftnet.training.loop import train_step

FIGURE = Path(__file__).parent.parent / "docs" / "figures" / "cost_growth.svg"
_POINT = "--point"
_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes."""
_MEASURED = ("seconds", "images_per_second", "gflops", "peak_memory_bytes")
_LATE = 1000
"""An epoch in which images are no longer shrunk."""


@dataclass(frozen=True)
class Point:
    """What a process trains: `quick` for an epoch, but for these."""

    images: int = 2000
    width: float = 1.0
    """Factor of every group's channels."""
    batch_size: int = 1000
    micro_batch: int = 250
    threads: int = 0
    """0: as many as there are."""

    def shrunk(self, factor: int) -> Point:
        """To see that the script works, not to measure."""
        return replace(
            self,
            images=self.images // factor,
            batch_size=self.batch_size // factor,
            micro_batch=max(1, self.micro_batch // factor),
        )

    def recipe(self) -> Recipe:
        """The recipe of the point."""
        base = load_recipe("quick").model_dump(mode="json")
        channels = [8 * max(1, round(c * self.width / 8)) for c in base["model"]["channels"]]
        return load_recipe(
            "quick",
            [
                f"model.channels={channels}",
                "max_parameters=1000000000",
                "train.epochs=1",
                "train.hard_fraction=1",
                "train.full_epochs=0",
                f"train.batch_size={self.batch_size}",
                f"train.micro_batch={self.micro_batch}",
            ],
        )


def axes(threads: int) -> dict[str, list[tuple[float, Point]]]:
    """Values of each axis and the points measured for them."""
    images = [1000, 2000, 4000, 8000]
    batches = [250, 500, 1000, 2000]
    micro = [50, 100, 250, 500, 1000]
    return {
        "images": [(n, Point(images=n)) for n in images],
        "parameters": [(w, Point(width=w)) for w in (0.5, 0.71, 1.0, 1.41)],
        "threads": [(n, Point(threads=n)) for n in range(1, threads + 1)],
        "batch_size": [(b, Point(batch_size=b)) for b in batches],
        "micro_batch": [(m, Point(micro_batch=m)) for m in micro],
    }


def train_point(point: Point) -> dict[str, Any]:
    """Train an epoch here and now; time, and the process's peak of memory."""
    if point.threads:
        torch.set_num_threads(point.threads)
    plan, state = noise_training(point.recipe(), images=point.images)
    order = torch.arange(len(plan.images))
    train_step(plan, state, order[: plan.batch_size], epoch=_LATE)  # kernels are chosen here
    began = time.perf_counter()
    for batch in order.split(plan.batch_size):
        train_step(plan, state, batch, epoch=_LATE)
    took = time.perf_counter() - began
    return {
        "images": len(order),
        "parameters": count_parameters(state.model),
        "threads": torch.get_num_threads(),
        "batch_size": plan.batch_size,
        "micro_batch": plan.micro_batch,
        "seconds": took,
        "images_per_second": len(order) / took,
        "gflops": training_flops(plan.macs, len(order)) / took / 1e9,
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MAXRSS_UNIT,
    }


def measure(point: Point) -> dict[str, Any]:
    """Train a point in a process of its own."""
    threads = {"OMP_NUM_THREADS": str(point.threads)} if point.threads else {}
    done = subprocess.run(
        [sys.executable, __file__, _POINT, json.dumps(vars(point))],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **threads},
    )
    return json.loads(done.stdout.splitlines()[-1])


def measure_in_turns(points: Iterable[Point], *, rounds: int) -> dict[Point, dict[str, Any]]:
    """Every point once a round; the median of each."""
    turns: dict[Point, list[dict[str, Any]]] = {point: [] for point in points}
    for number in range(1, rounds + 1):
        for at, (point, found) in enumerate(turns.items(), 1):
            found.append(measure(point))
            told = f"round {number} of {rounds}, point {at} of {len(turns)}"
            print(f"{told}: {found[-1]['seconds']:.1f} s", flush=True)
    return {point: median(found) for point, found in turns.items()}


def median(turns: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What a point is and the medians of its turns, with the time of each."""
    medians = {key: statistics.median(turn[key] for turn in turns) for key in _MEASURED}
    return {**turns[0], **medians, "every_time_seconds": [turn["seconds"] for turn in turns]}


def main() -> None:
    """Measure every point, write the result and draw it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draw", action="store_true", help="the figure alone, from the file")
    parser.add_argument("--shrink", type=int, default=1, help="fewer images and smaller batches")
    parser.add_argument("--rounds", type=int, default=3, help="how often each point is measured")
    parser.add_argument(_POINT, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.point:
        print(json.dumps(train_point(Point(**json.loads(arguments.point)))))
        return
    path = RESULTS / "cost_growth.json"
    if not arguments.draw:
        planned = {
            axis: [(value, point.shrunk(arguments.shrink)) for value, point in points]
            for axis, points in axes(torch.get_num_threads()).items()
        }
        # The axes meet in quick itself, which is measured once a round.
        points = dict.fromkeys(point for line in planned.values() for _, point in line)
        measured = measure_in_turns(points, rounds=max(1, arguments.rounds))
        found = {
            axis: [{"value": value, **measured[point]} for value, point in line]
            for axis, line in planned.items()
        }
        recipe = {"recipe": "quick", "digest": load_recipe("quick").digest()}
        path = write_result("cost_growth", {**recipe, "rounds": arguments.rounds, **found})
    draw(json.loads(path.read_text("utf-8")), FIGURE)


if __name__ == "__main__":
    main()
