"""Settings that follow another one when an override changes that.

Lengths in epochs are in `lengths`. Here: what counts pixels follows the image size, so that early
epochs see the same share of an image; and mirrored views are left out of the evaluation of a
network that is trained without mirrored images.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from thriftnet.recipe.lengths import is_kept, value_of
from thriftnet.recipe.sections import OptimSection

_SMALLEST = 16
"""Smallest size of `train.sizes` in pixels."""
_UNMIRRORED = {"flip": "none", "flip_shift": "shift", "flip_turn": "none"}
"""Test-time augmentation without mirrored views."""


def _sizes(value: Any, scale: float, side: int) -> Any:
    """Sizes of at least `_SMALLEST`; those that shrink nothing are left out."""
    scaled = [[end, max(_SMALLEST, round(small * scale))] for end, small in value]
    return [pair for pair in scaled if pair[1] < side] if value else value


def _pixels(value: Any, scale: float, side: int) -> Any:
    """At least one pixel; 0 is unchanged."""
    del side
    return value and max(1, round(value * scale))


PIXELS: dict[str, Callable[[Any, float, int], Any]] = {
    "train.sizes": _sizes,
    "augment.crop_padding": _pixels,
    "augment.cutout": _pixels,
}
"""All keys that are lengths in pixels."""


def follow_settings(
    tree: dict[str, Any], before: Mapping[str, Any], *, keep: Iterable[str]
) -> dict[str, tuple[Any, Any]]:
    """Change what goes with overridden settings; changes `tree`.

    Args:
        tree: A plain recipe with its overrides.
        before: The same without.
        keep: The overridden keys or sections, which stay.

    Returns:
        Old and new value of each changed key. Invalid values are left for validation.
    """
    kept = tuple(keep)
    changed: dict[str, tuple[Any, Any]] = {}

    def set_to(key: str, new: Any) -> None:
        old = value_of(tree, key)
        if new != old and not is_kept(key, kept):
            section, name = key.split(".")
            tree.setdefault(section, {})[name] = new
            changed[key] = old, new

    old_side, side = (value_of(each, "data.image_size") for each in (before, tree))
    for key, scaled in PIXELS.items() if side != old_side else ():
        try:
            set_to(key, scaled(value_of(tree, key), side / old_side, side))
        except (TypeError, ValueError, OverflowError, ZeroDivisionError):
            continue
    if value_of(tree, "augment.flip") == "none" != value_of(before, "augment.flip"):
        views = value_of(tree, "evaluate.tta")
        set_to("evaluate.tta", _UNMIRRORED.get(str(views), views))
    return changed


def rates_that_stay(optim: OptimSection, *, keep: Iterable[str]) -> str:
    """The learning rates of Muon that do not follow an overridden `optim.lr`; else empty.

    They are of other optimisers, for other parameters, so that no factor between them holds.

    Args:
        optim: With the overrides.
        keep: The overridden keys or sections.
    """
    kept = tuple(keep)
    if optim.name != "muon" or "optim.lr" not in kept:
        return ""
    others = {"optim.bias_lr": optim.bias_lr, "optim.head_lr": optim.head_lr}
    stay = {key: rate for key, rate in others.items() if rate is not None}
    return ", ".join(f"{key} {rate:g}" for key, rate in stay.items() if not is_kept(key, kept))
