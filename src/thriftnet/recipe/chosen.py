"""What the rules go by and what they give: facts, choices, networks, and those as recipes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

_TUNED_BATCH = 1000
"""Images a step for which the learning rates below were tuned."""
_MANY = 10 * _TUNED_BATCH
"""Images from which a step has that many, and later epochs visit the harder half."""


class Cost(NamedTuple):
    """Of a network."""

    macs: int
    """Multiply-accumulates of one image's forward pass."""
    parameters: int


CostOf = Callable[[Mapping[str, Any], int], Cost]
"""`(model, side) -> cost` for the classes at hand."""


@dataclass(frozen=True)
class Facts:
    """What the rules go by."""

    images: int
    """To learn from."""
    side: float
    """Median side in pixels of the squares that the pictures are before they are resized."""
    same_side: bool
    """Whether all have it."""
    operations: float
    """Counted, that the final training may take."""
    grey: bool = False
    """Whether no picture has colour."""
    imbalance: float = 1.0
    """Images of the largest class over those of the smallest."""

    def passes(self, macs: int) -> float:
        """How often a network of that cost can be trained on each image."""
        return self.operations / (6 * macs) / self.images


class Choice(NamedTuple):
    """A decision, as it is told and kept."""

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
    """Shipped weights, a run or a model file that it starts from; none: nothing."""


def recipe_tree(
    network: Network, *, name: str, images: int, passes: float, max_parameters: int
) -> dict[str, Any]:
    """A plain recipe that trains a network, before anything that validation decides.

    It is `quick`, with a smaller step where there are fewer images: about ten an epoch. Weights to
    start from learn as fast as the new head does: of few images a step the rates are low already.

    Args:
        network: To train.
        name: Of the recipe.
        images: That are trained on; a trial's are fewer.
        passes: Over them.
        max_parameters: Allowed.
    """
    hard = images >= _MANY and network.weights is None
    # A third of the epochs over all images, then over the half of the largest loss.
    epochs = max(1.0, round(passes * (1.5 if hard else 1.0), 2))
    third = round(epochs / 3)
    small = round(0.75 * network.side / 4) * 4
    batch = _batch(images)
    train: dict[str, Any] = {
        "epochs": epochs,
        "sizes": [[third, small]] if 0 < third < epochs and small >= 20 else [],
        "batch_size": batch,
        "micro_batch": min(250, batch // 2),  # two or more: threads take whole ones
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
    """Section `optim` of `quick`, or of `paper-fixed`, its learning rates times a factor."""
    muon = {"name": "muon", "lr": round(0.24 * factor, 4), "momentum": 0.6}
    if family == "resnet":
        rate = round(0.01 * factor, 5)
        rest = {"bias_lr": rate, "head_lr": rate, "weight_decay": 0.01, "decay": "weights"}
    else:
        rates = {"bias_lr": round(53 * factor, 3), "head_lr": round(670 * factor, 2)}
        rest = {**rates, "weight_decay": 0.002, "aux": "sgd"}
    return {**muon, **rest}


def _batch(images: int) -> int:
    """Images a step: a tenth, but no more than the rates were tuned for, nor all too few."""
    if images >= _MANY:
        return _TUNED_BATCH
    return max(32, images // 10) if images >= 64 else 64
