"""Predictions for command-line inputs: picture files, folders, and the unlabelled pickle."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from thriftnet.data import read_unlabelled
from thriftnet.data.pictures import walk_images
from thriftnet.data.square import square_array
from thriftnet.inference.classifier import Classifier
from thriftnet.inference.prediction import PictureResult
from thriftnet.inference.stream import BATCH

_ARRAYS_AT_ONCE = 1000
"""Images of a pickle per call: four batches of an engine."""


@dataclass(frozen=True)
class PictureSet:
    """The picture files under some paths. Each iteration lists them again; no list is kept."""

    given: tuple[Path, ...]
    """Files and folders."""
    count: int
    widest: int
    """Length of the longest path in characters."""
    digest: str
    """SHA-256 over all paths, file sizes and modification times."""

    def __iter__(self) -> Iterator[Path]:
        return (path for given in self.given for path in walk_images(given))

    def __len__(self) -> int:
        return self.count


def find_pictures(inputs: Iterable[Path]) -> PictureSet:
    """Find the picture files under some paths.

    Raises:
        DataError: A path does not exist, or a folder holds no picture.
    """
    given, digest, count, widest = tuple(inputs), hashlib.sha256(), 0, 0
    for path in PictureSet(given, 0, 0, ""):
        try:
            facts = path.stat()
            stamp = f"{facts.st_size} {facts.st_mtime_ns}"
        except OSError:  # removed meanwhile or a broken link; reading it reports that
            stamp = ""
        digest.update(b"%b\0%b\n" % (os.fsencode(path), stamp.encode()))
        count, widest = count + 1, max(widest, len(str(path)))
    return PictureSet(given, count, widest, digest.hexdigest())


def predict_pictures(
    classifier: Classifier, paths: Iterable[Path], *, first: int = 0
) -> Iterator[PictureResult]:
    """Classify picture files; one that cannot be read does not stop the others.

    Args:
        classifier: The network.
        paths: Picture files.
        first: Index of the first result to yield. Its whole batch is classified, because rounding
            depends on the batch.
    """
    begin = first - first % BATCH
    yield from islice(classifier.stream(islice(paths, begin, None)), first - begin, None)


def predict_pickle(classifier: Classifier, path: Path) -> Iterator[tuple[int | str, int | str]]:
    """(id, class index) for every image of a pickle with `data` and `ids`, of any size.

    The index is empty if the prediction is below the network's threshold, or the image an outlier.

    Raises:
        DataError: The file is missing or damaged, contains executable objects, or has other shapes.
    """
    images, ids = read_unlabelled(path)

    threshold = classifier.preprocessing.threshold or 0.0

    def rows() -> Iterator[tuple[int | str, int | str]]:
        for start in range(0, len(images), _ARRAYS_AT_ONCE):
            few = slice(start, start + _ARRAYS_AT_ONCE)
            fitting = _fitting(classifier, images[few])
            shares = classifier.probabilities(fitting)
            sure = shares.max(axis=1) >= threshold
            each = zip(shares.argmax(1).tolist(), sure, classifier.outliers(fitting), strict=True)
            indices = [i if s and not outlier else "" for i, s, outlier in each]
            yield from zip(ids[few].tolist(), indices, strict=True)

    return rows()


def _fitting(classifier: Classifier, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(N, H, W, 3) images at a size that the network takes, resized like picture files."""
    wanted, (height, width) = classifier.preprocessing, images.shape[1:3]
    if height == width and height in classifier.sides:
        return images
    resized = (square_array(each, size=wanted.image_size, fit=wanted.fit) for each in images)
    return np.stack(list(resized))
