"""What a user asks for, and the recipes that are built from it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from thriftnet.recipe import Recipe, build_recipe
from thriftnet.recipe.chosen import Cost, Network, recipe_tree
from thriftnet.recipe.lengths import epochs_of, follow_epochs
from thriftnet.recipe.load import near_name
from thriftnet.recipe.overrides import merge_override, parse_override
from thriftnet.recipe.sections import DataSection

DEFAULT_SECONDS = 600.0
"""Of a training that is given neither a recipe nor a budget."""
DEFAULT_PARAMETERS = 5_000_000


@dataclass(frozen=True)
class AutoRequest:
    """Pictures, a budget, and all that is set by hand."""

    source: Path
    overrides: tuple[str, ...] = ()
    seed: int = 0
    strict: bool = False
    init: str | None = None
    """Weights to start from; none: what validation prefers."""
    max_parameters: int = DEFAULT_PARAMETERS
    seconds: float | None = DEFAULT_SECONDS
    """From `began` to the end of the evaluation."""
    operations: float | None = None
    """Counted, of all trainings."""
    began: float = field(default_factory=time.monotonic)

    @cached_property
    def given(self) -> dict[str, Any]:
        """What overrides say, by dotted key.

        Raises:
            RecipeError: One is no `key=value`.
        """
        return dict(map(parse_override, self.overrides))

    @property
    def weights(self) -> str | None:
        """To start from, where the user names them."""
        return self.init or self.given.get("init.weights")

    @property
    def side(self) -> int | None:
        """Of the images, in pixels, where the user sets it."""
        return self.given.get("data.image_size")

    @property
    def name(self) -> str:
        """Of the recipe: that of the pictures' folder or file, in letters that a recipe allows."""
        path = self.source.expanduser().resolve()
        return near_name(path.name if path.is_dir() else path.stem)

    def check(self) -> None:
        """Refuse what no recipe could be built with, before anything is measured or decoded.

        Raises:
            RecipeError: An override names no key or has a wrong value.
        """
        side = self.side or 128  # the largest, which takes what any smaller one takes
        self.recipe(Network({"family": "speednet"}, side, Cost(1, 1)), {}, images=50_000, passes=10)

    def data(self) -> DataSection:
        """The section `data`, before a size is chosen.

        Raises:
            RecipeError: An override is wrong.
        """
        tree: dict[str, Any] = {"name": self.name, "seed": self.seed}
        for key, value in self.given.items():
            if key.startswith("data."):
                merge_override(tree, key, value)
        return build_recipe(tree, origin="--set").data

    def recipe(
        self,
        network: Network,
        changes: Mapping[str, Any],
        *,
        images: int,
        passes: float,
        forced: Mapping[str, Any] | None = None,
    ) -> Recipe:
        """The rules' recipe, with what validation decided and then what the user set.

        Args:
            network: To train.
            changes: Dotted keys that validation decided.
            images: That are trained on.
            passes: Over them.
            forced: Dotted keys of a trial, which come last; what the user sets of the length and
                shape of a training is then left out.

        Raises:
            RecipeError: An override is wrong, or does not go with the rest.
        """
        tree = recipe_tree(
            network,
            name=self.name,
            images=images,
            passes=passes,
            max_parameters=self.max_parameters,
        )
        tree["seed"] = self.seed
        merge_all(tree, changes.items())
        before = epochs_of(tree)
        given = {k: v for k, v in self.given.items() if not forced or not _shapes(k)}
        merge_all(tree, given.items())
        follow_epochs(tree, before=before, keep=given)
        merge_all(tree, (forced or {}).items())
        return build_recipe(tree, origin="--set" if self.given else self.name)


def _shapes(key: str) -> bool:
    """Whether a key is about the length and shape of a training, which a trial has its own of."""
    any_length = {"train.precision", "train.device", "train.label_smoothing"}
    return key.startswith(("train.", "schedule.")) and key not in any_length


def merge_all(tree: dict[str, Any], values: Iterable[tuple[str, Any]]) -> None:
    """Set dotted keys in a plain tree."""
    for key, value in values:
        merge_override(tree, key, value)
