"""Runs a network on batches of images, for prediction, evaluation, validation and export."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from thriftnet.augment import normalise
from thriftnet.errors import RunError
from thriftnet.inference.calibrated import calibrated
from thriftnet.inference.optimise import optimize_for_inference
from thriftnet.inference.views import TRANSFORMS, choose_views
from thriftnet.models.calibration import ViewCalibration
from thriftnet.models.saved import SavedModel
from thriftnet.runtime.device import Compute
from thriftnet.runtime.resize import as_pixels

_FEW = 64
"""Views up to this number, of all images, are computed in one forward pass: each layer has a fixed
cost. 64 is the service's largest batch, so that its memory does not grow."""
_PART = 1000
"""Images of a part; a multiple of the batch, as rounding depends on it."""
OnProgress = Callable[[int, int], None]
"""Called with the number of images done and the total."""


def no_progress(_done: int, _total: int) -> None:
    """Report nothing."""


def check_finite(logits: Tensor) -> Tensor:
    """Returns logits that are finite; finite weights can still overflow.

    Raises:
        RunError: One is not.
    """
    if not bool(logits.isfinite().all()):
        raise RunError("the network's outputs are not finite; train it again")
    return logits


class Engine:
    """Runs a network in evaluation mode, batch by batch.

    Several threads may share an engine whose network is in evaluation mode, as with `Engine.of`.

    Args:
        network: On `compute.device`.
        mean: Channel means of the training images in [0, 1].
        std: Channel standard deviations of the training images in [0, 1].
        compute: Device and precision.
        batch_size: Images per forward pass; 250 fit the last-level cache of a common CPU.
        temperature: Divides the logits.
        shifts: Knots for the largest logit, as in `calibrated`.
        calibration: Per test-time augmentation; takes precedence over `temperature` and `shifts`.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        mean: tuple[float, float, float],
        std: tuple[float, float, float],
        compute: Compute,
        batch_size: int = 250,
        temperature: float = 1.0,
        shifts: Sequence[tuple[float, float]] = (),
        calibration: Mapping[str, ViewCalibration] | None = None,
    ) -> None:
        self.network = network
        self.compute = compute
        self.batch_size = batch_size
        self.temperature = temperature
        self.shifts = shifts
        self.calibration = calibration or {}
        self._scale = {"mean": mean, "std": std}

    @classmethod
    def of(cls, model: SavedModel, compute: Compute) -> Engine:
        """An engine with an optimized copy of a trained network and its calibration."""
        return cls(
            optimize_for_inference(model.network, compute),
            mean=model.mean,
            std=model.std,
            compute=compute,
            temperature=model.temperature,
            shifts=model.shifts,
            calibration=model.calibration.views if model.calibration else None,
        )

    def logits(self, images: Tensor, tta: str = "none") -> Tensor:
        """(N, classes) float32 logits on the CPU of (N, 3, H, W) uint8 images.

        Raises:
            RecipeError: `tta` is not a key of `VIEWS`.
        """
        return self.side_by_side(images, (tta,))[tta]

    def by_parts(
        self, images: NDArray[np.uint8], side: int, *, on_progress: OnProgress = no_progress
    ) -> Iterator[Tensor]:
        """Logits of (N, H, W, 3) uint8 images, some at a time, in one view.

        The images may be a memory map larger than the memory.

        Args:
            images: Of the network's size, or larger.
            side: Height and width in pixels that the network takes.
            on_progress: Called after each part.
        """
        for at in range(0, len(images), _PART):
            yield self.logits(as_pixels(images[at : at + _PART], side))
            on_progress(min(at + _PART, len(images)), len(images))

    @torch.no_grad()
    def side_by_side(
        self, images: Tensor, kinds: Sequence[str], *, on_progress: OnProgress = no_progress
    ) -> dict[str, Tensor]:
        """Logits under several kinds of test-time augmentation, computing shared views once.

        Args:
            images: (N, 3, H, W) uint8, on any device.
            kinds: Keys of `VIEWS`.
            on_progress: Called after each batch.

        Returns:
            (N, classes) float32 on the CPU per kind: the weighted mean over its views, calibrated.
            The network's mode is restored.

        Raises:
            RecipeError: A kind is not a key of `VIEWS`.
        """
        weights = {kind: choose_views(kind) for kind in kinds}
        parts: dict[str, list[Tensor]] = {view: [] for each in weights.values() for view in each}
        training = self.network.training
        if training:
            self.network.eval()
        try:
            for start in range(0, len(images), self.batch_size):
                batch = images[start : start + self.batch_size].to(self.compute.device)
                batch = normalise(batch, **self._scale)
                together = len(batch) * len(parts) <= _FEW
                for views in [list(parts)] if together else [[view] for view in parts]:
                    seen = [TRANSFORMS[view](batch) for view in views]
                    shown = seen[0] if len(seen) == 1 else torch.cat(seen)
                    shown = shown.contiguous(memory_format=torch.channels_last)
                    with self.compute.autocast():
                        found = self.network(shown).float().cpu()
                    for view, logits in zip(views, found.split(len(batch)), strict=True):
                        parts[view].append(logits)
                on_progress(min(start + self.batch_size, len(images)), len(images))
        finally:
            if training:
                self.network.train()
        views = {k: torch.cat(found) if found else torch.empty(0, 0) for k, found in parts.items()}
        means = {
            kind: torch.stack([weight * views[view] for view, weight in each.items()]).sum(0)
            for kind, each in weights.items()
        }
        return {kind: self._calibrated(kind, logits) for kind, logits in means.items()}

    def _calibrated(self, kind: str, logits: Tensor) -> Tensor:
        how = self.calibration.get(kind)
        if how is None:
            return calibrated(logits, self.temperature, self.shifts)
        return calibrated(logits, how.temperature, how.shifts)
