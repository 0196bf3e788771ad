"""Predictions for what users point at: picture files, folders, and the unlabelled pickle."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thriftnet.data import image_files, read_image, read_unlabelled
from thriftnet.data.cifar10.facts import IMAGE_SIZE
from thriftnet.data.square import square_array
from thriftnet.errors import ImageError
from thriftnet.inference.classifier import Classifier, Prediction

_AT_ONCE = 32
"""Pictures between two answers. Always as many: a network's last bits depend on its batch."""
_ARRAYS_AT_ONCE = 1000
"""The same of images that need no decoding; four batches of an engine."""


@dataclass(frozen=True)
class PictureResult:
    """One file's prediction, or why there is none."""

    path: Path
    prediction: Prediction | None
    error: str | None

    def to_json(self) -> dict[str, Any]:
        """Plain values; a file that could not be read has `error` alone."""
        if self.prediction is None:
            return {"file": str(self.path), "error": self.error}
        found = self.prediction
        return {
            "file": str(self.path),
            "label": found.label,
            "index": found.index,
            "probability": found.probability,
            "probabilities": found.probabilities,
        }


def find_pictures(inputs: Iterable[Path]) -> list[Path]:
    """The picture files that paths stand for.

    Raises:
        DataError: A path does not exist, or a folder holds no picture.
    """
    return [path for given in inputs for path in image_files(given)]


def predict_pictures(classifier: Classifier, paths: Sequence[Path]) -> Iterator[PictureResult]:
    """Classify picture files, a few at a time; one that cannot be read costs no other."""
    for start in range(0, len(paths), _AT_ONCE):
        yield from _predict_some(classifier, paths[start : start + _AT_ONCE])


def predict_pickle(classifier: Classifier, path: Path) -> Iterator[tuple[int | str, int]]:
    """(id, class index) of every image of a pickle with `data` and `ids`, of whatever size.

    Raises:
        DataError: The file is missing, damaged, holds anything executable, or other shapes.
    """
    images, ids = read_unlabelled(path)

    def rows() -> Iterator[tuple[int | str, int]]:
        for start in range(0, len(images), _ARRAYS_AT_ONCE):
            few = slice(start, start + _ARRAYS_AT_ONCE)
            indices = classifier.probabilities(_fitting(classifier, images[few])).argmax(axis=1)
            yield from zip(ids[few].tolist(), indices.tolist(), strict=True)

    return rows()


def _fitting(classifier: Classifier, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(N, H, W, 3) images as the network takes them: those of another size as picture files are.

    A network for less than CIFAR-10's 32 pixels shrinks its images itself, as in training.
    """
    wanted, (height, width) = classifier.preprocessing, images.shape[1:3]
    side = wanted.image_size
    if height == width and (height == side or side < height == IMAGE_SIZE):
        return images
    return np.stack([square_array(each, size=side, fit=wanted.fit) for each in images])


def _predict_some(classifier: Classifier, paths: Sequence[Path]) -> list[PictureResult]:
    pictures: dict[Path, Any] = {}
    errors: dict[Path, str] = {}
    for path in paths:
        try:
            pictures[path] = read_image(
                path, size=classifier.preprocessing.image_size, fit=classifier.preprocessing.fit
            )
        except ImageError as error:
            errors[path] = str(error)
    named = classifier.predict(np.stack(list(pictures.values()))) if pictures else []
    found = dict(zip(pictures, named, strict=True))
    return [PictureResult(path, found.get(path), errors.get(path)) for path in paths]
