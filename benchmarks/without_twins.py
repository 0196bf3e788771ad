"""How much of the shipped networks' accuracy comes from test images with a twin in training?

    python benchmarks/without_twins.py

Evaluates each network on CIFAR-10's test images as its card does, with those that
results/near_duplicates.json lists apart from the others. Writes results/without_twins.json.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from support.record import RESULTS, write_result
from thriftnet.data import Dataset, load_cifar10
from thriftnet.evaluation.evaluate import evaluate_on
from thriftnet.evaluation.intervals import wilson_interval
from thriftnet.models.saved import read_model
from thriftnet.runtime.device import choose_compute
from thriftnet.weights.find import find_model
from thriftnet.weights.shipped import shipped_weights


def compare(name: str, twins: Dataset, others: Dataset) -> dict[str, Any]:
    """Accuracy of a network on both parts of the test images, and on all of them."""
    model, compute = read_model(find_model(name).path), choose_compute()
    on_twins, on_others = (
        evaluate_on(model, part, compute=compute, tta=model.tta).chosen for part in (twins, others)
    )
    images = len(twins) + len(others)
    correct = round(on_twins.accuracy * len(twins)) + round(on_others.accuracy * len(others))
    return {
        "tta": model.tta,
        "precision": compute.precision,
        "accuracy": correct / images,
        "accuracy_interval": wilson_interval(correct, images),
        "accuracy_on_twins": on_twins.accuracy,
        "accuracy_without_twins": on_others.accuracy,
        "without_twins_interval": on_others.accuracy_interval,
        "points_from_twins": round(100 * (correct / images - on_others.accuracy), 3),
    }


def main() -> None:
    """Evaluate every shipped network, write."""
    _, test_set = load_cifar10()
    listed = json.loads((RESULTS / "near_duplicates.json").read_text("utf-8"))
    with_twin = np.array(listed["test_images"])
    others = np.setdiff1d(np.arange(len(test_set)), with_twin)
    parts = test_set.subset(with_twin), test_set.subset(others)
    networks = {name: compare(name, *parts) for name in shipped_weights()}
    write_result("without_twins", {"test_images_with_a_twin": len(with_twin), "networks": networks})


if __name__ == "__main__":
    main()
