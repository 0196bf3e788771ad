"""Tiny trained networks of each family: sure of the colours of `own_pictures`, in a second."""

from __future__ import annotations

import copy
import functools
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import nn

from own_pictures import COLOURS, picture
from thriftnet.augment import normalise
from thriftnet.models.build import build_model
from thriftnet.models.saved import SavedModel, save_model
from thriftnet.optim.eager import AdamW

SIDE = 16
MEAN, STD = (0.4, 0.45, 0.5), (0.3, 0.25, 0.2)
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "resnet": {
        "family": "resnet",
        "blocks": [1, 1],
        "channels": [8, 16],
        "activation": "silu",
        "squeeze_excitation": 4,
        "shortcut": "padded",
    },
    "speednet": {"family": "speednet", "blocks": [1, 2], "channels": [16, 16]},
}


def colours(count: int, *, start: int = 0) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """(3 · count, 16, 16, 3) pictures of the three classes, and their labels."""
    images = [
        np.asarray(picture(label, number, size=(SIDE, SIDE)))
        for label in COLOURS
        for number in range(start, start + count)
    ]
    return np.stack(images), np.repeat(np.arange(len(COLOURS)), count)


def noise(count: int) -> NDArray[np.uint8]:
    """(count, 16, 16, 3) pictures of nothing, of which a network is unsure."""
    return np.random.default_rng(7).integers(0, 256, (count, SIDE, SIDE, 3), np.uint8)


@functools.cache
def _trained(family: str) -> nn.Module:
    """Trained for a few steps, once in a process; not to be changed."""
    network = build_model(classes=len(COLOURS), seed=3, **ARCHITECTURES[family])
    images, labels = colours(20)
    pixels = normalise(torch.from_numpy(images).permute(0, 3, 1, 2), mean=MEAN, std=STD)
    weights = [p for p in network.parameters() if p.requires_grad]
    optimiser = AdamW(weights, lr=0.02, weight_decay=0)
    for _ in range(30):
        optimiser.zero_grad()
        F.cross_entropy(network(pixels), torch.from_numpy(labels)).backward()
        optimiser.step()
    optimiser.zero_grad()
    return network.eval()


def tiny_model(family: str = "resnet", **facts: Any) -> SavedModel:
    """A trained network; of pictures that its file does not name."""
    usual: dict[str, Any] = {
        "classes": tuple(COLOURS),
        "about": {"recipe": "tiny", "data": {"sha256": "0"}},
        "tta": "flip_shift",
    }
    return SavedModel(
        network=copy.deepcopy(_trained(family)),
        architecture=ARCHITECTURES[family],
        mean=MEAN,
        std=STD,
        image_size=SIDE,
        **{**usual, **facts},
    )


def tiny_file(folder: Path, family: str = "resnet", **facts: Any) -> Path:
    """The same as a model file."""
    path = folder / f"{family}.safetensors"
    save_model(path, tiny_model(family, **facts))
    return path
