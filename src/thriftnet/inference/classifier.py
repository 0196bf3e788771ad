"""A trained network as something that names pictures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from thriftnet.data import read_image
from thriftnet.errors import RunError
from thriftnet.inference.engine import Engine
from thriftnet.inference.views import choose_views
from thriftnet.models.preprocessing import Preprocessing
from thriftnet.models.saved import SavedModel, read_model
from thriftnet.runtime.device import choose_compute
from thriftnet.runtime.resize import as_pixels
from thriftnet.weights.find import find_model

_CIFAR10_SIDE = 32


@dataclass(frozen=True)
class Prediction:
    """What a network says of one image."""

    label: str
    index: int
    """Of the label among the network's classes."""
    probability: float
    probabilities: dict[str, float]
    """Of every class, most probable first."""
    file: Path | None = None
    """The picture's, where it was read from one."""


class Classifier:
    """A network ready to use.

    Args:
        model: As read from its file.
        tta: Test-time augmentation, a key of `VIEWS`; none: what the network's recipe chose.
        device: `auto`, `cpu`, `cuda` or `mps`.
        precision: `auto`, `fp32` or `bf16`.
    """

    def __init__(
        self,
        model: SavedModel,
        *,
        tta: str | None = None,
        device: str = "auto",
        precision: str = "auto",
    ) -> None:
        self.model = model
        self.compute = choose_compute(device=device, precision=precision)
        self.tta = model.tta if tta is None else tta
        choose_views(self.tta)  # an unknown one is refused now, not at the first picture
        self.engine = Engine.of(model, self.compute)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the outputs."""
        return self.model.classes

    @property
    def preprocessing(self) -> Preprocessing:
        """What is done to a picture here, with the views that are used here."""
        return self.model.preprocessing.model_copy(update={"tta": self.tta})

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Class probabilities of images of the network's size, or of CIFAR-10's.

        Args:
            images: (N, H, W, 3) uint8 RGB; those of 32x32 pixels are shrunk as in training.

        Returns:
            (N, classes) float32.

        Raises:
            ValueError: Another shape or type.
            RunError: An output is not finite.
        """
        side = self.preprocessing.image_size
        fitting = [(side, side, 3), (_CIFAR10_SIDE, _CIFAR10_SIDE, 3)]
        if images.dtype != np.uint8 or images.shape[1:] not in fitting:
            raise ValueError(
                f"images must be (N, {side}, {side}, 3) uint8, not {images.shape} {images.dtype}"
            )
        if len(images) == 0:
            return np.empty((0, len(self.classes)), np.float32)
        return self._probabilities(images)

    def _probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The same, of one image or more in a shape that fits."""
        logits = self.engine.logits(as_pixels(images, self.model.image_size), self.tta)
        if not bool(logits.isfinite().all()):  # of finite weights that are far too large
            raise RunError("the network's outputs are not finite; train it anew")
        return logits.softmax(dim=1).numpy()

    def predict(self, images: NDArray[np.uint8]) -> list[Prediction]:
        """Name each of (N, H, W, 3) uint8 RGB images of the network's size, or of CIFAR-10's.

        Raises:
            ValueError: Another shape or type.
        """
        return [self._named(row) for row in self.probabilities(images)]

    def predict_files(self, paths: Iterable[Path | str]) -> list[Prediction]:
        """Name image files of any size.

        Raises:
            ImageError: A file is missing or cannot be read as one picture.
        """
        files = [Path(path) for path in paths]
        if not files:
            return []
        size, fit = self.preprocessing.image_size, self.preprocessing.fit
        pictures = [read_image(file, size=size, fit=fit) for file in files]
        named = self.predict(np.stack(pictures))
        return [replace(one, file=file) for one, file in zip(named, files, strict=True)]

    def _named(self, row: NDArray[np.float32]) -> Prediction:
        order = [int(i) for i in np.argsort(-row, kind="stable")]
        return Prediction(
            label=self.classes[order[0]],
            index=order[0],
            probability=float(row[order[0]]),
            probabilities={self.classes[i]: float(row[i]) for i in order},
        )


def load_model(
    target: Path | str, *, tta: str | None = None, device: str = "auto", precision: str = "auto"
) -> Classifier:
    """Load shipped weights by their name, a finished run's network, a model file or an export.

    An exported folder is a model; an exported ONNX file is run by ONNX Runtime, on the CPU, with
    the views and the precision that it was exported with.

    The name of shipped weights wins over a path of that name, which is `./NAME` or a `Path`.

    Raises:
        RunError: There is no finished network at `target`, or its file is damaged.
    """
    found = find_model(target)
    if found.is_onnx:
        from thriftnet.inference.onnx_classifier import OnnxClassifier  # it is one of these

        return OnnxClassifier(found.path, tta=tta, device=device, precision=precision)
    return Classifier(read_model(found.path), tta=tta, device=device, precision=precision)
