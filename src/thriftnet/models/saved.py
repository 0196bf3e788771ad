"""Saves and loads networks as safetensors files with all metadata to use them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import nn

from thriftnet.commands import command
from thriftnet.data.options import Fit
from thriftnet.errors import RunError, TrainingError
from thriftnet.files import write_whole
from thriftnet.models.build import outline_model
from thriftnet.models.calibration import Calibration
from thriftnet.models.describe import count_parameters, largest_features
from thriftnet.models.metadata import (
    FORMAT,
    mismatch,
    pack_facts,
    read_facts,
    retrain_remedy,
)
from thriftnet.models.preprocessing import Filter, Preprocessing
from thriftnet.models.tensors import (
    Arrays,
    digest_arrays,
    digest_halved,
    find_not_finite,
    read_arrays,
    read_shapes,
)
from thriftnet.runtime.layout import with_layout

_MOST_FEATURES = 2**23
"""Limit of elements in a layer's output for one image: 250 images are 8 GB."""


@dataclass(frozen=True)
class SavedModel:
    """A network with its preprocessing, classes, calibration and origin."""

    network: nn.Module
    """Normalised images (N, 3, H, W) float to logits (N, len(classes))."""
    architecture: Mapping[str, Any]
    """Keyword arguments of `build_model`, without `classes`."""
    classes: tuple[str, ...]
    mean: tuple[float, float, float]
    """Channel means of the training images in [0, 1]; the input is (pixel / 255 - mean) / std."""
    std: tuple[float, float, float]
    image_size: int = 32
    """Height and width in pixels."""
    fit: Fit = "crop"
    """How pictures are made square: `crop`, `pad` or `squash`."""
    filter: Filter = "lanczos"
    """How pictures are resized."""
    tta: str = "none"
    """The test-time augmentation of its recipe."""
    temperature: float = 1.0
    """Divides the logits; 1 until the network is calibrated."""
    shifts: tuple[tuple[float, float], ...] = ()
    """Amounts added to the largest logit after that, by its log-odds."""
    threshold: float | None = None
    """Probability below which no label is given; None: there always is one."""
    about: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Origin: recipe name and digest, seed, run."""
    weights_sha256: str | None = None
    """Verified digest of the weights in the file; None in files of earlier versions."""
    calibration: Calibration | None = None
    """Calibration per test-time augmentation; takes precedence over `temperature` and `shifts`."""

    @property
    def preprocessing(self) -> Preprocessing:
        """The preprocessing contract with the network's own views."""
        return self.preprocessing_with(self.tta)

    def preprocessing_with(self, tta: str) -> Preprocessing:
        """The preprocessing contract with other views and their calibration."""
        fields: dict[str, Any] = {n: getattr(self, n) for n in Preprocessing.model_fields}
        how = self.calibration.views.get(tta) if self.calibration else None
        if how is not None:
            fields |= {"temperature": how.temperature, "shifts": how.shifts}
        fields["tta"] = tta
        return Preprocessing(**fields)

    @property
    def parameters(self) -> int:
        """Trainable parameters."""
        return count_parameters(self.network)


def save_model(path: Path, model: SavedModel, *, half: bool = False, durable: bool = True) -> None:
    """Write weights and metadata atomically.

    Args:
        path: The file.
        model: The model.
        half: Store convolutions and matrices in fp16. Norms and biases, 1% of the size, stay fp32,
            as their values have a wide range.
        durable: Whether to sync the file to disk.

    Raises:
        RunError: The disk is full, the folder cannot be written, a weight exceeds fp16, or the
            calibration belongs to other weights.
        TrainingError: A weight is not finite.
    """
    facts: dict[str, Any] = {
        "format": FORMAT,
        "architecture": dict(model.architecture),
        **model.preprocessing.contract(),
        "about": dict(model.about),
    }
    # safetensors stores no strides: channels-last weights are made contiguous.
    tensors = {k: v.detach().cpu().contiguous() for k, v in model.network.state_dict().items()}
    if name := find_not_finite(_arrays(tensors)):
        raise TrainingError(f"{path} was not written: {name} is not finite; lower optim.lr")
    if half:
        tensors = {name: _halved(name, tensor) for name, tensor in tensors.items()}
    digest = digest_arrays(_arrays(tensors))
    _check_calibration(path, model.calibration, _arrays(tensors))
    if model.calibration:
        facts["calibration"] = model.calibration.model_dump(mode="json")
    metadata = pack_facts({**facts, "weights_sha256": digest})
    content = safetensors.torch.save(tensors, metadata)
    write_whole(path, content, error=RunError, durable=durable)


