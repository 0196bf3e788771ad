"""How fast is inference here, by every way there is, and does each give the same answers?

    pip install 'thriftnet[bench]'
    python benchmarks/inference.py quick
    python benchmarks/inference.py runs/NAME

A recipe's name gives an untrained network: its speed is that of a trained one, its agreement is
not. A run that held images out gives accuracies on them; test images are never evaluated. All ways
take turns, several rounds, at batch 1 and 256. Writes results/inference_NAME.json.
"""

from __future__ import annotations

import argparse
import copy
import os
import shutil
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from support.inference_baseline import Elsewhere, elsewhere
from support.inference_engines import engine_variants
from support.inference_variants import (
    COMPILED,
    PREDICTOR,
    Batch,
    Read,
    compiled_variants,
    make_batch,
    torch_variants,
)
from support.record import write_result
from thriftnet.data import (
    CIFAR10_CLASSES,
    CIFAR10_MEAN,
    CIFAR10_STD,
    load_cifar10,
    stratified_split,
)
from thriftnet.models.saved import SavedModel, read_model
from thriftnet.recipe import Recipe, load_recipe
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.paths import model_file
from thriftnet.training.setup import recipe_network

BASELINE = "eager fp32"
"""What every other way is compared with, in speed and in what it says."""
LARGE = 256
_CALIBRATION = 512
_CALLS = {1: 40, LARGE: 3}
"""Timed calls of each way in a round."""
_AGREEMENT = 0.99
"""Share of equal answers below which a way does not run the same network."""
_EXACT = 1e-3
"""Difference of probabilities above which a way that computes in fp32 is wrong."""


@dataclass(frozen=True)
class Subject:
    """What is read with, and which images."""

    name: str
    model: SavedModel
    recipe: Recipe | None
    """None for a file of its own, whose held-out images nobody knows."""
    trained: bool


def find_subject(target: str) -> Subject:
    """A run folder, a model file, or a recipe's untrained network."""
    path = Path(target)
    if path.exists() and path.suffix not in {".yaml", ".yml"}:
        model = read_model(model_file(path))
        recipe = RunFolder(path).recipe() if path.is_dir() else None
        return Subject(str(model.about.get("recipe", path.stem)), model, recipe, trained=True)
    recipe = load_recipe(target)
    model = SavedModel(
        network=recipe_network(recipe, classes=len(CIFAR10_CLASSES)).eval(),
        architecture=recipe.model.model_dump(mode="json"),
        classes=CIFAR10_CLASSES,
        mean=CIFAR10_MEAN,
        std=CIFAR10_STD,
    )
    return Subject(recipe.name, model, recipe, trained=False)


@dataclass(frozen=True)
class Pictures:
    """Training images for calibration, and others to compare the ways on."""

    calibration: NDArray[np.uint8]
    compared: NDArray[np.uint8]
    labels: NDArray[np.int64]
    held_out: bool
    """Whether the network has never been trained on the compared ones."""


