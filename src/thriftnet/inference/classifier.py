"""A trained network that classifies pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from thriftnet.errors import ImageError, RunError
from thriftnet.inference.engine import Engine
from thriftnet.inference.pictures import ONE_PICTURE, Picture
from thriftnet.inference.prediction import PictureResult, Prediction
from thriftnet.inference.stream import classify
from thriftnet.inference.thresholds import threshold_for
from thriftnet.inference.views import choose_views
from thriftnet.models.preprocessing import Preprocessing
from thriftnet.models.saved import SavedModel, read_model
from thriftnet.models.tensors import digest_arrays
from thriftnet.runtime.device import choose_compute
from thriftnet.runtime.resize import as_pixels
from thriftnet.weights.find import find_model

_CIFAR10_SIDE = 32


class Classifier:
    """A network ready to use, by several threads at once.

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
        return self.model.preprocessing_with(self.tta)

    @property
    def digest(self) -> str:
        """SHA-256 of the weights, by which rows and answers say which network they are of."""
        if self.model.weights_sha256 is not None:
            return self.model.weights_sha256
        weights = self.model.network.state_dict()  # of a file of an earlier version
        return digest_arrays({name: tensor.cpu().numpy() for name, tensor in weights.items()})

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

    def predict(
        self, pictures: NDArray[np.uint8] | Tensor | Picture | Iterable[Picture]
    ) -> list[Prediction]:
        """Classify pictures of any kind.

        Args:
            pictures: (N, H, W, 3) uint8 RGB images of the network's size, or of CIFAR-10's; the
                same as an (N, 3, H, W) uint8 tensor; or one picture or several, of any size and
                mixed kinds, where a folder stands for its pictures.

        Raises:
            ImageError: One of several cannot be read as a picture.
            DataError: A folder holds no picture or cannot be read.
            ValueError: An array or tensor has another shape or type.
        """
        if isinstance(pictures, Tensor):
            if pictures.dtype != torch.uint8 or pictures.ndim != 4:
                shape = tuple(pictures.shape)
                raise ValueError(f"images must be (N, 3, H, W) uint8, not {shape} {pictures.dtype}")
            pictures = pictures.detach().cpu().permute(0, 2, 3, 1).numpy()
        if isinstance(pictures, np.ndarray):
            threshold = self.preprocessing.threshold
            rows = self.probabilities(pictures)
            return [Prediction.of(row, self.classes, threshold) for row in rows]
        one = isinstance(pictures, ONE_PICTURE)
        several = cast("Iterable[Picture]", [pictures] if one else pictures)
        found: list[Prediction] = []
        for result in self.stream(several):
            if result.prediction is None:
                raise ImageError(result.error or "")
            found.append(replace(result.prediction, file=result.path))
        return found

    def stream(self, pictures: Iterable[Picture]) -> Iterator[PictureResult]:
        """Classify any number of pictures one after another, as `stream.classify` does."""
        return classify(self, pictures)

    def predict_files(self, paths: Iterable[Path | str]) -> list[Prediction]:
        """Classify image files of any size.

        Raises:
            ImageError: A file is missing or cannot be read as one picture.
        """
        return self.predict([Path(path) for path in paths])


def load_model(
    target: Path | str,
    *,
    tta: str | None = None,
    device: str = "auto",
    precision: str = "auto",
    at_least: float | None = None,
) -> Classifier:
    """Load shipped weights by their name, a finished run's network, a model file or an export.

    An exported folder is a model; an exported ONNX file is run by ONNX Runtime, on the CPU, with
    the views and the precision that it was exported with.

    The name of shipped weights wins over a path of that name, which is `./NAME` or a `Path`.

    Args:
        target: A name or a path.
        tta: Test-time augmentation; none: what the network's recipe chose.
        device: `auto`, `cpu`, `cuda` or `mps`.
        precision: `auto`, `fp32` or `bf16`.
        at_least: Share of the named classes that are to be right, such as 0.99: predictions below
            the threshold for that are not `sure`. Needs a network that `calibrate` has fitted.

    Raises:
        RunError: There is no finished network at `target`, its file is damaged, or no threshold
            gives that share.
        RecipeError: `at_least` is no share.
    """
    found = find_model(target)
    if found.is_onnx:
        from thriftnet.inference.onnx_classifier import OnnxClassifier  # it is one of these

        if at_least is not None:
            raise RunError(
                f"{found.path} knows nothing of held-out images; use --at-least with the model "
                "file that it was exported from"
            )
        return OnnxClassifier(found.path, tta=tta, device=device, precision=precision)
    model = read_model(found.path)
    if at_least is not None:
        threshold = threshold_for(model, tta=tta or model.tta, precision=at_least)
        model = replace(model, threshold=threshold)
    return Classifier(model, tta=tta, device=device, precision=precision)
