"""Inputs and outputs of the rules: facts of the data, choices, networks, and their recipe."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

_TUNED_BATCH = 1000
"""Batch size for which the learning rates below were tuned."""
_MANY = 10 * _TUNED_BATCH
"""Training images above which that batch size and hard-example mining are used."""


class Cost(NamedTuple):
    """The cost of a network."""

    macs: int
    """Multiply-accumulates of a forward pass for one image."""
    parameters: int


CostOf = Callable[[Mapping[str, Any], int], Cost]
"""`(model, side) -> cost` for the classes of the data."""


@dataclass(frozen=True)
class Facts:
    """Facts of the data and the budget, the input of the rules."""

    images: int
    """Training images."""
    side: float
    """Median side of the squared pictures in pixels, before resizing."""
    same_side: bool
    """Whether all pictures have that side."""
    operations: float
    """Budget of operations for the final training."""
    grey: bool = False
    """Whether all pictures are greyscale."""
    imbalance: float = 1.0
    """Images of the largest class divided by those of the smallest."""

    def passes(self, macs: int) -> float:
        """Epochs that the budget allows for a network of that cost."""
        return passes_of(self.operations, macs=macs, images=self.images)


def passes_of(operations: float, *, macs: int, images: int) -> float:
    """Epochs over some images that a number of operations allows.

    Args:
        operations: Operations of training: 6 per multiply-accumulate.
        macs: Multiply-accumulates of a forward pass for one image.
        images: Number of images.
    """
    return operations / (6 * macs) / images


class Choice(NamedTuple):
    """A decision with its reason, as printed and recorded."""

    what: str
    chosen: str
    reason: str

    def __str__(self) -> str:
        return f"{self.what}: {self.chosen}; {self.reason}"


@dataclass(frozen=True)
class Network:
    """A network and the size of the images that it is trained on."""

    model: Mapping[str, Any]
    """A recipe's section `model`."""
    side: int
    """Pixels."""
    cost: Cost
    weights: str | None = None
    """Initial weights: shipped weights, a run or a model file; None: random."""


def recipe_tree(
    network: Network, *, name: str, images: int, passes: float, max_parameters: int
) -> dict[str, Any]:
    """A plain recipe for a network, before the changes that validation decides.

    It is `quick`, with smaller batches for fewer images: about ten per epoch. Pretrained weights
    have the same learning rate as the new head, as rates for small batches are low already.

    Args:
        network: The network.
        name: Name of the recipe.
        images: Number of training images.
        passes: Passes over them.
        max_parameters: Parameter budget.
    """
    hard = images >= _MANY and network.weights is None
    # A third of the epochs over all images, then the half with the largest loss.
    epochs = max(1.0, round(passes * (1.5 if hard else 1.0), 2))
    third = round(epochs / 3)
    small = round(0.75 * network.side / 4) * 4
    batch = batch_size(images)
    train: dict[str, Any] = {
        "epochs": epochs,
        "sizes": [[third, small]] if 0 < third < epochs and small >= 20 else [],
        "batch_size": batch,
        "micro_batch": min(250, batch // 2),  # at least two, for the threads
        "drop_last": images >= 2 * batch,
        "label_smoothing": 0.2,
    }
    if hard:
        train |= {"full_epochs": max(1, third), "hard_fraction": 0.5}
    if network.weights is None:
        train["stem_epochs"] = 1
    return {
        "name": name,
        "description": "chosen by thriftnet for these pictures",
        "max_parameters": max_parameters,
        "data": {"val_ratio": 0.0, "image_size": network.side},
        "augment": {
            "flip": "none",
            "crop_padding": max(1, round(network.side / 16)),
            "crop_mode": "reflect",
            "cutout": network.side // 4,
        },
        "model": dict(network.model),
        "init": {"weights": network.weights, "body_lr": 1.0} if network.weights else {},
        "optim": _optimiser(network.model["family"], math.sqrt(batch / _TUNED_BATCH)),
        "schedule": {"name": "linear"},
        "train": train,
        "evaluate": {"tta": "shift"},
    }


def _optimiser(family: str, factor: float) -> dict[str, Any]:
    """Section `optim` of `quick` or `paper-fixed`, with scaled learning rates."""
    muon = {"name": "muon", "lr": round(0.24 * factor, 4), "momentum": 0.6}
    if family == "resnet":
        rate = round(0.01 * factor, 5)
        rest = {"bias_lr": rate, "head_lr": rate, "weight_decay": 0.01, "decay": "weights"}
    else:
        rates = {"bias_lr": round(53 * factor, 3), "head_lr": round(670 * factor, 2)}
        rest = {**rates, "weight_decay": 0.002, "aux": "sgd"}
    return {**muon, **rest}


def batch_size(images: int) -> int:
    """Batch size: a tenth of the images, within limits."""
    if images >= _MANY:
        return _TUNED_BATCH
    return max(32, images // 10) if images >= 64 else 64
