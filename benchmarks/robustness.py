"""How accurate are the shipped networks under corruption, and how long do the sets take to make?

    python benchmarks/robustness.py                    # 2,000 test images, every shipped network
    python benchmarks/robustness.py --images 10000     # all of them
    python benchmarks/robustness.py --time             # all 75 sets of 10,000, made and timed alone

Every class has its share among the images. One view, no test-time augmentation. A run that is cut
goes on where it was: predictions are kept in the cache by network and images. Writes
results/robustness.json; with --time results/corruption_speed.json.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from support.record import write_result
from thriftnet.data import load_cifar10
from thriftnet.errors import ThriftnetError
from thriftnet.evaluation.corruptions.table import PUBLISHED, SEVERITIES, corrupt
from thriftnet.evaluation.robustness import (
    Classify,
    choose_images,
    classifier_of,
    evaluate_robustness,
)
from thriftnet.home import cache_folder
from thriftnet.inference.engine import Engine
from thriftnet.models.saved import read_model
from thriftnet.runtime.device import choose_compute
from thriftnet.weights.shipped import shipped_weights, weights_file


class Kept:
    """Sets that were made, and predictions that were made of them, here or before."""

    def __init__(self) -> None:
        self._sets: dict[str, NDArray[np.uint8]] = {}

    def generate(self, images: NDArray[np.uint8], corruption: str) -> NDArray[np.uint8]:
        """A corrupted set; every network is shown the same images."""
        if corruption not in self._sets:
            self._sets[corruption] = corrupt(images, corruption)
        return self._sets[corruption]

    def classify(self, inner: Classify, folder: Path) -> Classify:
        """A network whose answers are read back where it gave them before."""

        def answer(images: NDArray[np.uint8]) -> NDArray[np.int64]:
            name = hashlib.sha256(np.ascontiguousarray(images).data).hexdigest()[:24]
            path = folder / f"{name}.npy"
            if path.is_file():
                return np.load(path, allow_pickle=False)
            found = inner(images)
            folder.mkdir(parents=True, exist_ok=True)
            np.save(path, found)
            return found

        return answer


def measure(names: tuple[str, ...], count: int) -> dict[str, Any]:
    """Every network on the same images."""
    _, test = load_cifar10()
    chosen = choose_images(test.labels, count)
    compute, kept = choose_compute(), Kept()
    networks: dict[str, Any] = {}
    for name in names:
        model = read_model(weights_file(name))
        inner = classifier_of(Engine.of(model, compute), side=model.image_size, tta="none")
        digest = f"{name}-{str(model.weights_sha256)[:12]}-{compute.precision}"
        classify = kept.classify(inner, cache_folder() / "benchmarks" / "robustness" / digest)
        began = time.monotonic()

        def on_progress(done: int, total: int, name: str = name) -> None:
            print(f"\r{name}: {done} of {total} sets", end="", file=sys.stderr, flush=True)

        found = evaluate_robustness(
            classify, test, chosen=chosen, generate=kept.generate, on_progress=on_progress
        )
        print(f"\r{name}: {found.mean:.2%} in {time.monotonic() - began:.0f} s")
        networks[name] = found.to_json()
    return {
        "images": count,
        "images_seed": 0,
        "tta": "none",
        "precision": compute.precision,
        "networks": networks,
    }


def timed() -> dict[str, Any]:
    """Seconds that each corruption takes for its five sets of all test images."""
    _, test = load_cifar10()
    corrupt(test.images[:100], "contrast:1")
    wall: dict[str, float] = {}
    processor: dict[str, float] = {}
    for name in PUBLISHED:
        starts = time.monotonic(), time.process_time()
        for severity in range(1, SEVERITIES + 1):
            corrupt(test.images, f"{name}:{severity}")
        wall[name] = round(time.monotonic() - starts[0], 2)
        processor[name] = round(time.process_time() - starts[1], 2)
        print(f"{name}: {wall[name]:.1f} s, {processor[name]:.1f} s of CPU time")
    return {
        "images": len(test),
        "sets": len(PUBLISHED) * SEVERITIES,
        "seconds": wall,
        "cpu_seconds": processor,
        "all_seconds": round(sum(wall.values()), 1),
        "all_cpu_seconds": round(sum(processor.values()), 1),
    }


def main() -> None:
    """Measure and write."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("networks", nargs="*", help="default: every shipped one")
    options.add_argument("--images", type=int, default=2000)
    options.add_argument("--time", action="store_true", help="time the generation alone")
    given = options.parse_args()
    try:
        if given.time:
            write_result("corruption_speed", timed())
        else:
            names = tuple(given.networks) or shipped_weights()
            write_result("robustness", measure(names, given.images))
    except ThriftnetError as fault:
        sys.exit(str(fault))


if __name__ == "__main__":
    main()
