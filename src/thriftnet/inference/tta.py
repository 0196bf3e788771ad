"""Read images with test-time augmentation, each view computed once."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from thriftnet.inference.logits import Told, predict_views, untold
from thriftnet.inference.views import TRANSFORMS, choose_views
from thriftnet.models.saved import SavedModel
from thriftnet.runtime.device import Compute


def baseline_tta(tta: str) -> str:
    """The second way in which an evaluation reads: without augmentation, or mirrored."""
    return "flip" if tta == "none" else "none"


def tta_views(tta: str) -> set[str]:
    """Names of all views that an evaluation of that choice computes.

    Raises:
        RecipeError: The choice is not one of ours.
    """
    return {name for kind in (tta, baseline_tta(tta)) for name in choose_views(kind)}


def tta_logits(
    model: SavedModel,
    images: Tensor,
    kinds: Sequence[str],
    *,
    compute: Compute,
    told: Told = untold,
) -> dict[str, Tensor]:
    """Logits of images, read in one or several ways that share their views.

    Args:
        model: Its network lies on `compute.device`.
        images: (N, 3, H, W) uint8.
        kinds: Keys of `VIEWS`.
        compute: Device and precision.
        told: Called after each batch.

    Returns:
        (N, classes) float32 on the CPU for each kind: the weighted mean over its views.

    Raises:
        RecipeError: A kind is not one of ours.
    """
    weights = {kind: choose_views(kind) for kind in kinds}
    needed = {name: TRANSFORMS[name] for views in weights.values() for name in views}
    logits = predict_views(
        model.network, images, needed, mean=model.mean, std=model.std, compute=compute, told=told
    )
    means: dict[str, Tensor] = {}
    for kind, views in weights.items():
        means[kind] = torch.stack([weight * logits[name] for name, weight in views.items()]).sum(0)
    return means
