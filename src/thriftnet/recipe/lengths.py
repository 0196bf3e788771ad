"""Lengths that a recipe gives in epochs, and scaling them with the number of epochs.

A run with a quarter of the epochs has a quarter of the warm-up, of the epochs on small images and
of the full epochs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from thriftnet.errors import RecipeError
from thriftnet.recipe.augment_section import AugmentSection
from thriftnet.recipe.section import Section
from thriftnet.recipe.sections import (
    DataSection,
    EvaluateSection,
    ScheduleSection,
    TrainSection,
)

Scaling = Callable[[Any, float, float], Any]
"""`(value, scale, epochs) -> value` for a run of `epochs`, which is `scale` times the old
number."""


def _whole_epochs(value: Any, scale: float, epochs: float) -> Any:
    """At least one; 0 and None are unchanged."""
    del epochs
    return value and max(1, round(value * scale))


def _stretch(value: Any, scale: float, epochs: float) -> Any:
    del epochs
    return value and value * scale


def _sizes(value: Any, scale: float, epochs: float) -> Any:
    """In whole epochs; the last epoch is at full size."""
    if not value:
        return value
    last = math.ceil(epochs) - 1
    ends = {min(round(end * scale), last): side for end, side in value}
    return [[end, side] for end, side in ends.items() if end > 0]


LENGTHS: dict[str, Scaling] = {
    "train.full_epochs": _whole_epochs,
    "train.stem_epochs": _whole_epochs,
    "train.sizes": _sizes,
    "schedule.warmup_epochs": _stretch,
    "schedule.cosine_epochs": _stretch,
    "schedule.decay_epochs": _stretch,
}
"""All keys that are lengths in epochs."""


def epochs_of(tree: Mapping[str, Any]) -> float | None:
    """The number of epochs of a plain recipe; None if it is not a number."""
    found = value_of(tree, "train.epochs")
    try:
        return float(found)
    except (TypeError, ValueError):
        return None


def follow_epochs(
    tree: dict[str, Any], *, before: float | None, keep: Iterable[str] = ()
) -> dict[str, tuple[Any, Any]]:
    """Scale all lengths to the tree's number of epochs; changes `tree`.

    Args:
        tree: A plain recipe with the new number of epochs.
        before: The number of epochs that its lengths are for.
        keep: Keys or sections to leave unchanged.

    Returns:
        Old and new value of each changed key. Invalid values are left for validation.
    """
    epochs, kept = epochs_of(tree), tuple(keep)
    if not epochs or not before or epochs == before:
        return {}
    changed: dict[str, tuple[Any, Any]] = {}
    for key, scaled in LENGTHS.items():
        old = value_of(tree, key)
        try:
            stays = is_kept(key, kept) or _is_unused(tree, key)
            new = old if stays else scaled(old, epochs / before, epochs)
            if key == "schedule.warmup_epochs" and new != old:
                new = min(new, TrainSection.model_validate(tree["train"]).passes)
        except (TypeError, ValueError, OverflowError):  # ValueError: pydantic's too
            continue
        if new != old:
            section, name = key.split(".")
            tree.setdefault(section, {})[name] = new
            changed[key] = old, new
    return changed


def scale_training(train: TrainSection, scale: float) -> TrainSection:
    """A section with its epochs and lengths scaled."""
    tree = {"train": {**train.model_dump(mode="json"), "epochs": train.epochs * scale}}
    follow_epochs(tree, before=train.epochs)
    return TrainSection.model_validate(tree["train"])


def check_lengths(train: TrainSection) -> None:
    """Check that no length exceeds the number of epochs.

    Raises:
        RecipeError: One does.
    """
    last = max(1, math.ceil(train.epochs))
    if train.sizes and train.sizes[-1][0] >= train.epochs:
        raise RecipeError(
            f"train.sizes shrinks images until epoch {train.sizes[-1][0]} of {train.epochs:g}, so "
            "that no epoch has full-size images; end it earlier, or set train.sizes=[]"
        )
    for key, length in (("full_epochs", train.full_epochs), ("stem_epochs", train.stem_epochs)):
        if length is not None and length > last:
            raise RecipeError(
                f"train.{key} is {length}, longer than train.epochs {train.epochs:g}; "
                f"lower it to {last} or less"
            )


def _is_unused(tree: Mapping[str, Any], key: str) -> bool:
    return key == "schedule.decay_epochs" and value_of(tree, "schedule.name") != "step_decay"


def is_kept(key: str, kept: Iterable[str]) -> bool:
    """Whether a key, or a section that it is in, is among some keys."""
    return any(f"{key}.".startswith(f"{each}.") for each in kept)


_SECTIONS: dict[str, type[Section]] = {
    "augment": AugmentSection,
    "data": DataSection,
    "evaluate": EvaluateSection,
    "schedule": ScheduleSection,
    "train": TrainSection,
}


def value_of(tree: Mapping[str, Any], key: str) -> Any:
    """The value of a dotted key of a plain recipe, or its default."""
    section, name = key.split(".")
    found = tree.get(section)
    if isinstance(found, Mapping) and name in found:
        return cast("Mapping[str, Any]", found)[name]
    return _SECTIONS[section].model_fields[name].default
