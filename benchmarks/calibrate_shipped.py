"""Calibrate shipped networks, which trained on all images, by companions that held some out.

    python benchmarks/calibrate_shipped.py quick           # trains runs/quick-companion first
    python benchmarks/calibrate_shipped.py quick --ship    # and puts the map into the package
    python benchmarks/calibrate_shipped.py strong --epochs 0.25 --ship   # from a shorter companion

A companion is a run of the same recipe and seed with 5,000 training images held out, for all of its
epochs or a share of them (companion_length.py measures what that changes). A network that was
fine-tuned from another has a companion that starts from the companion of that one, which has not
seen those images either. The map is fitted to them, and judged on the test images with the
companion itself and with the shipped network: the difference is what the transfer costs. Test
images choose nothing. A companion whose training was cut goes on; one that is there is used. Writes
results/calibration.json, where networks that are not named keep their figures.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import thriftnet
from documents.quoting import result
from support.record import PROVENANCE, write_result
from thriftnet.data import Dataset, load_cifar10
from thriftnet.errors import RunError, ThriftnetError
from thriftnet.evaluation.calibrate import fit_calibration
from thriftnet.evaluation.calibration import calibration_report
from thriftnet.evaluation.held_out import HeldOut, held_out_images
from thriftnet.inference.calibrated import calibrated
from thriftnet.inference.engine import Engine
from thriftnet.inference.outliers import OutlierScorer, Scores
from thriftnet.models.calibration import Calibration, OutlierReference
from thriftnet.models.rewrite import write_calibration
from thriftnet.models.saved import SavedModel, read_model
from thriftnet.recipe import load_recipe
from thriftnet.runs.folder import RunFolder
from thriftnet.runtime.device import choose_compute
from thriftnet.runtime.resize import as_pixels
from thriftnet.weights.digests import write_digests
from thriftnet.weights.shipped import FOLDER, shipped_weights, weights_file

_HELD_OUT = 0.1
"""Of the 50,000 training images."""


def companion_of(name: str, runs_dir: Path, *, share: float = 1.0) -> RunFolder:
    """A finished run of a shipped recipe that held images out; trained now if it is not there.

    Args:
        name: A shipped recipe.
        runs_dir: Its parent folder.
        share: Of the recipe's epochs; the companion it starts from has the same share of its own.

    Raises:
        RunError: A run of that name has another recipe.
    """
    recipe = load_recipe(name)
    overrides = [f"data.val_ratio={_HELD_OUT}"]
    if share != 1:
        overrides.append(f"train.epochs={max(1, round(share * recipe.train.epochs))}")
    first = recipe.init.weights
    start = companion_of(first, runs_dir, share=share).path if first else None
    path = runs_dir / (f"{name}-companion" if share == 1 else f"{name}-companion-{share:g}")
    if not path.exists():
        thriftnet.train(name, overrides=overrides, init=start, name=path.name, runs_dir=runs_dir)
    elif not RunFolder.open(path).finished:
        thriftnet.train(resume=path)
    run = RunFolder.open(path)
    has, wanted = run.recipe(), load_recipe(name, overrides)
    if has.model_copy(update={"init": wanted.init}).digest() != wanted.digest():
        raise RunError(f"{path} was trained with another recipe; remove it, or give --runs-dir")
    return run


def without_calibration(model: SavedModel) -> SavedModel:
    """The network as it was trained."""
    return replace(model, calibration=None, temperature=1.0, shifts=())


def logits_of(model: SavedModel, images: Dataset, views: tuple[str, ...]) -> dict[str, Tensor]:
    """Logits of images under some choices of views, without any calibration."""
    engine = Engine.of(without_calibration(model), choose_compute())
    return engine.side_by_side(as_pixels(images.images, model.image_size), views)


def judged(logits: Tensor, test: Dataset, calibration: Calibration, tta: str) -> Any:
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


def held_by(run: RunFolder) -> HeldOut:
    """The companion and the images that it held out."""
    own = str(run.path)
    held = held_out_images(
        read_model(run.model_path), run, name=own, data=None, companion=None, say=lambda _: None
    )
    return replace(held, source="companion")


def rejected(scores: Scores, reference: OutlierReference) -> dict[str, float]:
    """Share of images below each outlier threshold, by the threshold's own share."""
    typical = scores.typicality(reference)
    return {f"{t.share:g}": float((typical < t.score).mean()) for t in reference.thresholds}


def measure(name: str, run: RunFolder, test: Dataset) -> tuple[Calibration, dict[str, Any]]:
    """The map of a shipped network, and what it does to test images."""
    shipped, held = read_model(weights_file(name)), held_by(run)
    companion = held.model
    calibration = fit_calibration(held, choose_compute())
    assert calibration.outliers is not None
    scores = OutlierScorer(shipped, choose_compute()).scores(test.images)
    networks = {"shipped": shipped, "companion": companion}
    shown = tuple(dict.fromkeys((shipped.tta, "none")))
    said = {who: logits_of(model, test, shown) for who, model in networks.items()}
    views = {
        tta: {who: judged(logits[tta], test, calibration, tta) for who, logits in said.items()}
        for tta in shown
    }
    maps = {tta: how.model_dump(exclude={"accepted"}) for tta, how in calibration.views.items()}
    figures = {
        "images": calibration.images,
        "tta": shipped.tta,
        "companion_epochs": run.recipe().train.epochs,
        "epochs": load_recipe(name).train.epochs,
        "rejected_as_outliers": rejected(scores, calibration.outliers),
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
    options.add_argument("--epochs", type=float, default=1.0, help="share of those of the recipe")
    options.add_argument("--ship", action="store_true", help="write the maps into the package")
    given = options.parse_args()
    known = (result("calibration") or {}).get("networks", {})
    try:
        _, test = load_cifar10()
        for name in given.networks:
            run = companion_of(name, given.runs_dir, share=given.epochs)
            calibration, figures = measure(name, run, test)
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
