"""Calibrate shipped networks, which trained on all images, by companions that held some out.

    python benchmarks/calibrate_shipped.py quick           # trains runs/quick-companion first
    python benchmarks/calibrate_shipped.py quick --ship    # and puts the map into the package

A companion is a run of the same recipe and seed with 5,000 training images held out. Its map is
fitted to those, and judged on the test images with the companion itself and with the shipped
network: the difference is what the transfer costs. Test images choose nothing. A companion whose
training was cut goes on; one that is there is used. Writes results/calibration.json, where networks
that are not named keep their figures.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

import thriftnet
from documents.quoting import result
from support.record import PROVENANCE, write_result
from thriftnet.data import Dataset, load_cifar10
from thriftnet.errors import ThriftnetError
from thriftnet.evaluation.calibrate import fit_calibration
from thriftnet.evaluation.calibration import calibration_report
from thriftnet.evaluation.held_out import held_out_images
from thriftnet.inference.calibrated import calibrated
from thriftnet.inference.engine import Engine
from thriftnet.inference.views import VIEWS
from thriftnet.models.calibration import Calibration
from thriftnet.models.rewrite import write_calibration
from thriftnet.models.saved import SavedModel, read_model
from thriftnet.runs.folder import RunFolder
from thriftnet.runtime.device import choose_compute
from thriftnet.runtime.resize import as_pixels
from thriftnet.weights.digests import write_digests
from thriftnet.weights.shipped import FOLDER, shipped_weights, weights_file

_HELD_OUT = 0.1
"""Of the 50,000 training images."""


def companion_of(name: str, runs_dir: Path) -> RunFolder:
    """A finished run of a shipped recipe that held images out; trained now if it is not there."""
    path = runs_dir / f"{name}-companion"
    if not path.exists():
        overrides = [f"data.val_ratio={_HELD_OUT}"]
        thriftnet.train(name, overrides=overrides, name=path.name, runs_dir=runs_dir)
    elif not RunFolder.open(path).finished:
        thriftnet.train(resume=path)
    return RunFolder.open(path)


def test_logits(model: SavedModel, test: Dataset) -> dict[str, torch.Tensor]:
    """Logits of the test images under every choice of views, without any calibration."""
    plain = replace(model, calibration=None, temperature=1.0, shifts=())
    engine = Engine.of(plain, choose_compute())
    return engine.side_by_side(as_pixels(test.images, model.image_size), tuple(VIEWS))


def judged(logits: torch.Tensor, test: Dataset, calibration: Calibration, tta: str) -> Any:
    """Figures on the test images before and after, and with a temperature alone."""
    how = calibration.views[tta]
    after = calibrated(logits, how.temperature, how.shifts)
    assert torch.equal(after.argmax(dim=1), logits.argmax(dim=1))
    return {
        "before": calibration_report(logits.numpy(), test.labels).to_json(),
        "temperature_alone": calibration_report(
            (logits / how.temperature).numpy(), test.labels
        ).to_json(),
        "after": calibration_report(after.numpy(), test.labels).to_json(),
    }


def measure(name: str, run: RunFolder, test: Dataset) -> tuple[Calibration, dict[str, Any]]:
    """The map of a shipped network, and what it does to test images."""
    shipped, companion = read_model(weights_file(name)), read_model(run.model_path)
    held = held_out_images(
        shipped, None, name=name, data=None, companion=run.path, say=lambda _: None
    )
    calibration = fit_calibration(held, choose_compute())
    networks = {"shipped": shipped, "companion": companion}
    said = {who: test_logits(model, test) for who, model in networks.items()}
    views = {
        tta: {who: judged(logits[tta], test, calibration, tta) for who, logits in said.items()}
        for tta in VIEWS
    }
    maps = {tta: how.model_dump(exclude={"accepted"}) for tta, how in calibration.views.items()}
    figures = {
        "images": calibration.images,
        "tta": shipped.tta,
        "companion_commit": run.environment().get("commit"),
        "companion_machine": run.environment().get("processor"),
        "maps": maps,
        "test": views,
        "commit": PROVENANCE["commit"],
    }
    return calibration, figures


def main() -> None:
    """Train where it is needed, fit, judge, write."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("networks", nargs="+", choices=shipped_weights())
    options.add_argument("--runs-dir", type=Path, default=Path("runs"))
    options.add_argument("--ship", action="store_true", help="write the maps into the package")
    given = options.parse_args()
    known = (result("calibration") or {}).get("networks", {})
    try:
        _, test = load_cifar10()
        for name in given.networks:
            calibration, figures = measure(name, companion_of(name, given.runs_dir), test)
            known[name] = figures
            found = figures["test"][figures["tta"]]["shipped"]
            errors = [found[k]["error"] for k in ("before", "temperature_alone", "after")]
            print(f"{name}: error {errors[0]:.4f}, by temperature {errors[1]:.4f}, {errors[2]:.4f}")
            if given.ship:
                write_calibration(weights_file(name), weights_file(name), calibration)
                write_digests(FOLDER)
        write_result("calibration", {"networks": dict(sorted(known.items()))})
    except ThriftnetError as fault:
        sys.exit(str(fault))


if __name__ == "__main__":
    np.seterr(all="raise", under="ignore")
    main()
