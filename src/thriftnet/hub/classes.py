"""Configuration, model and image processor for transformers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor
from transformers import (
    AutoConfig,
    AutoImageProcessor,
    AutoModelForImageClassification,
    PreTrainedConfig,
    PreTrainedModel,
)
from transformers.image_processing_base import BatchFeature
from transformers.image_processing_utils import BaseImageProcessor
from transformers.modeling_outputs import ImageClassifierOutput

from thriftnet.augment.normalise import normalise
from thriftnet.data.options import Fit
from thriftnet.data.square import square_array
from thriftnet.data.statistics import Triple
from thriftnet.export.folder import config_of, digest_network
from thriftnet.hub.intact import check_network, check_processor
from thriftnet.inference.calibrated import calibrated
from thriftnet.inference.views import TRANSFORMS, choose_views
from thriftnet.models.build import FAMILIES, outline_model
from thriftnet.models.hub_folder import MODEL_TYPE, WEIGHTS
from thriftnet.models.preprocessing import Filter, Preprocessing
from thriftnet.models.saved import SavedModel, save_model


class ThriftnetConfig(PreTrainedConfig):
    """The additional content of config.json.

    Args:
        network: Keyword arguments of `build_model`, without `classes`.
        preprocessing: A `Preprocessing` as JSON values.
        calibrated_weights: Digest of the weights that the calibration was fitted for.
        about: Origin: recipe, digest, seed.
    """

    model_type = MODEL_TYPE
    network: dict[str, Any] | None = None
    preprocessing: dict[str, Any] | None = None
    calibrated_weights: str | None = None
    about: dict[str, Any] | None = None

    def contract(self) -> Preprocessing:
        """The validated preprocessing."""
        return Preprocessing.model_validate(self.preprocessing, strict=False)


class ThriftnetForImageClassification(PreTrainedModel):
    """A network from normalised images to logits, with the views of its export."""

    config_class = ThriftnetConfig
    base_model_prefix = "network"  # our model files have the network's own names
    main_input_name = "pixel_values"
    input_modalities = "image"

    def __init__(self, config: ThriftnetConfig) -> None:
        super().__init__(config)
        self.contract = config.contract()
        classes, options = len(self.contract.classes), dict(config.network or {})
        outline_model(classes=classes, **options)  # rejects excessive sizes
        self.network = FAMILIES[options.pop("family")](classes=classes, **options)
        self.post_init()

    def _init_weights(self, module: torch.nn.Module) -> None:
        """Nothing: layers initialise their own weights."""

    def forward(
        self, pixel_values: Tensor, labels: Tensor | None = None, **_: Any
    ) -> ImageClassifierOutput:
        """Classify images.

        Args:
            pixel_values: (N, 3, H, W) float, from the image processor.
            labels: (N,) class indices, to compute a loss.
        """
        views = choose_views(self.contract.tta)
        each = [weight * self.network(TRANSFORMS[v](pixel_values)) for v, weight in views.items()]
        mean = torch.stack(each).sum(0)
        logits = calibrated(mean, self.contract.temperature, self.contract.shifts)
        loss = None if labels is None else F.cross_entropy(logits, labels)
        return ImageClassifierOutput(loss=loss, logits=logits)

    @classmethod
    def from_pretrained(
        cls, pretrained_model_name_or_path: Any, *arguments: Any, **options: Any
    ) -> Any:
        """Load a folder of this machine or of the hub.

        Raises:
            RunError: It is a local folder whose files are damaged or not of one network.
        """
        check_network(Path(pretrained_model_name_or_path))
        return super().from_pretrained(pretrained_model_name_or_path, *arguments, **options)

    @classmethod
    def from_saved(cls, model: SavedModel) -> ThriftnetForImageClassification:
        """Convert the network of a model file."""
        made = cls(ThriftnetConfig(**config_of(model)))
        made.network.load_state_dict(model.network.state_dict())
        return made.eval()

    def as_saved(self) -> SavedModel:
        """Convert to a `SavedModel`, without the calibration if the weights changed."""
        contract = self.contract
        if digest_network(self.network) != self.config.calibrated_weights:
            stale = {"temperature": 1.0, "shifts": (), "threshold": None}
            contract = contract.model_copy(update=stale)
        return SavedModel(
            network=self.network,
            architecture=self.config.network,
            about=self.config.about or {},
            **dict(contract),
        )

    # The parent's other parameters go by name.
    def save_pretrained(  # pyrefly: ignore[bad-override]
        self, save_directory: str | os.PathLike[str], **options: Any
    ) -> None:
        """Save a folder that `load_model` can also read.

        Raises:
            ValueError: `push_to_hub` is set, which would lack our metadata.
        """
        if options.get("push_to_hub"):
            raise ValueError("push_to_hub is not for thriftnet; use: thriftnet push FOLDER REPO")
        saved = self.as_saved()
        self.contract = saved.preprocessing
        self.config.preprocessing = self.contract.contract()
        super().save_pretrained(save_directory, **options)
        save_model(Path(save_directory, WEIGHTS), saved)


class ThriftnetImageProcessor(BaseImageProcessor):
    """Converts pictures of any size to normalised images, by `Preprocessing`."""

    model_input_names = ["pixel_values"]  # noqa: RUF012

    def __init__(
        self,
        *,
        image_size: int = 32,
        fit: Fit = "crop",
        filter: Filter = "lanczos",
        mean: Sequence[float] = (0.5, 0.5, 0.5),
        std: Sequence[float] = (0.5, 0.5, 0.5),
        **rest: Any,
    ) -> None:
        super().__init__(**rest)
        self.image_size = image_size
        self.fit: Fit = fit
        self.filter = filter
        self.mean = list(mean)
        self.std = list(std)

    @classmethod
    def from_pretrained(  # pyrefly: ignore[bad-override]  # as above
        cls, pretrained_model_name_or_path: Any, **options: Any
    ) -> Any:
        """Load it from a folder of this machine or of the hub.

        Raises:
            RunError: It is a local folder with a network that it does not belong to.
        """
        check_processor(Path(pretrained_model_name_or_path))
        return super().from_pretrained(pretrained_model_name_or_path, **options)

    def preprocess(self, images: Any, return_tensors: str | None = None, **_: Any) -> BatchFeature:
        """Make pictures square, resize and normalise them.

        Args:
            images: One or a list of Pillow images or (H, W, 3) uint8 arrays.
            return_tensors: `pt` for tensors, `np` for arrays.

        Returns:
            `pixel_values`: (N, 3, H, W) float32.
        """
        several = images if isinstance(images, (list, tuple)) else [images]
        squares = np.stack([self._square(each) for each in several])
        mean, std = _triple(self.mean), _triple(self.std)
        pixels = normalise(torch.from_numpy(squares).permute(0, 3, 1, 2), mean=mean, std=std)
        values = pixels.contiguous().numpy()
        return BatchFeature({"pixel_values": values}, tensor_type=return_tensors)

    def _square(self, picture: Any) -> NDArray[np.uint8]:
        if isinstance(picture, Image.Image):
            picture = ImageOps.exif_transpose(picture)
            picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
        pixels = np.asarray(picture)
        if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3):
            raise ValueError(f"a picture is {pixels.shape} {pixels.dtype}; give (H, W, 3) uint8")
        return square_array(pixels, size=self.image_size, fit=self.fit)


def _triple(values: Sequence[float]) -> Triple:
    red, green, blue = values
    return red, green, blue


def register() -> None:
    """Register with the Auto classes of transformers."""
    AutoConfig.register(MODEL_TYPE, ThriftnetConfig, exist_ok=True)
    AutoModelForImageClassification.register(
        ThriftnetConfig, ThriftnetForImageClassification, exist_ok=True
    )
    AutoImageProcessor.register(
        ThriftnetConfig,
        image_processor_classes={"pil": ThriftnetImageProcessor},
        exist_ok=True,
    )
