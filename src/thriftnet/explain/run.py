"""From a network and pictures to what speaks for its answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from thriftnet.data.decode import read_image
from thriftnet.errors import DataError, ImageError, RunError
from thriftnet.evaluation.features.extract import features_of
from thriftnet.evaluation.features.neighbours import nearest, unit_features
from thriftnet.explain.activation import class_activation
from thriftnet.explain.index import feature_index
from thriftnet.explain.overlay import overlay
from thriftnet.explain.training_images import TrainingImages, training_images
from thriftnet.inference.classifier import Classifier, load_model
from thriftnet.inference.engine import OnProgress, no_progress
from thriftnet.inference.inputs import find_pictures
from thriftnet.inference.prediction import Prediction
from thriftnet.plain import to_stderr
from thriftnet.weights.find import find_model

SHOWN = 224
"""Side in pixels at which a picture is shown."""
MOST = 200
"""Pictures of one page."""


@dataclass(frozen=True, eq=False)
class Neighbour:
    """A training image near to a picture."""

    title: str
    """Where it lies."""
    label: str
    similarity: float
    """Cosine of the angle between their features."""
    pixels: NDArray[np.uint8]
    """(H, W, 3) as the network was trained on it."""

    def to_json(self) -> dict[str, Any]:
        """Plain values, without the pixels."""
        return {"title": self.title, "label": self.label, "similarity": self.similarity}


@dataclass(frozen=True, eq=False)
class Explanation:
    """What a network says of a picture, and what speaks for it."""

    path: Path
    picture: NDArray[np.uint8]
    """(SHOWN, SHOWN, 3): what the network sees of the picture, before it is shrunk for it."""
    prediction: Prediction
    activation: NDArray[np.float32]
    """(h, w) for the predicted class."""
    neighbours: tuple[Neighbour, ...]
    """The nearest first."""

    @property
    def overlay(self) -> NDArray[np.uint8]:
        """(SHOWN, SHOWN, 3): the activation over the picture."""
        return overlay(self.picture, self.activation)

    def to_json(self) -> dict[str, Any]:
        """Plain values, without the pictures."""
        return {
            "file": str(self.path),
            **self.prediction.to_json(),
            "activation": self.activation.tolist(),
            "nearest": [each.to_json() for each in self.neighbours],
        }


@dataclass(frozen=True, eq=False)
class Explained:
    """Explanations of pictures by one network."""

    pictures: tuple[Explanation, ...]
    image_size: int
    """Side in pixels of the images that the network takes."""
    tta: str
    """Views of the predictions."""
    unreadable: tuple[str, ...]
    """Why other pictures are not among them, a line each."""


def explain(
    target: Path | str,
    inputs: Iterable[Path],
    *,
    data: Path | None = None,
    count: int = 5,
    tta: str | None = None,
    device: str = "auto",
    precision: str = "auto",
    say: Callable[[str], None] = to_stderr,
    on_progress: OnProgress = no_progress,
) -> Explained:
    """Classify pictures, and find what speaks for each answer.

    Args:
        target: The name of shipped weights, a run folder or a model file.
        inputs: Picture files, and folders of them.
        data: Where the training images lie; none: where they lay at the training.
        count: Training images to find for each picture; 0: none, and none are looked for.
        tta: Test-time augmentation of the prediction; the map is of the picture as it is.
        device: `auto`, `cpu`, `cuda` or `mps`.
        precision: `auto`, `fp32` or `bf16`.
        say: Told, a line at a time, what is known of the training images.
        on_progress: Called with the number of training images done and the total.

    Raises:
        RunError: There is no finished network, or it is an export.
        DataError: A path does not exist, there are too many pictures, or the training images
            cannot be had or have changed.
    """
    found = find_model(target)
    if found.is_onnx:
        raise RunError(
            f"{target} is an exported file, which only classifies; explain the model file or run "
            "that it was exported from"
        )
    pictures = find_pictures(inputs)
    if len(pictures) > MOST:
        raise DataError(
            f"{len(pictures):,} pictures are more than the {MOST} that one page has; give fewer"
        )
    classifier = load_model(target, tta=tta, device=device, precision=precision)
    read, unreadable = _read(classifier, pictures)
    explained = Explained((), classifier.model.image_size, classifier.tta, tuple(unreadable))
    if not read:
        return explained
    near: Sequence[tuple[Neighbour, ...]] = [()] * len(read)
    pixels = np.stack([each.pixels for each in read])
    if count:
        training = training_images(
            classifier.model, found.run, name=str(target), data=data, say=say
        )
        index = feature_index(classifier, training, say=say, on_progress=on_progress)
        near = _neighbours(classifier, training, index, pixels, count)
    predictions = classifier.predict(pixels)
    explanations = [
        Explanation(
            each.path,
            each.shown,
            prediction,
            class_activation(classifier.model, each.pixels, prediction.index),
            neighbours,
        )
        for each, prediction, neighbours in zip(read, predictions, near, strict=True)
    ]
    return replace(explained, pictures=tuple(explanations))


class _Read(NamedTuple):
    path: Path
    shown: NDArray[np.uint8]
    """(SHOWN, SHOWN, 3)."""
    pixels: NDArray[np.uint8]
    """(S, S, 3) as the network takes them."""


def _read(classifier: Classifier, pictures: Iterable[Path]) -> tuple[list[_Read], list[str]]:
    """The pictures that can be read, and why others cannot."""
    how = classifier.preprocessing
    read: list[_Read] = []
    unreadable: list[str] = []
    for path in pictures:
        try:
            sizes = (read_image(path, size=s, fit=how.fit) for s in (SHOWN, how.image_size))
            read.append(_Read(path, *sizes))
        except ImageError as fault:
            unreadable.append(str(fault))
    return read, unreadable


def _neighbours(
    classifier: Classifier,
    training: TrainingImages,
    index: NDArray[np.float16],
    pixels: NDArray[np.uint8],
    count: int,
) -> list[tuple[Neighbour, ...]]:
    """The nearest training images, of features `index`, to each of (N, S, S, 3) pictures."""
    queries = unit_features(features_of(classifier.model, pixels, classifier.compute))
    found = nearest(queries, index, count)

    def neighbour(at: int, similarity: float) -> Neighbour:
        label = classifier.classes[int(training.labels[at])]
        return Neighbour(training.title(at), label, similarity, training.images[at])

    rows = zip(found.positions.tolist(), found.similarity.tolist(), strict=True)
    return [
        tuple(neighbour(at, value) for at, value in zip(row, values, strict=True))
        for row, values in rows
    ]
