"""Recognises pictures that are unlike those a network was trained on, by two scores.

Energy, the log-sum-exp of the logits (Liu et al. 2020, arXiv 2010.03759), is low where no class is
supported. Noise and shuffled pixels can support a class, but no image of the training set has their
statistics: the distance compares each batch norm's input with its running variance. Both come from
one view, without calibration and with the batch norms unfolded.
"""

from __future__ import annotations

import copy
import math
import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from thriftnet.errors import RecipeError, RunError
from thriftnet.inference.engine import Engine, OnProgress, check_finite, no_progress
from thriftnet.inference.thresholds import CALIBRATE_FIRST, LEVEL
from thriftnet.models.calibration import OutlierReference
from thriftnet.models.saved import SavedModel
from thriftnet.runtime.device import Compute

SHARES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
"""Of usual images that a threshold may take for outliers; fixed, so that no data choose them."""
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
        self._here = threading.local()
        """Has `found`: (n,) distances of each batch by batch norm, in the thread that scores."""

    def scores(self, images: NDArray[np.uint8], *, on_progress: OnProgress = no_progress) -> Scores:
        """Scores of (N, H, W, 3) uint8 images.

        Raises:
            RunError: A logit is not finite.
        """
        energies, distances = [np.empty(0)], [np.empty(0)]
        found: dict[nn.Module, list[Tensor]] = {norm: [] for norm in self._norms}
        self._here.found = found
        for part in self._engine.by_parts(images, self._side, on_progress=on_progress):
            logits = check_finite(part).double()
            energies.append(logits.logsumexp(dim=1).numpy())
            by_norm = [torch.cat(each).double() for each in found.values() if each]
            zero = torch.zeros(len(part), dtype=torch.float64)
            distances.append((torch.stack(by_norm).mean(0) if by_norm else zero).numpy())
            for each in found.values():
                each.clear()
        return Scores(np.concatenate(energies), np.concatenate(distances))

    def _measure(self, norm: nn.Module, given: tuple[Tensor, ...], _out: Any) -> None:
        assert isinstance(norm, nn.BatchNorm2d)
        assert norm.running_mean is not None
        assert norm.running_var is not None
        centred = given[0].float() - norm.running_mean[:, None, None]
        share = centred.square_().mean(dim=(2, 3)) / (norm.running_var + norm.eps)
        self._here.found[norm].append(share.clamp(min=_LEAST).log().abs().mean(dim=1).cpu())


def images_to_show(share: float) -> int:
    """The fewest images that show a rate of at most `share`, with none of them above it.

    By the exact upper bound of a proportion (Clopper and Pearson 1934), one-sided at 95%.
    """
    return math.ceil(math.log(1 - LEVEL) / math.log(1 - share))


class OutlierTest:
    """Tells whether images are unlike those of the training.

    Args:
        model: Calibrated.
        compute: Device and precision.
        share: Of the images like the held-out ones, that may be taken for outliers.
        remedy: How to calibrate the network.

    Raises:
        RecipeError: The share is not between 0 and 1.
        RunError: The calibration has no scores, or none for so small a share.
    """

    def __init__(
        self, model: SavedModel, compute: Compute, *, share: float, remedy: str = CALIBRATE_FIRST
    ) -> None:
        self.share = share
        self.reference, self.threshold = _reference(model, share=share, remedy=remedy)
        self._scorer = OutlierScorer(model, compute)

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """(N,) whether each of (N, H, W, 3) uint8 images is an outlier."""
        return self._scorer.scores(images).typicality(self.reference) < self.threshold


def _reference(model: SavedModel, *, share: float, remedy: str) -> tuple[OutlierReference, float]:
    """Scores of usual images, and the typicality below which at most a share of them lies."""
    if not 0 < share < 1:
        raise RecipeError(f"--reject-outliers {share:g} is not between 0 and 1; give 0.05")
    calibration = model.calibration
    reference = calibration.outliers if calibration else None
    if calibration is None or reference is None or not reference.thresholds:
        raise RunError(f"this network has no outlier scores of normal pictures; {remedy}")
    fitting = [each for each in reference.thresholds if each.share <= share]
    if not fitting:
        least = min(each.share for each in reference.thresholds)
        shown = [each for each in SHARES if each <= share]
        more = f", or calibrate on {images_to_show(max(shown)):,} or more images" if shown else ""
        raise RunError(
            f"{calibration.images:,} held-out images cannot show a share of {share:g}; give "
            f"--reject-outliers {least:g}{more}"
        )
    return reference, max(fitting, key=lambda each: each.share).score