def read_model(path: Path) -> SavedModel:
    """Load a network from its file, on the CPU, in evaluation mode.

    Shapes are checked against the architecture before any memory is allocated: a few bytes of
    metadata could name an architecture that exhausts it.

    Raises:
        RunError: The file is missing, damaged or not a thriftnet model, or a weight is not finite.
    """
    if not path.is_file():
        raise RunError(f"there is no model file {path}; check the path")
    facts = read_facts(path)
    try:
        network = outline_model(classes=len(facts.classes), **facts.architecture)
        values = largest_features(network, image_size=facts.image_size)
    # Untrusted names and values can make a constructor raise almost any exception.
    except Exception as fault:
        raise mismatch(path, str(fault)) from None
    if values > _MOST_FEATURES:
        raise mismatch(path, f"a layer has {values:,} values per image")
    try:
        _check_shapes(network, read_shapes(path))
        arrays = read_arrays(path, sha256=facts.weights_sha256)
        tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
        tensors = {k: v.float() if v.is_floating_point() else v for k, v in tensors.items()}
        network.load_state_dict(tensors, assign=True)  # strict
    except (TypeError, ValueError, RuntimeError) as fault:
        raise mismatch(path, str(fault)) from None
    if name := find_not_finite(arrays):
        remedy = retrain_remedy(path)
        raise RunError(f"{path} holds weights that are not finite ({name}); {remedy}")
    _check_calibration(path, facts.calibration, arrays)
    network = with_layout(network, torch.channels_last)
    return SavedModel(
        network=network.eval(),
        architecture=facts.architecture,
        **{name: getattr(facts, name) for name in Preprocessing.model_fields},
        about=facts.about,
        weights_sha256=facts.weights_sha256,
        calibration=facts.calibration,
    )


def _check_calibration(path: Path, calibration: Calibration | None, arrays: Arrays) -> None:
    """Check that a calibration belongs to the weights.

    Raises:
        RunError: It was fitted for other weights.
    """
    if calibration and calibration.weights_sha256 != digest_halved(arrays):
        again = command("calibrate", path, "--remove")
        raise RunError(
            f"the calibration of {path} belongs to other weights "
            f"({calibration.weights_sha256[:12]}…); remove it with {again} and calibrate again"
        )


def _arrays(tensors: Mapping[str, torch.Tensor]) -> dict[str, NDArray[Any]]:
    """NumPy views of tensors."""
    return {name: tensor.numpy() for name, tensor in tensors.items()}


def _check_shapes(network: nn.Module, found: Mapping[str, list[int]]) -> None:
    """Check that a file has exactly the tensors of a network.

    Raises:
        ValueError: One is missing, unknown or has another shape.
    """
    wanted = {name: list(tensor.shape) for name, tensor in network.state_dict().items()}
    for name in [*wanted, *found]:
        if wanted.get(name) != found.get(name):
            raise ValueError(f"{name} is {found.get(name)}, expected {wanted.get(name)}")


def _halved(name: str, tensor: torch.Tensor) -> torch.Tensor:
    if tensor.ndim < 2 or not tensor.is_floating_point():
        return tensor
    half = tensor.half()
    if not bool(half.isfinite().all()):
        raise RunError(f"{name} has a weight that fp16 cannot hold; keep fp32")
    return half
