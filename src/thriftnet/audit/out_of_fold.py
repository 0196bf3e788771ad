"""Out-of-fold predictions: one training per fold, resumable."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from thriftnet.data import OpenDataset
from thriftnet.data.inspection import Collection
from thriftnet.errors import DamagedCheckpointsError, RunError, RunExistsError
from thriftnet.evaluation.features.extract import features_of
from thriftnet.evaluation.features.neighbours import typicality, unit_features
from thriftnet.inference.engine import Engine
from thriftnet.models.saved import read_model
from thriftnet.recipe import Recipe
from thriftnet.runs.folder import RunFolder
from thriftnet.runtime.device import choose_compute
from thriftnet.runtime.resize import as_pixels
from thriftnet.training.images import HELD_OUT, Images, PrepareTensors
from thriftnet.training.progress import Progress
from thriftnet.training.resume import resume_run
from thriftnet.training.runner import TrainedRun
from thriftnet.training.saved_run import is_intact
from thriftnet.training.start import start_run

_INDEXED = 20_000
"""Largest number of training pictures that a fold's pictures are compared with."""


@dataclass(frozen=True)
class FoldTraining:
    """How to train the networks of an audit."""

    recipe: Recipe
    opened: OpenDataset
    """The pictures."""
    folder: Path
    """Folder of the folds' run folders."""
    progress: Callable[[], Progress]
    """Receives the progress of each training."""


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """Out-of-fold outputs: of each picture, by the network that was not trained on it."""

    logits: NDArray[np.float32]
    """(N, classes)."""
    similarity: NDArray[np.float32]
    """(N,) mean similarity to the nearest training pictures of its network, at most 1."""
    rank: NDArray[np.float64]
    """(N,) share of its fold's pictures with a lower similarity; scales differ by network."""


def out_of_fold(
    collection: Collection, fold_of: NDArray[np.int64], training: FoldTraining
) -> OutOfFold | None:
    """Judge each picture by the network of its fold.

    Folds that are already trained are reused.

    Returns:
        None if a training was interrupted; the same call continues it.

    Raises:
        RunError: A fold's run folder is of another recipe or other pictures, or is damaged; or its
            network's outputs are not finite.
        TrainingError: A loss stopped being finite.
    """
    count, compute = len(fold_of), choose_compute()
    _check_folds(fold_of, training)
    logits = np.empty((count, len(collection.classes)), np.float32)
    similarity, rank = np.empty(count, np.float32), np.empty(count)
    for fold in range(int(fold_of.max()) + 1):
        run = _trained(fold, fold_of, training)
        if run is None:
            return None
        held_out = np.flatnonzero(fold_of == fold)
        model = read_model(run.model_path)
        images = as_pixels(collection.images, model.image_size, at=held_out)
        logits[held_out] = Engine.of(model, compute).logits(images).numpy()
        if not np.isfinite(logits[held_out]).all():
            raise RunError(
                f"the outputs of the network in {run.path} are not finite; audit with a lower "
                "learning rate (--set optim.lr=...) into another --output"
            )
        seen = np.flatnonzero(fold_of != fold)
        if len(seen) > _INDEXED:
            seen = np.sort(np.random.default_rng(fold).choice(seen, _INDEXED, replace=False))
        own, known = (
            unit_features(features_of(model, collection.images[at], compute))
            for at in (held_out, seen)
        )
        similarity[held_out] = found = typicality(own, known)
        rank[held_out] = np.searchsorted(np.sort(found), found) / len(found)
    return OutOfFold(logits, similarity, rank)


def _trained(fold: int, fold_of: NDArray[np.int64], training: FoldTraining) -> RunFolder | None:
    """The finished run of a fold, trained if necessary; None if interrupted."""
    digests = _held_out(fold, fold_of)

    def prepare(recipe: Recipe, data: OpenDataset, device: torch.device) -> Images:
        assert data.collection is not None
        every, side = data.collection(), recipe.data.image_size
        seen, held_out = np.flatnonzero(fold_of != fold), np.empty(0, np.int64)
        return Images(
            images=as_pixels(every.images, side, at=seen).to(device),
            labels=torch.tensor(every.labels[seen]).to(device),
            val_images=as_pixels(every.images, side, at=held_out).to(device),
            val_labels=torch.tensor(every.labels[held_out]).to(device),
            digests=digests,
        )

    path = _path(fold, fold_of, training)
    if path.exists():
        done = _resumed(path, training, prepare)
    else:
        try:
            done = start_run(
                training.recipe,
                name=path.name,
                runs_dir=training.folder,
                opened=training.opened,
                progress=training.progress(),
                prepare=prepare,
            )
        except RunExistsError:
            raise RunError(
                f"another audit started {path} meanwhile; wait for it, or give another --output"
            ) from None
    return RunFolder(done.path) if done.finished else None


def _resumed(path: Path, training: FoldTraining, prepare: PrepareTensors) -> TrainedRun:
    """Finish the training of a fold; it starts again if nothing of it can be read."""
    kept: Any = {"opened": training.opened, "prepare": prepare}
    run = RunFolder.open(path)
    lost = run.finished and not run.saved.exist and not is_intact(run)
    try:
        return resume_run(path, restart=lost, progress=training.progress(), **kept)
    except DamagedCheckpointsError:
        return resume_run(path, restart=True, progress=training.progress(), **kept)


def _path(fold: int, fold_of: NDArray[np.int64], training: FoldTraining) -> Path:
    """The run folder of a fold."""
    return training.folder / f"fold-{fold + 1}-of-{int(fold_of.max()) + 1}"


def _held_out(fold: int, fold_of: NDArray[np.int64]) -> dict[str, str]:
    """The digest of what a fold's training holds out."""
    out = np.flatnonzero(fold_of == fold)
    return {HELD_OUT: hashlib.sha256(out.tobytes()).hexdigest()[:16]}


def _check_folds(fold_of: NDArray[np.int64], training: FoldTraining) -> None:
    """Check that the folds' runs have these pictures and this recipe, before any is trained.

    Otherwise a network may have been trained on the pictures that are held out.

    Raises:
        RunError: One has not.
    """
    others: dict[Path, str] = {}
    for fold in range(int(fold_of.max()) + 1):
        path = _path(fold, fold_of, training)
        if path.exists() and (why := _why_other(RunFolder.open(path), training, fold, fold_of)):
            others[path] = why
    if others:
        first, *more = others
        rest = "".join(f", {path}" for path in more)
        raise RunError(
            f"{first} was trained {others[first]}; remove {first}{rest}, or give another --output"
        )


def _why_other(
    run: RunFolder, training: FoldTraining, fold: int, fold_of: NDArray[np.int64]
) -> str | None:
    """Why a fold's run cannot be used: it has another recipe or other pictures; None if it can."""
    theirs = run.recipe()
    # The run's has an absolute path; the pictures themselves are compared below.
    where = training.recipe.data.model_copy(update={"dataset": theirs.data.dataset})
    if theirs.digest() != training.recipe.model_copy(update={"data": where}).digest():
        return "by another recipe"
    whole = training.opened.digests()
    # Earlier versions did not record what was held out.
    if run.environment().get("data") not in ({**whole, **_held_out(fold, fold_of)}, whole):
        return "on other pictures than there are now"
    return None
