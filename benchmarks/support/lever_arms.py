"""What `own_levers.py` compares: trainings that differ in one thing from another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from thriftnet.recipe import Recipe, build_recipe
from thriftnet.recipe.chosen import CostOf, Network, recipe_tree
from thriftnet.recipe.overrides import merge_override
from thriftnet.recipe.rules import MIRRORED, POLICY, TURNED, WEIGHTED

NETWORKS: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "narrow": ((2, 2, 2), (32, 128, 128)),
    "medium": ((2, 2, 2), (48, 160, 160)),
    "usual": ((2, 2, 2), (64, 256, 256)),
    "narrow, four groups": ((1, 2, 2, 2), (32, 64, 128, 128)),
    "usual, four groups": ((1, 2, 2, 2), (64, 128, 256, 256)),
}
"""Convolutions and channels of each group."""
_LONG = 60.0
"""Epochs before the budget sets them: a length that lengths in proportion follow well."""


@dataclass(frozen=True)
class Lever:
    """A training, held against another one of the same cost."""

    against: str | None = None
    """The lever it differs from in one thing."""
    side: int = 28
    """Pixels."""
    network: str = "narrow"
    changes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Dotted keys of the recipe, over what the rules give."""
    share: float = 1.0
    """Of the task's operations."""
    weights: str | None = None
    """Shipped weights that it starts from, with their own network."""
    hardest: bool = False
    """Whether later epochs visit the half of the largest loss, as the rules had it."""

    def but(self, against: str, **changed: Any) -> Lever:
        """Another that differs from this one, which is called `against`."""
        return replace(self, against=against, **changed)

    def recipe(
        self,
        *,
        grey: bool,
        images: int,
        cost_of: CostOf,
        shipped: Mapping[str, Mapping[str, Any]],
        seed: int,
    ) -> Recipe:
        """That of the rules with what this lever changes; a budget sets its length."""
        blocks, channels = NETWORKS[self.network]
        model: Mapping[str, Any] = {
            "family": "speednet",
            "stem_kernel": 3,
            "blocks": list(blocks),
            "channels": list(channels),
            **({"stem_channels": 18} if grey else {}),
        }
        if self.weights:
            model = shipped[self.weights]
        network = Network(model, self.side, cost_of(model, self.side), self.weights)
        trained = round(images * self.changes.get("data.fraction", 1.0))
        tree = recipe_tree(
            network, name="own", images=trained, passes=_LONG, max_parameters=5_000_000
        )
        tree["seed"] = seed
        train = tree["train"]
        train |= {"epochs": _LONG, "full_epochs": 0, "hard_fraction": 1.0}
        if train["sizes"]:
            train["sizes"] = [[round(_LONG / 3), train["sizes"][0][1]]]
        if self.hardest:
            train |= {"full_epochs": round(_LONG / 3), "hard_fraction": 0.5}
        for key, value in self.changes.items():
            merge_override(tree, key, value)
        return build_recipe(tree)


_PLAIN = Lever()
_MIRRORED = Lever(changes=MIRRORED.changes)
_TRIAL = 0.12
"""Of the operations of a long training here, that a trial of the rules has."""


def _trials(passes: str, fraction: float) -> dict[str, Lever]:
    """Short trainings of the changes that trials decide on, on so many images."""
    base = f"trial of {passes}"
    plain = Lever(share=_TRIAL, changes={"data.fraction": fraction})
    changes: Mapping[str, Mapping[str, Any]] = {
        "mirrored": MIRRORED.changes,
        "turned": TURNED.changes,
        "rotated by up to 15°": {"augment.rotation": 15.0},
        "brightness and contrast": {"augment.brightness": 0.2, "augment.contrast": 0.2},
    }
    return {base: plain} | {
        f"{base}, {name}": plain.but(base, changes={**plain.changes, **keys})
        for name, keys in changes.items()
    }


_MANY = {
    "hardest half": replace(_PLAIN, hardest=True),
    "every image": _PLAIN.but("hardest half"),
    "mirrored": _MIRRORED.but("every image"),
    "hardest half, mirrored": _MIRRORED.but("mirrored", hardest=True),
    **_trials("6 passes", 0.136),
    **_trials("18 passes", 0.045),
    "mirrored, wider": _MIRRORED.but("mirrored", network="medium"),
    "mirrored, smoothing 0.1": _MIRRORED.but(
        "mirrored", changes={**MIRRORED.changes, "train.label_smoothing": 0.1}
    ),
    "mirrored, no erased squares": _MIRRORED.but(
        "mirrored", changes={**MIRRORED.changes, "augment.cutout": 0}
    ),
    "mirrored, erased squares twice as wide": _MIRRORED.but(
        "mirrored", changes={**MIRRORED.changes, "augment.cutout": 14}
    ),
    "mirrored, average of weights": _MIRRORED.but(
        "mirrored", changes={**MIRRORED.changes, "train.ema_decay": 0.99}
    ),
}

_CELLS = Lever(side=64, network="usual, four groups", changes=TURNED.changes)
_GREY = {
    "64 pixels": _CELLS,
    "96 pixels, narrow": _CELLS.but("64 pixels", side=96, network="narrow, four groups"),
    "128 pixels, narrow": _CELLS.but("64 pixels", side=128, network="narrow, four groups"),
    "64 pixels, narrow": _CELLS.but("64 pixels", network="narrow, four groups"),
    "64 pixels, weighted by class": _CELLS.but(
        "64 pixels", changes={**TURNED.changes, **WEIGHTED.changes}
    ),
}

_STAMPS = Lever(side=48, changes=MIRRORED.changes)
_FEW = {
    "48 pixels, narrow": _STAMPS,
    "sampled by class": _STAMPS.but(
        "48 pixels, narrow", changes={**MIRRORED.changes, "data.balance": "sampling"}
    ),
    "TrivialAugment": _STAMPS.but(
        "48 pixels, narrow", changes={**MIRRORED.changes, **POLICY.changes}
    ),
    "from quick": _STAMPS.but("48 pixels, narrow", weights="quick"),
    "64 pixels, four groups": _STAMPS.but(
        "48 pixels, narrow", side=64, network="narrow, four groups"
    ),
}

LEVERS: Mapping[str, Mapping[str, Lever]] = {
    "fashion-mnist": _MANY,
    "solar-cells": _GREY,
    "stamps": _FEW,
}
