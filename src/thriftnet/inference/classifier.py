"""A trained network that classifies pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from thriftnet.commands import command
from thriftnet.data.cifar10.facts import IMAGE_SIZE
from thriftnet.errors import ImageError, RunError
from thriftnet.inference.engine import Engine, check_finite
from thriftnet.inference.outliers import OutlierTest
from thriftnet.inference.pictures import ONE_PICTURE, Picture
from thriftnet.inference.prediction import PictureResult, Prediction
from thriftnet.inference.stream import classify
from thriftnet.inference.thresholds import CALIBRATE_FIRST, threshold_for
from thriftnet.inference.views import choose_views
from thriftnet.models.calibration import LEAST_IMAGES
from thriftnet.models.preprocessing import Preprocessing
from thriftnet.models.saved import SavedModel, read_model
from thriftnet.models.tensors import digest_arrays
from thriftnet.runs.advice import held_out_advice, started
from thriftnet.runtime.device import choose_compute
from thriftnet.runtime.resize import as_pixels
from thriftnet.weights.find import FoundModel, find_model


class Classifier:
    """A trained network with its preprocessing. Several threads may use it at once.

    Args:
        model: As `read_model` returns it.
        tta: Test-time augmentation, a key of `VIEWS`; None: the one of the network's recipe.
        device: `auto`, `cpu`, `cuda` or `mps`.
        precision: `auto`, `fp32` or `bf16`.
        reject_outliers: Share of the usual pictures that may be taken for outliers; None: pictures
            are not tested. Requires a calibrated network.
        remedy: How to calibrate the network, for messages.

    Raises:
        RecipeError: An option has no such value.
        RunError: Outliers cannot be recognised by this calibration.
    """

    runtime: str | None = None
    """Runtime other than the default: `openvino` for an ONNX file."""
    outlier_test: OutlierTest | None = None

    def __init__(
        self,
        model: SavedModel,
        *,
        tta: str | None = None,
        device: str = "auto",
        precision: str = "auto",
        reject_outliers: float | None = None,
        remedy: str = CALIBRATE_FIRST,
    ) -> None:
        self.model = model
        self.compute = choose_compute(device=device, precision=precision)
        self.tta = model.tta if tta is None else tta
        choose_views(self.tta)  # fail now, not at the first picture
        self.engine = Engine.of(model, self.compute)
        if reject_outliers is not None:
            self.outlier_test = OutlierTest(
                model, self.compute, share=reject_outliers, remedy=remedy
            )

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names, in the order of the outputs."""
        return self.model.classes

    @property
    def preprocessing(self) -> Preprocessing:
        """The preprocessing contract, with the views of this classifier."""
        return self.model.preprocessing_with(self.tta)

    @property
    def digest(self) -> str:
        """SHA-256 of the weights, which identifies the network in result files and responses."""
        if self.model.weights_sha256 is not None:
            return self.model.weights_sha256
        weights = self.model.network.state_dict()  # a file of an earlier version has no digest
        return digest_arrays({name: tensor.cpu().numpy() for name, tensor in weights.items()})

    @property
    def sides(self) -> tuple[int, ...]:
        """Heights and widths, in pixels, of the arrays that are classified.

        A network for fewer pixels than CIFAR-10's 32 shrinks those images itself, as in training.
        """
        side = self.preprocessing.image_size
        return (side, IMAGE_SIZE) if side < IMAGE_SIZE else (side,)

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Class probabilities of images of the network's size.

        Args:
            images: (N, H, W, 3) uint8 RGB, of a size in `sides`.

        Returns:
            (N, classes) float32.

        Raises:
            ValueError: Wrong shape or dtype.
            RunError: An output is not finite.
        """
        side = self.preprocessing.image_size
        if images.dtype != np.uint8 or images.shape[1:] not in [(s, s, 3) for s in self.sides]:
            raise ValueError(
                f"images must be (N, {side}, {side}, 3) uint8, not {images.shape} {images.dtype}; "
                "give pictures of other sizes as a list"
            )
        if len(images) == 0:
            return np.empty((0, len(self.classes)), np.float32)
        return self._probabilities(images)

    def _probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """`probabilities` for at least one image of a supported shape."""
        logits = self.engine.logits(as_pixels(images, self.model.image_size), self.tta)
        return check_finite(logits).softmax(dim=1).numpy()

    def outliers(self, images: NDArray[np.uint8]) -> list[bool] | list[None]:
        """Whether each of (N, H, W, 3) uint8 images is an outlier; None: not tested."""
        if self.outlier_test is None or len(images) == 0:
            return [None] * len(images)
        return self.outlier_test(images).tolist()

    def predict(
        self, pictures: NDArray[np.uint8] | Tensor | Picture | Iterable[Picture]
    ) -> list[Prediction]:
        """Classify pictures of any kind.

        Args:
            pictures: (N, H, W, 3) uint8 RGB images of a size in `sides`; the same as an
                (N, 3, H, W) uint8 tensor; or one or several pictures of any size and kind. A
                folder means all pictures in it; an array of fewer than four dimensions is one.

        Raises:
            ImageError: One of several cannot be read as a picture.
            DataError: A folder has no pictures or cannot be read.
            ValueError: An array or tensor of images has the wrong shape or dtype.
        """
        if isinstance(pictures, np.ndarray | Tensor) and pictures.ndim in (2, 3):
            pictures = [pictures]
        if isinstance(pictures, Tensor):
            if pictures.dtype != torch.uint8 or pictures.ndim != 4:
                shape = tuple(pictures.shape)
                raise ValueError(f"images must be (N, 3, H, W) uint8, not {shape} {pictures.dtype}")
            pictures = pictures.detach().cpu().permute(0, 2, 3, 1).numpy()
        if isinstance(pictures, np.ndarray):
            threshold = self.preprocessing.threshold
            rows = self.probabilities(pictures)
            return [
                Prediction.of(row, self.classes, threshold, outlier=outlier)
                for row, outlier in zip(rows, self.outliers(pictures), strict=True)
            ]
        one = isinstance(pictures, ONE_PICTURE)
        several = cast("Iterable[Picture]", [pictures] if one else pictures)
        found: list[Prediction] = []
        for result in self.stream(several):
            if result.prediction is None:
                raise ImageError(result.error or "")
            found.append(replace(result.prediction, file=result.path))
        return found

    def stream(self, pictures: Iterable[Picture]) -> Iterator[PictureResult]:
        """Classify any number of pictures lazily, as `stream.classify` does."""
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
    reject_outliers: float | None = None,
    runtime: str | None = None,
) -> Classifier:
    """Load shipped weights by name, a finished run, a model file or an export.

    An exported ONNX file runs in ONNX Runtime or OpenVINO on the CPU, with the views and the
    precision of its export.

    The name of shipped weights takes precedence over a path of the same name; write `./NAME` or
    pass a `Path` for that.

    Args:
        target: Name or path.
        tta: Test-time augmentation; None: the one of the network's recipe.
        device: `auto`, `cpu`, `cuda` or `mps`.
        precision: `auto`, `fp32` or `bf16`.
        at_least: Target precision, such as 0.99: predictions below the threshold that reaches it
            have `sure=False`. Requires a calibrated network.
        reject_outliers: Mark pictures unlike those of the training by `outlier=True`; the share of
            usual pictures that may be marked, too, such as 0.05. Requires a calibrated network.
        runtime: Runtime of an ONNX file: `onnxruntime` (the default) or `openvino`.

    Raises:
        RunError: There is no finished network at `target`, its file is damaged, no threshold
            reaches that precision, or `runtime` is given for a network that is not an ONNX file.
        RecipeError: `at_least` or `reject_outliers` is not between 0 and 1.
    """
    found = find_model(target)
    if found.is_onnx:
        from thriftnet.inference.onnx_classifier import OnnxClassifier  # a subclass of Classifier

        options = {"--at-least": at_least, "--reject-outliers": reject_outliers}
        for name in (name for name, value in options.items() if value is not None):
            raise RunError(
                f"{found.path} has no calibration data; use {name} with the model file that it was "
                "exported from"
            )
        return OnnxClassifier(
            found.path, tta=tta, device=device, precision=precision, runtime=runtime
        )
    if runtime is not None:
        raise RunError(
            f"--runtime {runtime} is for ONNX files, and PyTorch runs {found.name or found.path}; "
            f"leave it out, or give a file of: {command('export', target)} --to onnx-int8"
        )
    model, remedy = read_model(found.path), CALIBRATE_FIRST
    if at_least is not None or reject_outliers is not None:
        remedy = _how_to_calibrate(target, found, model)
    if at_least is not None:
        threshold = threshold_for(model, tta=tta or model.tta, precision=at_least, remedy=remedy)
        model = replace(model, threshold=threshold)
    return Classifier(
        model,
        tta=tta,
        device=device,
        precision=precision,
        reject_outliers=reject_outliers,
        remedy=remedy,
    )


def _how_to_calibrate(target: Path | str, found: FoundModel, model: SavedModel) -> str:
    """What `calibrate` needs, which would refuse a network of which too few images are held out."""
    if found.name is not None:  # the package stays as it is
        copy = command("calibrate", target, "--output", f"{found.name}.safetensors")
        return f"write a calibrated copy and use that: {copy} --data PATH"
    first = f"run {command('calibrate', target)} first"
    if model.calibration is not None:  # for other views, or by an earlier version
        return first
    with suppress(RunError):  # its metrics are damaged
        if found.run is None or started(found.run).get("val_images", 0) < LEAST_IMAGES:
            return f"{first}, and {held_out_advice(found.run, recipe=model.about.get('recipe'))}"
    return first
