"""Out-of-fold predictions: one training per fold, resumable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from thriftnet.data import OpenDataset
from thriftnet.data.inspection import Collection
from thriftnet.errors import RunError
from thriftnet.inference.engine import Engine
from thriftnet.models.saved import read_model
from thriftnet.recipe import Recipe
from thriftnet.runs.folder import RunFolder
from thriftnet.runtime.device import choose_compute
from thriftnet.runtime.resize import as_pixels
from thriftnet.training.images import Images, as_images
from thriftnet.training.progress import Progress
from thriftnet.training.resume import resume_run
from thriftnet.training.start import start_run

Logits = NDArray[np.float32]


@dataclass(frozen=True)
class FoldTraining:
    """How to train the networks of an audit."""

    recipe: Recipe
    source: Path | None
    """Data set, as in `train --data`."""
    folder: Path
    """Folder of the folds' run folders."""
    progress: Callable[[], Progress]
    """Receives the progress of each training."""


def out_of_fold_logits(
    collection: Collection, fold_of: NDArray[np.int64], training: FoldTraining
) -> Logits | None:
    """(N, classes) logits of each picture by the network of its fold.

    Folds that are already trained are reused.

    Returns:
        None if a training was interrupted; the same call continues it.

    Raises:
        RunError: A fold's run folder is of another recipe or damaged.
        TrainingError: A loss stopped being finite.
    """
    logits = np.empty((len(fold_of), len(collection.classes)), np.float32)
    for fold in range(int(fold_of.max()) + 1):
        run = _trained(fold, fold_of, training)
        if run is None:
            return None
        held_out = np.flatnonzero(fold_of == fold)
        model = read_model(run.model_path)
        images = as_pixels(collection.images[held_out], model.image_size)
        logits[held_out] = Engine.of(model, choose_compute()).logits(images).numpy()
    return logits


def _trained(fold: int, fold_of: NDArray[np.int64], training: FoldTraining) -> RunFolder | None:
    """The finished run of a fold, trained if missing; None if interrupted."""

    def prepare(recipe: Recipe, data: OpenDataset, device: torch.device) -> Images:
        assert data.collection is not None
        every, side = data.collection(), recipe.data.image_size
        seen, held_out = np.flatnonzero(fold_of != fold), np.empty(0, np.int64)
        return Images(
            images=as_images(every.images, seen, device, side=side),
            labels=torch.tensor(every.labels[seen]).to(device),
            val_images=as_images(every.images, held_out, device, side=side),
            val_labels=torch.tensor(every.labels[held_out]).to(device),
        )

    name = f"fold-{fold + 1}-of-{int(fold_of.max()) + 1}"
    path = training.folder / name
    if path.exists():
        run = RunFolder.open(path)
        if run.recipe().digest() != training.recipe.digest():
            raise RunError(
                f"{path} was trained by another recipe; remove it, or give another --output"
            )
        done = resume_run(path, data=training.source, progress=training.progress(), prepare=prepare)
    else:
        done = start_run(
            training.recipe,
            name=name,
            runs_dir=training.folder,
            data=training.source,
            progress=training.progress(),
            prepare=prepare,
        )
    return RunFolder(done.path) if done.finished else None