def find_pictures(subject: Subject, *, count: int) -> Pictures:
    """Images of the training set, held-out ones where the run has them."""
    train_set, _ = load_cifar10()
    ratio = subject.recipe.data.val_ratio if subject.recipe and subject.trained else 0.0
    held_out = ratio > 0
    if held_out:
        assert subject.recipe
        seen, chosen = stratified_split(train_set.labels, val_ratio=ratio, seed=subject.recipe.seed)
    else:
        order = np.random.default_rng(0).permutation(len(train_set))
        seen, chosen = order[:_CALIBRATION], order[_CALIBRATION:]
    chosen = np.sort(chosen[: max(LARGE, count // LARGE * LARGE)])
    return Pictures(
        train_set.images[np.sort(seen[:_CALIBRATION])],
        train_set.images[chosen],
        train_set.labels[chosen],
        held_out,
    )


Ways = dict[str, Read | Elsewhere]


def timed(ways: Ways, batch: Batch, *, rounds: int, calls: int) -> dict[str, dict[str, float]]:
    """Every way in turn: latency (median over rounds, 95th percentile) and images per second."""
    first = {name: seconds(way, batch, calls=1)[0] for name, way in ways.items()}
    times: dict[str, list[list[float]]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            # One more than counted: the way before has left its own things in the caches.
            times[name].append(seconds(way, batch, calls=calls + 1)[1:])
    found: dict[str, dict[str, float]] = {}
    for name, rounds_of in times.items():
        median = statistics.median(map(statistics.median, rounds_of))
        found[name] = {
            "latency_ms": 1e3 * median,
            "latency_p95_ms": 1e3 * float(np.quantile(np.concatenate(rounds_of), 0.95)),
            "images_per_second": len(batch.images) / median,
            "first_call_seconds": first[name],
        }
    return found


def seconds(way: Read | Elsewhere, batch: Batch, *, calls: int) -> list[float]:
    """Duration of each of so many calls."""
    if isinstance(way, Elsewhere):
        return way.read(batch.images, calls=calls)[0]
    times: list[float] = []
    for _ in range(calls):
        began = time.perf_counter()
        way(batch)
        times.append(time.perf_counter() - began)
    return times


def says(way: Read | Elsewhere, batch: Batch) -> torch.Tensor:
    """Logits of a batch."""
    return way.read(batch.images)[1] if isinstance(way, Elsewhere) else way(batch)


def compared(
    ways: Ways, model: SavedModel, pictures: Pictures
) -> dict[str, dict[str, float | None]]:
    """What each way says beside the baseline, and its accuracy where images were held out."""
    at = range(0, len(pictures.compared), LARGE)
    batches = [make_batch(model, pictures.compared[i : i + LARGE]) for i in at]
    single = make_batch(model, pictures.compared[:1])
    said = {
        name: torch.cat([says(way, batch) for batch in [*batches, single]]).softmax(1)
        for name, way in ways.items()
    }
    labels = torch.from_numpy(pictures.labels)
    found: dict[str, dict[str, float | None]] = {}
    for name, probabilities in said.items():
        top, expected = probabilities.argmax(1), said[BASELINE].argmax(1)
        accuracy = (top[:-1] == labels).float().mean().item()
        found[name] = {
            "largest_difference": (probabilities - said[BASELINE]).abs().max().item(),
            "equal_top1": (top == expected).float().mean().item(),
            "validation_accuracy": accuracy if pictures.held_out else None,
        }
    return found


def is_wrong(name: str, said: dict[str, float | None], *, trained: bool) -> bool:
    """Whether a way reads something else than the network; its speed then counts for nothing.

    An untrained network's answers hang on the last bit, so only fp32 can be judged with one.
    """
    gap, equal = said["largest_difference"], said["equal_top1"]
    assert gap is not None
    assert equal is not None
    return gap > _EXACT if "fp32" in name else trained and equal < _AGREEMENT


def all_variants(
    model: SavedModel, pictures: Pictures, folder: Path, *, compiled: bool
) -> tuple[dict[str, Read], list[str]]:
    """Every way that is there, and what is missing for others."""
    variants = torch_variants(model)
    calibration = make_batch(model, pictures.calibration).images.numpy()
    engines, missing = engine_variants(model, calibration, folder)
    if missing:
        print(f"without {', '.join(missing)}: pip install 'thriftnet[bench]' for all of them")
    if compiled and shutil.which(os.environ.get("CXX", "g++")):
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(folder / "inductor")  # told times are honest
        variants |= compiled_variants(model)
    elif compiled:
        missing.append("a C++ compiler")
        print("without a C++ compiler: torch.compile is left out")
    return variants | engines, missing


@torch.no_grad()
def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", nargs="?", default="quick", metavar="RECIPE_OR_MODEL")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--images", type=int, default=2048, help="to compare the ways on")
    parser.add_argument("--no-compile", action="store_true", help="leave torch.compile out")
    arguments = parser.parse_args()
    subject = find_subject(arguments.target)
    pictures = find_pictures(subject, count=arguments.images)
    with (
        tempfile.TemporaryDirectory() as folder,
        elsewhere(copy.deepcopy(subject.model.network)) as baseline,
    ):
        ways, missing = all_variants(
            subject.model, pictures, Path(folder), compiled=not arguments.no_compile
        )
        variants: Ways = {BASELINE: baseline, **ways}
        speeds: dict[int, dict[str, dict[str, float]]] = {}
        for size, calls in _CALLS.items():
            batch = make_batch(subject.model, pictures.compared[:size])
            speeds[size] = timed(variants, batch, rounds=arguments.rounds, calls=calls)
        agreement = compared(variants, subject.model, pictures)
    wrong = [
        name for name, said in agreement.items() if is_wrong(name, said, trained=subject.trained)
    ]
    rate = {name: found["images_per_second"] for name, found in speeds[LARGE].items()}
    gain = rate[PREDICTOR] / rate[BASELINE]
    write_result(
        f"inference_{subject.name}",
        {
            "subject": subject.name,
            "recipe": subject.name,
            "digest": subject.model.about.get("digest"),
            "trained": subject.trained,
            "rounds": arguments.rounds,
            "calls_per_round": {str(size): calls for size, calls in _CALLS.items()},
            "compared_images": len(pictures.compared),
            "held_out": pictures.held_out,
            "missing": missing,
            "wrong": wrong,
            "baseline": BASELINE,
            "predictor": PREDICTOR,
            "compiled": [name for name in COMPILED if name in variants],
            "variants": {
                name: {
                    **{f"batch_{size}": found[name] for size, found in speeds.items()},
                    **agreement[name],
                }
                for name in variants
            },
            "predictor_over_baseline": gain,
            "target": {"predictor_over_baseline": 3.0},
            "reached": gain >= 3.0,
        },
    )
    for name in variants:
        one, many = speeds[1][name]["latency_ms"], rate[name] / rate[BASELINE]
        fault = "  WRONG" if name in wrong else ""
        print(f"{name:52} {one:7.2f} ms at batch 1, {many:5.2f} times at batch {LARGE}{fault}")


if __name__ == "__main__":
    main()
