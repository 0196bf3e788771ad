"""A network that knows the scores of usual pictures, and pictures that are and are not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from calibrated_models import calibration, model
from thriftnet.augment import normalise
from thriftnet.evaluation.fit_outliers import fit_outliers
from thriftnet.models.rewrite import write_calibration
from thriftnet.models.saved import SavedModel, save_model
from thriftnet.runtime.device import Compute
from thriftnet.runtime.resize import as_pixels

CPU = Compute(torch.device("cpu"), "fp32")

Pixels = NDArray[np.uint8]


def trained(images: Pixels) -> SavedModel:
    """A network whose batch norms have the statistics of these images."""
    saved = model()
    network = saved.network.train()
    for norm in network.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.momentum = None
    with torch.no_grad():
        network(normalise(as_pixels(images, 32), mean=saved.mean, std=saved.std))
    return replace(saved, network=network.eval())


def smooth(count: int, seed: int = 0) -> Pixels:
    """(N, 32, 32, 3) of large blots, and so far from noise."""
    rng = np.random.default_rng(seed)
    return np.repeat(np.repeat(rng.integers(0, 256, (count, 4, 4, 3), np.uint8), 8, 1), 8, 2)


def grey(count: int) -> Pixels:
    """(N, 32, 32, 3) without any variance, which no batch norm has seen."""
    return np.full((count, 32, 32, 3), 128, np.uint8)


def save_fitted(path: Path) -> Path:
    """Write a calibrated model file to which `smooth` is usual and `grey` is not."""
    images = smooth(1000)
    saved = trained(images)
    save_model(path, saved)
    outliers = fit_outliers(saved, images, CPU)
    write_calibration(path, path, calibration().model_copy(update={"outliers": outliers}))
    return path
