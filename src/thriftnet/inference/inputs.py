"""Predictions for what users point at: picture files, folders, and the unlabelled pickle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from thriftnet.data import image_files, read_image, read_unlabelled
from thriftnet.errors import ImageError
from thriftnet.inference.classifier import Classifier, Prediction

_AT_ONCE = 1000
"""Pictures held in memory at a time."""


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


def predict_pictures(classifier: Classifier, inputs: Sequence[Path]) -> list[PictureResult]:
    """Name every picture; one that cannot be read does not keep the others from their names.

    Raises:
        DataError: A path does not exist, or a folder holds no picture.
    """
    paths = [path for given in inputs for path in image_files(given)]
    results: list[PictureResult] = []
    for start in range(0, len(paths), _AT_ONCE):
        results += _predict_some(classifier, paths[start : start + _AT_ONCE])
    return results


def predict_pickle(classifier: Classifier, path: Path) -> list[tuple[int | str, int]]:
    """(id, class index) of every image of a pickle with `data` and `ids`.

    Raises:
        DataError: The file is missing, damaged, holds anything executable, or other shapes.
    """
    images, ids = read_unlabelled(path)
    indices = classifier.probabilities(images).argmax(axis=1)
    return list(zip(ids.tolist(), indices.tolist(), strict=True))


def _predict_some(classifier: Classifier, paths: Sequence[Path]) -> list[PictureResult]:
    pictures: dict[Path, Any] = {}
    errors: dict[Path, str] = {}
    for path in paths:
        try:
            pictures[path] = read_image(path, size=classifier.model.image_size)
        except ImageError as error:
            errors[path] = str(error)
    named = classifier.predict(np.stack(list(pictures.values()))) if pictures else []
    found = dict(zip(pictures, named, strict=True))
    return [PictureResult(path, found.get(path), errors.get(path)) for path in paths]
