"""How long a companion has to train for its calibration to fit the shipped network.

    python benchmarks/companion_length.py       # of quick

Companions of a quarter, half and all of the epochs. The length is chosen without test images: a map
is fitted to one half of the images that all companions held out, by the shorter companion's logits,
and judged on the other half by those of the companion that trained in full, for both halves. Then
the map of all held-out images is judged on the test images with the shipped network, which choose
nothing. Trains companions that are missing. Writes results/companion_length.json.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from calibrate_shipped import companion_of, held_by, logits_of, rejected
from support.record import write_result
from thriftnet.data import Dataset, load_cifar10
from thriftnet.errors import ThriftnetError
from thriftnet.evaluation.calibration import calibration_report
from thriftnet.evaluation.fit_calibration import fit_views
from thriftnet.evaluation.fit_outliers import fit_outliers
from thriftnet.inference.calibrated import calibrated
from thriftnet.inference.outliers import OutlierScorer
from thriftnet.models.calibration import ViewCalibration
from thriftnet.models.saved import SavedModel, read_model
from thriftnet.runtime.device import choose_compute
from thriftnet.weights.shipped import shipped_weights, weights_file

_SHARES = (0.25, 0.5, 1.0)

Logits = NDArray[np.float64]


def _figures(logits: Logits, labels: NDArray[np.int64], how: ViewCalibration) -> dict[str, float]:
    mapped = calibrated(torch.from_numpy(logits), how.temperature, how.shifts).numpy()
    report = calibration_report(mapped, labels)
    return {"error": report.error, "nll": report.nll}


def on_held_out(short: Logits, full: Logits, labels: NDArray[np.int64]) -> dict[str, float]:
    """Means over both halves of a map that the other half gave by the shorter companion."""
    even = np.arange(len(labels)) % 2 == 0
    halves = [
        _figures(full[~half], labels[~half], fit_views(short[half], labels[half]))
        for half in (even, ~even)
    ]
    return {key: float(np.mean([half[key] for half in halves])) for key in halves[0]}


def _logits(model: SavedModel, images: Dataset, tta: str) -> Logits:
    return logits_of(model, images, (tta,))[tta].double().numpy()


def measure(name: str, runs_dir: Path, test: Dataset) -> dict[str, Any]:
    """Figures by the companions' share of the epochs, in the network's own views."""
    shipped = read_model(weights_file(name))
    tta = shipped.tta
    on_test = _logits(shipped, test, tta)
    scores = OutlierScorer(shipped, choose_compute()).scores(test.images)
    held = {share: held_by(companion_of(name, runs_dir, share=share)) for share in _SHARES}
    said = {share: _logits(each.model, each.images, tta) for share, each in held.items()}
    labels = held[1.0].images.labels
    rows: dict[str, Any] = {}
    for share, each in held.items():
        assert np.array_equal(each.images.images, held[1.0].images.images)
        how = fit_views(said[share], labels)
        reference = fit_outliers(each.model, each.images.images, choose_compute())
        rows[f"{share:g}"] = {
            "accuracy": float((said[share].argmax(axis=1) == labels).mean()),
            "temperature": how.temperature,
            "knots": len(how.shifts),
            "held_out": on_held_out(said[share], said[1.0], labels),
            "test": _figures(on_test, test.labels, how),
            "rejected_as_outliers": rejected(scores, reference),
        }
        print(share, rows[f"{share:g}"], flush=True)
    return {"network": name, "tta": tta, "images": len(labels), "shares": rows}


def main() -> None:
    """Train where it is needed, fit, judge, write."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("network", nargs="?", default="quick", choices=shipped_weights())
    options.add_argument("--runs-dir", type=Path, default=Path("runs"))
    given = options.parse_args()
    try:
        _, test = load_cifar10()
        write_result("companion_length", measure(given.network, given.runs_dir, test))
    except ThriftnetError as fault:
        sys.exit(str(fault))


if __name__ == "__main__":
    main()
