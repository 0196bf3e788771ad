"""The recipe: the frozen and validated configuration of an experiment.

It is read from YAML, changed by dotted overrides (`optim.lr=0.02`) and written back complete, so
that the written file reproduces the experiment. Networks, optimisers and transforms never see a
recipe: builders turn its sections into keyword arguments.
"""

from __future__ import annotations

import copy
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, model_validator

from thriftnet.errors import RecipeError
from thriftnet.recipe.augment_section import AugmentSection
from thriftnet.recipe.companions import follow_settings, rates_that_stay
from thriftnet.recipe.lengths import epochs_of, follow_epochs
from thriftnet.recipe.messages import explain, refuse_truth
from thriftnet.recipe.model_sections import ModelSection, ResNetSection, SpeedNetSection
from thriftnet.recipe.overrides import merge_override, parse_override
from thriftnet.recipe.plain_yaml import write_yaml
from thriftnet.recipe.section import Section
from thriftnet.recipe.sections import (
    DataSection,
    EvaluateSection,
    InitSection,
    OptimSection,
    ScheduleSection,
    TrainSection,
)
from thriftnet.recipe.source import read_source, shipped_names

_SHIPPED = "recipes"
"""Folder of the shipped recipes in the package."""
_LONGEST_NAME = 64
_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"


class Recipe(Section):
    """An experiment. Equal recipes and seeds give equal runs on equal machines."""

    name: Annotated[str, Field(pattern=f"^{_NAME}$", max_length=_LONGEST_NAME)]
    """Names the run folder: letters, digits, dot, dash and underscore."""
    description: str = ""
    """One line of text for people."""
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    """Random seed of the split, the initial weights, the order and the augmentation."""
    max_parameters: Annotated[int, Field(ge=1)] = 5_000_000
    """Maximum number of trainable parameters; a larger network is refused before training."""
    data: DataSection = DataSection()
    augment: AugmentSection = AugmentSection()
    model: ModelSection = ResNetSection()
    init: InitSection = InitSection()
    optim: OptimSection = OptimSection()
    schedule: ScheduleSection = ScheduleSection()
    train: TrainSection = TrainSection()
    evaluate: EvaluateSection = EvaluateSection()

    @model_validator(mode="before")
    @classmethod
    def _default_family(cls, tree: Any) -> Any:
        """A model section without a family is a residual network."""
        model = tree.get("model") if isinstance(tree, dict) else None
        if isinstance(model, dict) and "family" not in model:
            return {**tree, "model": {"family": "resnet", **model}}
        return tree

    @model_validator(mode="after")
    def _sections_agree(self) -> Self:
        if self.data.val_ratio == 0 and (choice := self.train.needs_validation):
            raise ValueError(
                f"{choice} needs validation images; set data.val_ratio above 0 or leave it out"
            )
        if self.data.balance == "sampling" and self.train.hard_fraction < 1:
            raise ValueError(
                "data.balance=sampling and train.hard_fraction both choose an epoch's images; set "
                "data.balance=loss or train.hard_fraction=1"
            )
        if self.train.stem_epochs is not None and self.model.family != "speednet":
            raise ValueError(
                f"train.stem_epochs is for model.family=speednet, not {self.model.family}; "
                "leave it out"
            )
        if self.schedule.warmup_epochs > self.train.passes:
            passes = f", {self.train.passes:g} over all images"
            raise ValueError(
                f"schedule.warmup_epochs is {self.schedule.warmup_epochs:g}, longer than "
                f"train.epochs {self.train.epochs:g}"
                f"{passes if self.train.hard_fraction < 1 else ''}; shorten it"
            )
        if self.train.consistency and not self.augment.corrupts:
            raise ValueError(
                "train.consistency does nothing with augment.augmix, augment.prime, augment.noise "
                "and augment.jpeg all 0; set one of them above 0"
            )
        for key in ("full_epochs", "loss_decay"):
            if self.train.hard_fraction == 1 and getattr(self.train, key):
                raise ValueError(
                    f"train.{key} does nothing with train.hard_fraction=1; "
                    f"set train.{key} back to 0"
                )
        if self.train.hard_fraction < 1 and self.schedule.interval == "epoch":
            raise ValueError(
                "train.hard_fraction makes epochs of different lengths; "
                "set schedule.interval=step or train.hard_fraction=1"
            )
        if self.train.micro_batch > self.train.batch_size:
            raise ValueError(
                f"train.micro_batch {self.train.micro_batch} is larger than train.batch_size "
                f"{self.train.batch_size}; lower it"
            )
        return self

    @model_validator(mode="after")
    def _images_are_large_enough(self) -> Self:
        for _, side in self.train.sizes:
            if side > self.data.image_size:
                raise ValueError(
                    f"train.sizes has {side} pixels, more than data.image_size "
                    f"{self.data.image_size}; images are never enlarged"
                )
        smallest = min([self.data.image_size, *(side for _, side in self.train.sizes)])
        if isinstance(self.model, SpeedNetSection) and self.model.last_grid(smallest) < 1:
            raise ValueError(
                f"model.blocks has {len(self.model.blocks)} groups, and each halves the image: too "
                f"many for {smallest} pixels; use fewer, or raise data.image_size and train.sizes"
            )
        reflected = self.augment.crop_padding if self.augment.crop_mode == "reflect" else 0
        if reflected >= self.data.image_size:
            raise ValueError(
                f"augment.crop_padding {reflected} has no {reflected} pixels to mirror in images "
                f"of {self.data.image_size}; lower it or set augment.crop_mode=zero"
            )
        return self

    def to_yaml(self) -> str:
        """The complete recipe, every key spelled out."""
        return write_yaml(self.model_dump(mode="json"))

    def digest(self) -> str:
        """Twelve hex digits that identify the experiment, without name, description and seed.

        Only values that differ from the defaults count, so that new keys do not change old digests.
        """
        names = {"name", "description", "seed"}
        content = self.model_dump(mode="json", exclude=names, exclude_defaults=True)
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]


