"""Features of all training images, computed once for each network."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from thriftnet.digests import open_archive, seal_archive
from thriftnet.errors import DataError
from thriftnet.evaluation.features.extract import features_of
from thriftnet.evaluation.features.neighbours import unit_features
from thriftnet.explain.training_images import TrainingImages
from thriftnet.files import write_whole
from thriftnet.home import cache_folder
from thriftnet.inference.classifier import Classifier
from thriftnet.inference.engine import OnProgress, no_progress
from thriftnet.trust import for_this_user, why_distrusted

_VERSION = 1
"""Of what is kept; a change computes all anew."""
_WORTH_SAYING, _WORTH_KEEPING = 5_000, 1_000
"""Images from which it takes seconds, and a noticeable time."""


def feature_index(
    classifier: Classifier,
    training: TrainingImages,
    *,
    say: Callable[[str], None],
    on_progress: OnProgress = no_progress,
) -> NDArray[np.float16]:
    """(N, F) unit features of the training images, from the cache if they were computed before.

    Args:
        classifier: The network.
        training: Its images.
        say: Told, a line at a time, what takes a while.
        on_progress: Called with the number of training images done and the total.
    """
    count = len(training.images)
    path = _path(classifier, training)
    kept = _read(path, count)
    if kept is not None:
        return kept
    if count >= _WORTH_SAYING:
        say(f"computing the features of {count:,} training images, once")
    found = features_of(
        classifier.model, training.images, classifier.compute, on_progress=on_progress
    )
    index = unit_features(found).astype(np.float16)
    if path is not None:
        content = io.BytesIO()
        np.savez(content, index=index)
        try:
            with for_this_user():
                write_whole(path, seal_archive(content.getvalue()), error=DataError)
        except DataError as fault:
            say(f"features are not cached: {fault}")
    return index


def _path(classifier: Classifier, training: TrainingImages) -> Path | None:
    """Where the features are kept; none where it is not worth it, or not safe."""
    if len(training.images) < _WORTH_KEEPING:
        return None
    key = f"{_VERSION} {classifier.digest} {classifier.compute.precision} {training.digest}"
    path = cache_folder() / "features" / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npz"
    return None if why_distrusted(path, cache_folder()) else path


def _read(path: Path | None, count: int) -> NDArray[np.float16] | None:
    """The features that were kept; none if there are none yet, or they are damaged."""
    try:
        if path is not None:
            content = io.BytesIO(open_archive(path.read_bytes()))
            with np.load(content, allow_pickle=False) as archive:
                found = archive["index"]
            right = found.ndim == 2 and len(found) == count and found.dtype == np.float16
            return found if right else None
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        pass
    return None
