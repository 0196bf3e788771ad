"""Explanations of the choices made by the rules and by trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from thriftnet.recipe.chosen import Choice, Facts, Network
from thriftnet.recipe.rules import least_passes, own_sides

FROM_WEIGHTS = "from the weights of "
"""Prefix of the names of trials with pretrained weights."""


def why_network(facts: Facts, network: Network, *, asked: bool) -> list[Choice]:
    """The choices of image size and network, with their reasons."""
    have = "all pictures have" if facts.same_side else "the pictures have about"
    size = f"{have} {facts.side:.0f} pixels"
    if asked:
        size = "set by --set data.image_size"
    elif network.side < own_sides(facts)[-1]:
        size += "; at a larger size, too few epochs fit the budget"
    shape = f"{sum(network.model['blocks'])} convolutions of " + "-".join(
        map(str, network.model["channels"])
    )
    return [
        Choice("resolution", f"{network.side} pixels", size),
        Choice(
            "network",
            f"{shape} channels, {network.cost.parameters:,} parameters",
            f"about {facts.passes(network.cost.macs):.3g} epochs over {facts.images:,} images fit "
            "the budget; a larger network or image size is used only if at least "
            f"{least_passes(facts.images):.3g} epochs fit",
        ),
    ]


def why_start(network: Network, tried: Mapping[str, str], *, asked: bool) -> Choice:
    """The choice of initial weights, with its reason.

    Args:
        network: The chosen network.
        tried: Result of each trial, by name.
        asked: Whether the user named the weights.
    """
    if network.weights is not None:
        reason = "set by --init" if asked else "more accurate on held-out pictures"
        return Choice("start", f"from the weights of {network.weights}", reason)
    other = any(name.startswith(FROM_WEIGHTS) for name in tried)
    reason = (
        "shipped weights gave no significant gain" if other else "no pretrained weights were tried"
    )
    return Choice("start", "from scratch", reason)


def why_augmentation(taken: Sequence[str], tried: Mapping[str, str]) -> Choice:
    """The choice of augmentation, with its reason."""
    added = [name for name in taken if not name.startswith(FROM_WEIGHTS)]
    reason = "nothing else that was tried gave a significant gain"
    if added:
        reason = "the additions gained accuracy on held-out pictures"
    elif len(tried) < 2:
        reason = "nothing else could be tried"
    return Choice("augmentation", ", ".join(["random crops and cutout", *added]), reason)


def why_length(epochs: float, images: int, *, fits: bool, asked: bool) -> Choice:
    """The choice of the training's length, with its reason.

    How many epochs a budget buys is measured and told when the training starts.

    Args:
        epochs: Those of the recipe, beyond which more are not useful.
        images: Number of training images.
        fits: Whether they are expected to fit the budget.
        asked: Whether the user set them.
    """
    if asked:
        return Choice("length", f"{epochs:g} epochs at most", "set by train.epochs")
    if not fits:
        reason = f"up to {epochs:.3g} would be useful"
        return Choice("length", "as many epochs as the budget buys", reason)
    reason = f"more epochs over {images:,} images would not be useful"
    return Choice("length", f"{epochs:.3g} epochs at most", reason)