def shipped_recipes() -> tuple[str, ...]:
    """Names of the recipes that come with the package."""
    return shipped_names(_SHIPPED)


def load_recipe(
    source: str | Path,
    overrides: Iterable[str] = (),
    *,
    seed: int | None = None,
    say: Callable[[str], None] | None = None,
    own: bool = False,
) -> Recipe:
    """Read a recipe by shipped name or YAML path and apply overrides.

    If the number of epochs, the image size or the flips are overridden, what goes with them follows
    (`lengths`, `companions`), unless overridden too.

    Args:
        source: `quick`, or a path such as `mine.yaml`.
        overrides: `key=value` strings with dotted keys; values are YAML.
        seed: Use this seed instead of the recipe's.
        say: Called with a line about settings that followed.
        own: Whether it is a run's recipe, which must be complete.

    Raises:
        RecipeError: Unknown name, unreadable, truncated or edited file, unknown key or wrong value.
    """
    overrides = (overrides,) if isinstance(overrides, str) else overrides
    tree, whole = _read_tree(source)
    before, given = copy.deepcopy(tree), [parse_override(override) for override in overrides]
    for key, value in given:
        merge_override(tree, key, value)
    if seed is not None:
        tree["seed"] = seed
    epochs, keep = epochs_of(before), [key for key, _ in given]
    scaled = follow_epochs(tree, before=epochs, keep=keep)
    followed = follow_settings(tree, before, keep=keep)
    recipe = build_recipe(tree, origin=str(source))
    if own and not whole:
        raise RecipeError(f"{source} is truncated; restore it from a copy")
    if scaled and say and epochs is not None:
        said = _changes(scaled)
        length = f"train.epochs {epochs:g} → {recipe.train.epochs:g}"
        say(f"{length}; scaled with it: {said}")
    if followed and say:
        say(f"changed with what you set: {_changes(followed)}")
    if say and (stay := rates_that_stay(recipe.optim, keep=keep)):
        say(f"optim.lr is the learning rate of convolutions; unchanged: {stay}")
    return recipe


def _changes(changed: Mapping[str, tuple[Any, Any]]) -> str:
    return ", ".join(f"{key} {old} → {new}" for key, (old, new) in changed.items())


def build_recipe(tree: Mapping[str, Any], *, origin: str = "recipe") -> Recipe:
    """Validate a plain tree.

    Raises:
        RecipeError: Names the key, what is wrong and the closest valid one.
    """
    try:
        refuse_truth(Recipe, tree)
        return Recipe.model_validate(tree)
    except ValidationError as error:
        raise RecipeError(f"{origin}: {explain(error, Recipe, tree)}") from None
    except ValueError as error:
        raise RecipeError(f"{origin}: {error}") from None


def is_whole(text: str) -> bool:
    """Whether a run's recipe is complete; earlier versions wrote no checksum."""
    return text.endswith("\n") and "\nevaluate:" in text


def _read_tree(source: str | Path) -> tuple[dict[str, Any], bool]:
    """The tree of a recipe, and whether a run's file is complete."""
    tree, text = read_source(source, kind="recipe", folder=_SHIPPED, error=RecipeError)
    path = Path(source)
    named = re.fullmatch(_NAME, path.stem) and len(path.stem) <= _LONGEST_NAME
    if "name" not in tree and not named:
        raise RecipeError(
            f"{source} gives no name, and {path.stem!r} cannot be one; write `name: "
            f"{near_name(path.stem)}` in it, or rename it"
        )
    tree.setdefault("name", path.stem)
    return tree, is_whole(text)


def near_name(stem: str) -> str:
    """A valid recipe name close to a text."""
    marks = re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("._-")
    return marks[:_LONGEST_NAME] or "mine"
