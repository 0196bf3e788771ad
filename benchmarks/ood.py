"""Do the shipped networks notice pictures of none of their classes?

    apt-get install -y dataset-fashion-mnist; pip install elpv-dataset
    python benchmarks/ood.py --fashion /usr/share/datasets/fashion-mnist --solar DIR

DIR holds the solar cells' `images` folder. Other pictures: uniform noise, Gaussian noise around
grey, and test images whose pixels are shuffled. A threshold is chosen by one half of the test
images so that 5% of them fall below, and its false alarms are counted on the other half. Scores are
of one view. Where a network's file has a threshold for 5%, from its calibration, that one's false
alarms on all test images are counted, too. Writes results/ood.json.
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

from support.outliers import FALSE_ALARMS, SCORES, separate, threshold_of
from support.record import write_result
from thriftnet.data import load_cifar10, read_image
from thriftnet.errors import ThriftnetError
from thriftnet.evaluation.fit_outliers import fit_outliers
from thriftnet.inference.engine import Engine
from thriftnet.inference.outliers import OutlierScorer, OutlierTest
from thriftnet.models.saved import SavedModel, read_model
from thriftnet.runtime.device import choose_compute
from thriftnet.runtime.resize import as_pixels
from thriftnet.weights.shipped import shipped_weights, weights_file

_COUNT = 2000
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
    """Of one view."""
    return Engine.of(model, choose_compute()).logits(as_pixels(images, model.image_size)).numpy()


def scores_of(
    model: SavedModel, sets: dict[str, Pictures], half: Pictures
) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Each score of each set of pictures; `half` are usual ones, which scale those of two parts."""
    said = {kind: logits_of(model, pictures) for kind, pictures in sets.items()}
    found = {name: {k: score(v) for k, v in said.items()} for name, score in SCORES.items()}
    compute = choose_compute()
    scorer, reference = OutlierScorer(model, compute), fit_outliers(model, half, compute)
    parts = {kind: scorer.scores(pictures) for kind, pictures in sets.items()}
    found["batch norms"] = {kind: -each.distance for kind, each in parts.items()}
    found["energy and batch norms"] = {k: v.typicality(reference) for k, v in parts.items()}
    return found


def measure(model: SavedModel, test: Pictures, others: dict[str, Pictures]) -> dict[str, Any]:
    """Each score against each kind of picture."""
    figures: dict[str, Any] = {}
    plain = replace(model, calibration=None, temperature=1.0, shifts=())
    half, rest = np.array_split(np.random.default_rng(_SEED).permutation(len(test)), 2)
    for name, found in scores_of(plain, {"own": test, **others}, test[half]).items():
        mine = found.pop("own")
        threshold = threshold_of(mine[half])
        figures[name] = {
            kind: vars(separate(mine[rest], theirs, threshold=threshold))
            for kind, theirs in found.items()
        }
    return figures


def false_alarms_of(model: SavedModel, test: Pictures) -> float | None:
    """Share of the test images that the threshold in a network's file takes for outliers."""
    if model.calibration is None or model.calibration.outliers is None:
        return None
    return float(OutlierTest(model, choose_compute(), share=FALSE_ALARMS)(test).mean())


def main() -> None:
    """Measure and write."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--fashion", type=Path, required=True)
    options.add_argument("--solar", type=Path, required=True)
    given = options.parse_args()
    try:
        _, test = load_cifar10()
        others = {
            "Fashion-MNIST": fashion_mnist(given.fashion),
            "solar cells": solar_cells(given.solar),
            **made_pictures(test.images),
        }
        models = {name: read_model(weights_file(name)) for name in shipped_weights()}
        found = {name: measure(model, test.images, others) for name, model in models.items()}
        own = {name: false_alarms_of(model, test.images) for name, model in models.items()}
        write_result(
            "ood",
            {
                "images": {kind: len(each) for kind, each in others.items()},
                "networks": found,
                "false_alarms_of_files": own,
            },
        )
    except (ThriftnetError, OSError) as fault:
        sys.exit(str(fault))


if __name__ == "__main__":
    main()
