"""The user's request for an automatic recipe, and building recipes from it."""

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
"""Default time budget."""
DEFAULT_PARAMETERS = 5_000_000
_BATCHES = {"train.batch_size", "train.micro_batch", "train.drop_last"}


@dataclass(frozen=True)
class AutoRequest:
    """Pictures, a budget, and the user's settings."""

    source: Path
    overrides: tuple[str, ...] = ()
    seed: int = 0
    strict: bool = False
    init: str | None = None
    """Initial weights; None: decided by validation."""
    max_parameters: int = DEFAULT_PARAMETERS
    seconds: float | None = DEFAULT_SECONDS
    """From `began` to the end of the evaluation."""
    operations: float | None = None
    """Budget of operations, including trials."""
    began: float = field(default_factory=time.monotonic)

    @cached_property
    def given(self) -> dict[str, Any]:
        """The overrides by dotted key.

        Raises:
            RecipeError: One is no `key=value`.
        """
        return dict(map(parse_override, self.overrides))

    @property
    def weights(self) -> str | None:
        """Initial weights, if the user names them."""
        return self.init or self.given.get("init.weights")

    @property
    def side(self) -> int | None:
        """Image size in pixels, if the user sets it."""
        return self.given.get("data.image_size")

    @property
    def sets_batches(self) -> bool:
        """Whether the user sets how images are batched."""
        return bool(self.given.keys() & _BATCHES)

    @property
    def name(self) -> str:
        """Name of the recipe, from the pictures' folder or file."""
        path = self.source.expanduser().resolve()
        return near_name(path.name if path.is_dir() else path.stem)

    def check(self) -> None:
        """Validate the overrides before anything is measured or decoded.

        Raises:
            RecipeError: An override names no key or has a wrong value.
        """
        side: Any = self.side
        if not isinstance(side, int) or not 0 < side <= 1024:  # anything that was typed
            side = 128  # the largest, valid for all smaller ones
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
        """The recipe of the rules, with changes decided by validation and the user's settings.

        Args:
            network: The network.
            changes: Dotted keys decided by validation.
            images: Number of training images.
            passes: Passes over them.
            forced: Dotted keys of a trial, applied last; the user's settings for the length and
                shape of training are then ignored.

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
    """Whether a key concerns the length and shape of training, which trials set themselves."""
    any_length = {"train.precision", "train.device", "train.label_smoothing"}
    return key.startswith(("train.", "schedule.")) and key not in any_length


def merge_all(tree: dict[str, Any], values: Iterable[tuple[str, Any]]) -> None:
    """Set dotted keys in a plain tree."""
    for key, value in values:
        merge_override(tree, key, value)
