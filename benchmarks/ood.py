"""Do the shipped networks notice pictures of none of their classes?

    apt-get install -y dataset-fashion-mnist; pip install elpv-dataset
    python benchmarks/ood.py --fashion /usr/share/datasets/fashion-mnist --solar DIR

DIR holds the solar cells' `images` folder. Other pictures: uniform noise, Gaussian noise around
grey, and test images whose pixels are shuffled. A threshold is chosen by one half of the test
images so that 5% of them fall below, and its false alarms are counted on the other half. Scores are
of one view; the usual features are those of 10,000 training images. Writes results/ood.json.
"""

from __future__ import annotations

import argparse
import gzip
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from support.outliers import SCORES, UsualFeatures, separate, threshold_of
from support.record import write_result
from thriftnet.data import Dataset, load_cifar10, read_image
from thriftnet.errors import ThriftnetError
from thriftnet.evaluation.features.extract import features_of
from thriftnet.evaluation.robustness import choose_images
from thriftnet.inference.engine import Engine
from thriftnet.models.saved import SavedModel, read_model
from thriftnet.runtime.device import choose_compute
from thriftnet.runtime.resize import as_pixels
from thriftnet.weights.shipped import shipped_weights, weights_file

_COUNT = 2000
_TRAIN = 10_000
"""Training images that say which features are usual."""
_SIDE = 32
_SEED = 0

Pictures = NDArray[np.uint8]


def fashion_mnist(folder: Path) -> Pictures:
    """Its first test images, with a border of two black pixels and three equal channels."""
    content = gzip.decompress((folder / "t10k-images-idx3-ubyte.gz").read_bytes())
    grey = np.frombuffer(content, np.uint8, offset=16).reshape(-1, 28, 28)[:_COUNT]
    padded = np.pad(grey, ((0, 0), (2, 2), (2, 2)))
    return np.repeat(padded[..., None], 3, axis=3)


def solar_cells(folder: Path) -> Pictures:
    """The first pictures of cells, at 32 pixels."""
    files = sorted((folder / "images").glob("*.png"))[:_COUNT]
    return np.stack([read_image(file, size=_SIDE) for file in files])


def made_pictures(test: Pictures) -> dict[str, Pictures]:
    """Noise of two kinds, and shuffled pixels."""
    rng = np.random.default_rng(_SEED)
    shape = (_COUNT, _SIDE, _SIDE, 3)
    pixels = test[:_COUNT].reshape(_COUNT, -1, 3)
    order = rng.permuted(np.tile(np.arange(_SIDE**2), (_COUNT, 1)), axis=1)
    return {
        "uniform noise": rng.integers(0, 256, shape, np.uint8),
        "Gaussian noise": np.clip(rng.normal(127.5, 64, shape), 0, 255).astype(np.uint8),
        "shuffled pixels": np.take_along_axis(pixels, order[..., None], axis=1).reshape(shape),
    }


def logits_of(model: SavedModel, images: Pictures) -> NDArray[np.float32]:
    """Of one view, without any calibration."""
    plain = replace(model, calibration=None, temperature=1.0, shifts=())
    return Engine.of(plain, choose_compute()).logits(as_pixels(images, model.image_size)).numpy()


def scores_of(
    model: SavedModel, train: Dataset, sets: dict[str, Pictures]
) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Each score of each set of pictures."""
    said = {kind: logits_of(model, pictures) for kind, pictures in sets.items()}
    found = {name: {k: score(v) for k, v in said.items()} for name, score in SCORES.items()}
    compute = choose_compute()
    usual = UsualFeatures.fit(features_of(model, train.images, compute), train.labels)
    features = {kind: features_of(model, pictures, compute) for kind, pictures in sets.items()}
    found["Mahalanobis distance"] = {k: usual.score(v) for k, v in features.items()}
    return found


def measure(
    model: SavedModel, train: Dataset, test: Pictures, others: dict[str, Pictures]
) -> dict[str, Any]:
    """Each score against each kind of picture."""
    figures: dict[str, Any] = {}
    half, rest = np.array_split(np.random.default_rng(_SEED).permutation(len(test)), 2)
    for name, found in scores_of(model, train, {"own": test, **others}).items():
        mine = found.pop("own")
        threshold = threshold_of(mine[half])
        figures[name] = {
            kind: vars(separate(mine[rest], theirs, threshold=threshold))
            for kind, theirs in found.items()
        }
    return figures


def main() -> None:
    """Measure and write."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--fashion", type=Path, required=True)
    options.add_argument("--solar", type=Path, required=True)
    given = options.parse_args()
    try:
        train, test = load_cifar10()
        known = train.subset(choose_images(train.labels, _TRAIN))
        others = {
            "Fashion-MNIST": fashion_mnist(given.fashion),
            "solar cells": solar_cells(given.solar),
            **made_pictures(test.images),
        }
        networks = {
            name: measure(read_model(weights_file(name)), known, test.images, others)
            for name in shipped_weights()
        }
        write_result(
            "ood",
            {"images": {kind: len(each) for kind, each in others.items()}, "networks": networks},
        )
    except (ThriftnetError, OSError) as fault:
        sys.exit(str(fault))


if __name__ == "__main__":
    main()
