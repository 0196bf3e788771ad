"""Chooses pictures to calibrate an export and to compare it on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from thriftnet.data import image_files, read_image
from thriftnet.data.opened import Subset
from thriftnet.data.registry import DATASETS, is_at_hand
from thriftnet.errors import DataError, ExportError, ImageError
from thriftnet.models.saved import SavedModel
from thriftnet.runs.folder import RunFolder
from thriftnet.runtime.resize import as_pixels
from thriftnet.training.data import open_data, trained_section
from thriftnet.training.images import split_sets

COMPARED = 2_000
"""Largest number of pictures for the comparison."""
CALIBRATION = 256
"""Number of pictures for calibration."""
_SEED = 0
_COARSE = 4
"""Side in pixels of the noise that made pictures are enlarged from."""

Say = Callable[[str], None]
Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Pictures:
    """RGB pictures of the network's size."""

    calibration: Bytes
    """(n, H, W, 3): training images for calibration; empty for made pictures."""
    compared: Bytes
    """(N, H, W, 3): pictures for the comparison."""
    labels: NDArray[np.int64] | None
    """(N,) labels of `compared`; None if unknown."""
    source: str
    """Description of the pictures."""


def choose_pictures(
    model: SavedModel, run: RunFolder | None, *, folder: Path | None, int8: bool, say: Say
) -> Pictures:
    """Choose training and validation images of a network, or pictures of a folder.

    Args:
        model: The network.
        run: Its run; None: shipped weights or a separate file.
        folder: Pictures to use instead of the network's own images.
        int8: Whether calibration is needed: then images are downloaded if necessary, never made.
        say: Called with a line about skipped pictures, and about a download.

    Raises:
        ExportError: Calibration needs images and there are none, or the folder has none.
    """
    if folder is not None:
        return _from_folder(folder, model, say=say)
    try:
        train, val, name = _own_images(model, run, fetch=int8, say=say)
    except DataError as fault:
        if int8:
            raise ExportError(
                f"int8 takes its ranges from training images: {fault}; or give pictures with "
                "--calibration FOLDER"
            ) from None
        return _made(model)
    return _from_splits(train, val, name=name, model=model)


def _own_images(
    model: SavedModel, run: RunFolder | None, *, fetch: bool, say: Say
) -> tuple[Subset, Subset, str]:
    """The network's training and validation images and the data set's name.

    Raises:
        DataError: The data set is unknown or not on this machine.
    """
    settings = trained_section(model, run, remedy="export the run folder")
    named = settings.dataset in DATASETS
    if not is_at_hand(settings.dataset) and not (fetch and named):
        raise DataError(f"{settings.dataset} is not on this machine any more")
    # Of a named data set a line is about fetching it; of own pictures, about what was known before.
    data = open_data(settings, model=model, known=True, say=say if named else lambda _: None)
    if data.classes != model.classes:
        raise DataError(f"this network has other classes than {data.name}")
    if run is not None:
        return *split_sets(run.recipe(), data), data.name
    whole, everything = data.part("train")
    return (whole, everything), (whole, everything[:0]), data.name


def _from_splits(train: Subset, val: Subset, *, name: str, model: SavedModel) -> Pictures:
    """Training images to calibrate with; validation, then other training images to compare on."""
    random = np.random.default_rng(_SEED)
    (train_set, train_at), (val_set, val_at) = train, val
    order = random.permutation(train_at)
    ranges, others = order[:CALIBRATION], order[CALIBRATION:]
    held_out = random.permutation(val_at)[:COMPARED]
    if not len(held_out) and not len(others):
        others = ranges  # too few for separate sets
    seen = others[: COMPARED - len(held_out)]
    counts = ((len(held_out), "validation"), (len(seen), "training"))
    parts = " and ".join(f"{count:,} {kind}" for count, kind in counts if count)
    sized = [_sized(val_set.images[held_out], model), _sized(train_set.images[seen], model)]
    return Pictures(
        calibration=_sized(train_set.images[ranges], model),
        compared=np.concatenate(sized),
        labels=np.concatenate([val_set.labels[held_out], train_set.labels[seen]]),
        source=f"{parts} images of {Path(name).name}",
    )


def _sized(images: Bytes, model: SavedModel) -> Bytes:
    """Images at the network's size, resized as in training."""
    if not len(images):
        return np.empty((0, model.image_size, model.image_size, 3), np.uint8)
    pixels = as_pixels(images, model.image_size).permute(0, 2, 3, 1)
    return pixels.contiguous().numpy()


def _from_folder(folder: Path, model: SavedModel, *, say: Say) -> Pictures:
    """Pictures of a folder; those that cannot be read are reported and skipped.

    Raises:
        ExportError: No picture can be used.
    """
    try:
        files = image_files(folder)
    except DataError as fault:
        raise ExportError(f"--calibration: {fault}") from None
    order = np.random.default_rng(_SEED).permutation(len(files))[: CALIBRATION + COMPARED]
    found: list[Bytes] = []
    for at in order.tolist():
        try:
            found.append(read_image(files[at], size=model.image_size, fit=model.fit))
        except ImageError as fault:
            say(f"{fault}; left out")
    if not found:
        raise ExportError(f"--calibration: no picture of {folder} can be read; give another folder")
    images = np.stack(found)
    compared = images[CALIBRATION:] if len(images) > 2 * CALIBRATION else images
    name = folder.resolve().name
    return Pictures(images[:CALIBRATION], compared, None, f"{len(compared):,} pictures of {name}")


def _made(model: SavedModel) -> Pictures:
    """Smooth colours with noise, if there are no pictures."""
    side, draw = model.image_size, torch.Generator().manual_seed(_SEED)
    coarse = torch.rand(COMPARED, 3, _COARSE, _COARSE, generator=draw)
    smooth = F.interpolate(coarse, size=(side, side), mode="bilinear")
    noise = torch.randn(smooth.shape, generator=draw) / 10
    images = ((smooth + noise).clamp(0, 1) * 255).to(torch.uint8).permute(0, 2, 3, 1)
    empty = np.empty((0, side, side, 3), np.uint8)
    source = f"{COMPARED:,} synthetic pictures, as no training images are available"
    return Pictures(empty, images.contiguous().numpy(), None, source)
