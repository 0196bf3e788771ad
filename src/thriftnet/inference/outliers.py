"""Recognises pictures that are unlike those a network was trained on, by two scores.

Energy, the log-sum-exp of the logits (Liu et al. 2020, arXiv 2010.03759), is low where no class is
supported. Noise and shuffled pixels can support a class, but no image of the training set has their
statistics: the distance compares each batch norm's input with its running variance. Both come from
one view, without calibration and with the batch norms unfolded.
"""

from __future__ import annotations

import copy
import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from thriftnet.errors import RecipeError, RunError
from thriftnet.inference.engine import Engine, OnProgress, check_finite, no_progress
from thriftnet.models.calibration import OutlierReference
from thriftnet.models.saved import SavedModel
from thriftnet.runtime.device import Compute
from thriftnet.runtime.resize import as_pixels

_AT_ONCE = 1000
"""A multiple of the engine's batch, as rounding depends on it."""
_LEAST = 1e-6
"""Of a share of the running variance: an image of one colour has none."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scores:
    """What tells how typical images are."""

    energy: Floats
    """(N,); high: typical."""
    distance: Floats
    """(N,) mean absolute log of the variance about the running mean over the running variance, over
    channels and batch norms; low: typical. 0 for a network without batch norms."""

    def typicality(self, reference: OutlierReference) -> Floats:
        """(N,) energy less distance, each in standard deviations of held-out images."""
        energy = (self.energy - reference.energy[0]) / reference.energy[1]
        return energy - (self.distance - reference.distance[0]) / reference.distance[1]


class OutlierScorer:
    """Scores images by a copy of a trained network. Several threads may use it at once.

    Args:
        model: The network; a calibration does not count.
        compute: Device and precision.
    """

    def __init__(self, model: SavedModel, compute: Compute) -> None:
        network = copy.deepcopy(model.network).to(compute.device).eval()
        self._norms = [
            norm
            for norm in network.modules()
            if isinstance(norm, nn.BatchNorm2d) and norm.running_var is not None
        ]
        for norm in self._norms:
            norm.register_forward_hook(self._measure)
        self._engine = Engine(network, mean=model.mean, std=model.std, compute=compute)
        self._side = model.image_size
        self._found: dict[nn.Module, list[Tensor]] = {}
        self._alone = threading.Lock()

    def scores(self, images: NDArray[np.uint8], *, on_progress: OnProgress = no_progress) -> Scores:
        """Scores of (N, H, W, 3) uint8 images.

        Raises:
            RunError: A logit is not finite.
        """
        energies, distances = [np.empty(0)], [np.empty(0)]
        # Part by part: the images may be a memory map larger than the memory.
        for at in range(0, len(images), _AT_ONCE):
            part = as_pixels(images[at : at + _AT_ONCE], self._side)
            with self._alone:
                self._found = {norm: [] for norm in self._norms}
                logits = check_finite(self._engine.logits(part)).double()
                by_norm = [torch.cat(each).double() for each in self._found.values()]
            energies.append(logits.logsumexp(dim=1).numpy())
            zero = torch.zeros(len(part), dtype=torch.float64)
            distances.append((torch.stack(by_norm).mean(0) if by_norm else zero).numpy())
            on_progress(min(at + _AT_ONCE, len(images)), len(images))
        return Scores(np.concatenate(energies), np.concatenate(distances))

    def _measure(self, norm: nn.Module, given: tuple[Tensor, ...], _out: Any) -> None:
        assert isinstance(norm, nn.BatchNorm2d)
        assert norm.running_mean is not None
        assert norm.running_var is not None
        centred = given[0].float() - norm.running_mean[:, None, None]
        share = centred.square().mean(dim=(2, 3)) / (norm.running_var + norm.eps)
        self._found[norm].append(share.clamp(min=_LEAST).log().abs().mean(dim=1).cpu())


class OutlierTest:
    """Tells whether images are unlike those of the training.

    Args:
        model: Calibrated.
        compute: Device and precision.
        share: Of the images like the held-out ones, that may be taken for outliers.

    Raises:
        RecipeError: The share is not between 0 and 1.
        RunError: The calibration has no scores, or none for so small a share.
    """

    def __init__(self, model: SavedModel, compute: Compute, *, share: float) -> None:
        self.threshold = outlier_threshold(model, share=share)
        assert model.calibration
        assert model.calibration.outliers
        self._reference = model.calibration.outliers
        self._scorer = OutlierScorer(model, compute)

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """(N,) whether each of (N, H, W, 3) uint8 images is an outlier."""
        return self._scorer.scores(images).typicality(self._reference) < self.threshold


def outlier_threshold(
    model: SavedModel, *, share: float, remedy: str = "run thriftnet calibrate on it first"
) -> float:
    """The typicality below which at most a share of the usual images lies, with 95% confidence.

    Args:
        model: Calibrated.
        share: Above 0 and below 1.
        remedy: How to calibrate the network.

    Raises:
        RecipeError: The share is not between 0 and 1.
        RunError: The calibration has no scores, or none for so small a share.
    """
    if not 0 < share < 1:
        raise RecipeError(f"--reject-outliers {share:g} is not between 0 and 1; give 0.05")
    reference = model.calibration.outliers if model.calibration else None
    if reference is None or not reference.thresholds:
        raise RunError(f"this network does not know the scores of usual pictures; {remedy}")
    fitting = [each for each in reference.thresholds if each.share <= share]
    if not fitting:
        least = min(each.share for each in reference.thresholds)
        raise RunError(
            f"{model.calibration.images if model.calibration else 0:,} held-out images cannot show "
            f"a share of {share:g}; give --reject-outliers {least:g}, or calibrate on more images"
        )
    return max(fitting, key=lambda each: each.share).score
