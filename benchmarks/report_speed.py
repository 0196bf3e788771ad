"""How long does the report of a 50-epoch run take, and how large is it?

    python benchmarks/report_speed.py

Writes a run of the recipe `paper` as fifty epochs would leave it, with an untrained network of
its size and made-up metrics and predictions, and reports on it three times in processes of their
own, as the command does: importing torch and matplotlib is counted. The processor's own seconds
stand beside the clock's, which other work on the machine makes longer. CIFAR-10 has to be in the
cache. Writes results/report_speed.json.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from support.record import write_result
from thriftnet.data import CIFAR10_CLASSES, CIFAR10_MEAN, CIFAR10_STD, load_cifar10
from thriftnet.models.build import build_model
from thriftnet.models.saved import SavedModel, save_model
from thriftnet.recipe import load_recipe
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.new_run import create_run
from thriftnet.runs.predictions import Predictions
from thriftnet.training.progress.step_curve import steps_per_point

EPOCHS, STEPS = 50, 352
EVERY = steps_per_point(EPOCHS * STEPS)
REPEATS = 3


def made_run(path: Path) -> RunFolder:
    """A finished run of `paper`: what it says is made up, how much it says is not."""
    recipe = load_recipe("paper")
    rng = np.random.default_rng(0)
    labels = np.array(load_cifar10()[1].labels)
    run = create_run(path, recipe, {"processor": "made up", "data": {}})
    run.append({"kind": "start", "step": 0, "parameters": 4_918_602, "macs": 798_689_792,
                "train_images": 45_000, "val_images": 5_000, "steps": EPOCHS * STEPS})  # fmt: skip
    for epoch in range(1, EPOCHS + 1):
        loss, noise = 2 * 0.93**epoch, rng.random()
        points = range((epoch - 1) * STEPS + EVERY, epoch * STEPS + 1, EVERY)
        steps = {"step": [*points], "loss": [loss + noise * (step % 7) / 50 for step in points],
                 "gradient_norm": [loss + step % 11 for step in points]}  # fmt: skip
        run.append({"kind": "epoch", "epoch": epoch, "epochs": EPOCHS, "step": epoch * STEPS,
                    "train_loss": loss, "train_accuracy": 1 - loss / 2.4,
                    "val_loss": loss + 0.1 * noise, "val_accuracy": 1 - loss / 2.2,
                    "learning_rate": 0.01, "images_per_second": 80.0 + noise,
                    "seconds": 580.0 * epoch, "train_cross_entropy": loss, "cpu_share": 0.97,
                    "cpu_contention": 0.01, "memory_bytes": 2_000_000_000, "memory_share": 0.1,
                    "steps": steps})  # fmt: skip
    run.append({"kind": "end", "step": EPOCHS * STEPS, "seconds": 580.0 * EPOCHS})
    logits = rng.normal(size=(len(labels), 10)).astype(np.float32)
    logits[np.arange(len(labels)), labels] += 3
    accuracy = float((logits.argmax(1) == labels).mean())
    run.append({"kind": "test", "tta": "none", "accuracy": accuracy, "loss": 0.5})
    run.save_predictions(Predictions(labels, {"none": logits, "flip": logits}))
    model = recipe.model.model_dump(mode="json")
    network = build_model(classes=10, **model)
    save_model(
        run.model_path,
        SavedModel(network, model, CIFAR10_CLASSES, CIFAR10_MEAN, CIFAR10_STD),
    )
    return run


def main() -> None:
    """Time the command and weigh the page."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    seconds: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        run = made_run(Path(folder) / "paper-seed0")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        for _ in range(REPEATS):
            began = time.perf_counter()
            subprocess.run(
                [sys.executable, "-m", "thriftnet", "report", str(run.path)],
                check=True,
                stdout=subprocess.DEVNULL,
            )
            seconds.append(time.perf_counter() - began)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        figures = [*run.figures_path.iterdir()]
        sizes = {"page_bytes": run.report_path.stat().st_size}
        sizes["figures_bytes"] = sum(path.stat().st_size for path in figures)
    write_result(
        "report_speed",
        {
            "epochs": EPOCHS,
            "figures": len({path.stem for path in figures}),
            "seconds": statistics.median(seconds),
            "every_time_seconds": seconds,
            "processor_seconds": (
                after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            )
            / REPEATS,
            **sizes,
        },
    )


if __name__ == "__main__":
    main()
