"""Penultimate features of a network, and their Mahalanobis distance to the classes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from thriftnet.inference.engine import Engine
from thriftnet.models.saved import SavedModel
from thriftnet.runtime.device import Compute
from thriftnet.runtime.resize import as_pixels

Floats = NDArray[np.float64]

_SHRINKAGE = 1e-2
"""Shrinkage of the covariance towards its mean variance, so that it is invertible."""


def features_of(
    model: SavedModel, images: NDArray[np.uint8], compute: Compute
) -> NDArray[np.float32]:
    """(N, features) inputs of the last linear layer.

    Args:
        model: A network whose last layer is linear, as in all families.
        images: (N, H, W, 3) uint8.
        compute: Device and precision.
    """
    linear = [name for name, each in model.network.named_modules() if isinstance(each, nn.Linear)]
    headless = _Headless(model.network, linear[-1])
    plain = replace(model, calibration=None, temperature=1.0, shifts=())
    engine = Engine(headless, mean=plain.mean, std=plain.std, compute=compute)
    return engine.logits(as_pixels(images, model.image_size)).numpy()


class _Headless(nn.Module):
    """A network that returns the input of its last layer."""

    def __init__(self, network: nn.Module, layer: str) -> None:
        super().__init__()
        self.network = network
        self._layer = network.get_submodule(layer)

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) to (N, features)."""
        seen: list[Tensor] = []

        def keep(_module: nn.Module, given: Any, _found: Tensor) -> None:
            seen.append(given[0].flatten(1))

        handle = self._layer.register_forward_hook(keep)
        try:
            self.network(images)
        finally:
            handle.remove()
        return seen[-1]


@dataclass(frozen=True)
class UsualFeatures:
    """Class means and the inverse of the shared covariance (Lee et al. 2018)."""

    means: Floats
    """(classes, features)."""
    precision: Floats
    """(features, features)."""

    @classmethod
    def fit(cls, features: NDArray[Any], labels: NDArray[np.int64]) -> UsualFeatures:
        """Fit to (N, features) of training images, or similar ones."""
        values = features.astype(np.float64)
        means = np.stack([values[labels == k].mean(axis=0) for k in np.unique(labels)])
        centred = values - means[np.unique(labels, return_inverse=True)[1]]
        covariance = centred.T @ centred / len(values)
        mean_variance = np.trace(covariance) / len(covariance)
        shrunk = (1 - _SHRINKAGE) * covariance + _SHRINKAGE * mean_variance * np.eye(
            len(covariance)
        )
        return cls(means, np.linalg.inv(shrunk))

    def score(self, features: NDArray[Any]) -> Floats:
        """(N,) negative squared Mahalanobis distance to the nearest class; high: typical."""
        values = features.astype(np.float64)
        distances = [
            np.einsum("nf,fg,ng->n", values - mean, self.precision, values - mean, optimize=True)
            for mean in self.means
        ]
        return -np.min(distances, axis=0)
