"""Calibrates a network on held-out images and stores the result in its model file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from thriftnet.data.places import given_path
from thriftnet.errors import RunError
from thriftnet.evaluation.fit_calibration import fit_views, is_at_chance
from thriftnet.evaluation.fit_outliers import fit_outliers
from thriftnet.evaluation.held_out import HeldOut, held_out_images
from thriftnet.inference.engine import Engine, OnProgress, no_progress
from thriftnet.inference.views import VIEWS
from thriftnet.models.calibration import Calibration
from thriftnet.models.hub_folder import CONFIG, is_hub_folder
from thriftnet.models.metadata import read_facts
from thriftnet.models.rewrite import write_calibration
from thriftnet.models.saved import read_model
from thriftnet.models.tensors import digest_arrays, read_arrays
from thriftnet.phases import phase
from thriftnet.plain import to_stderr
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.lock import writing
from thriftnet.runtime.device import Compute, choose_compute
from thriftnet.runtime.resize import as_pixels
from thriftnet.weights.find import FoundModel, find_model
from thriftnet.writable import check_writable


@dataclass(frozen=True)
class CalibratedModel:
    """A calibration and the file it was written to."""

    path: Path
    calibration: Calibration
    tta: str
    """Default test-time augmentation of the network."""

    def to_json(self) -> dict[str, Any]:
        """JSON values."""
        return {"file": str(self.path), "tta": self.tta, **self.calibration.model_dump(mode="json")}


def calibrate(
    target: Path | str,
    *,
    data: Path | str | None = None,
    companion: Path | str | None = None,
    output: Path | str | None = None,
    device: str = "auto",
    precision: str = "auto",
    on_progress: OnProgress = no_progress,
    say: Callable[[str], None] = to_stderr,
) -> CalibratedModel:
    """Calibrate a network's probabilities on held-out images.

    Args:
        target: The name of shipped weights, a run folder or a model file.
        data: Labelled held-out images; None: the run's validation images.
        companion: A run of the same recipe with a validation split, for a network trained without
            one.
        output: The model file to write; None: the network's own. Required for shipped weights.
        device: `auto`, `cpu`, `cuda` or `mps`.
        precision: `auto`, `fp32` or `bf16`.
        on_progress: Called with the number of images done and the total.
        say: Called with one line of information at a time.

    Raises:
        RunError: There is no finished network or held-out data, or the file cannot be written.
        DataError: The images cannot be opened, are too few, of one class, or all correct.
    """
    found = _find(target, output)
    model = read_model(found.path)
    held = held_out_images(
        model,
        found.run,
        name=str(target),
        data=given_path(data, "data"),
        companion=given_path(companion, "companion"),
        say=say,
    )
    compute = choose_compute(device=device, precision=precision)
    calibration = fit_calibration(held, compute, on_progress=on_progress)
    if any(is_at_chance(view.temperature) for view in calibration.views.values()):
        say(
            f"on these {calibration.images:,} images the network is no better than chance: its "
            "calibrated probabilities hardly depend on the picture; train it longer, or check that "
            "the labels are of its classes"
        )
    path = found.path if output is None else Path(output)
    if found.run is not None and output is None:
        kept = _save_to_run(found.run, calibration)
    else:
        kept = write_calibration(found.path, path, calibration)
    assert kept
    return CalibratedModel(path, kept, model.tta)


def fit_calibration(
    held: HeldOut, compute: Compute, *, on_progress: OnProgress = no_progress
) -> Calibration:
    """Fit a map for every test-time augmentation, and the scores of usual pictures.

    Raises:
        RunError: A logit is not finite.
        DataError: The images are too few, of one class, or all classified correctly.
    """
    plain = replace(held.model, calibration=None, temperature=1.0, shifts=())
    engine = Engine.of(plain, compute)
    images = as_pixels(held.images.images, held.model.image_size)
    logits = engine.side_by_side(images, tuple(VIEWS), on_progress=on_progress)
    views = {tta: fit_views(each.numpy(), held.images.labels) for tta, each in logits.items()}
    with phase("scoring the held-out images for outliers") as count:
        outliers = fit_outliers(held.model, held.images.images, compute, on_progress=count)
    return Calibration(
        weights_sha256=held.model.weights_sha256 or "",
        images=len(held.images),
        source=held.source,
        views=views,
        outliers=outliers,
    )


def remove_calibration(target: Path | str, output: Path | str | None = None) -> Path:
    """Remove a network's calibration, valid or not; returns the file that was written.

    Raises:
        RunError: There is no finished network, or the file cannot be written.
    """
    found = _find(target, output)
    path = found.path if output is None else Path(output)
    write_calibration(found.path, path, None)
    return path


def _find(target: Path | str, output: Path | str | None) -> FoundModel:
    """Find the model to calibrate; shipped weights cannot be overwritten."""
    found = find_model(target)
    if output is None and found.name is not None:
        raise RunError(
            f"{target} is part of the package and is not changed; write a copy with --output FILE"
        )
    if output is None and is_hub_folder(found.path.parent):
        raise RunError(
            f"{found.path.parent} is an exported folder, whose {CONFIG} has the calibration too; "
            "calibrate what it was exported from, and export it again"
        )
    path = found.path if output is None else Path(output)
    check_writable(path, error=RunError, ours=lambda there: _digest(there) == _digest(found.path))
    return found


def _digest(path: Path) -> str | None:
    """The digest of a model file's weights, which no calibration changes; None if it is none."""
    try:
        return read_facts(path).weights_sha256 or digest_arrays(read_arrays(path, sha256=None))
    except RunError:
        return None


def _save_to_run(run: RunFolder, calibration: Calibration) -> Calibration | None:
    """Write the run's model file and append the calibration to its metrics."""
    with writing(run):
        kept = write_calibration(run.model_path, run.model_path, calibration)
        views = {
            tta: {"before": vars(v.before), "after": vars(v.after), "noise_floor": v.noise_floor}
            for tta, v in calibration.views.items()
        }
        line = {"images": calibration.images, "source": calibration.source, "views": views}
        run.append({"kind": "calibration", **line})
    return kept
