"""Runs paired trials of initial weights and augmentations, and decides by validation."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from thriftnet.data import OpenDataset
from thriftnet.models.describe import training_flops
from thriftnet.phases import phase
from thriftnet.recipe.chosen import CostOf, Facts, Network
from thriftnet.recipe.reasons import FROM_WEIGHTS
from thriftnet.recipe.rules import (
    IMBALANCED,
    LEAST_HELD_OUT,
    NOISE,
    WEIGHTED,
    Arm,
    TrialShape,
    fit_trial,
)
from thriftnet.training.automatic.remaining_budget import RemainingBudget
from thriftnet.training.automatic.request import AutoRequest
from thriftnet.training.automatic.trials import Gain, Outcome, paired_gain, run_trial

Say = Callable[[str], None]


@dataclass
class TrialRunner:
    """Tries changes in sequence, each on top of those accepted before."""

    request: AutoRequest
    shape: TrialShape
    open_at: Callable[[int], OpenDataset]
    """Opens the pictures at a size in pixels."""
    cost_of: CostOf
    facts: Facts
    remaining: RemainingBudget
    until: float | None
    """Time after which no trial starts, by `time.monotonic()`; None: no limit."""
    say: Say
    changes: dict[str, Any] = field(default_factory=dict[str, Any])
    """Accepted changes by dotted key."""
    taken: list[str] = field(default_factory=list[str])
    results: dict[str, str] = field(default_factory=dict[str, str])
    """Result of each trial, by name."""
    begun: int = 0
    """Number of trials."""
    most: int = 1
    """Most trials that there may be."""

    @property
    def balanced(self) -> bool:
        """Whether to use balanced accuracy."""
        return self.facts.imbalance >= IMBALANCED

    def run(self, network: Network, start: Network | None, arms: Sequence[Arm]) -> Network:
        """Try pretrained weights, then the arms, and report the results.

        Args:
            network: From random weights, or those of the user.
            start: From shipped weights; None: not tried.
            arms: Changes of the recipe, in order.

        Returns:
            `network` or `start`.
        """
        began, best = time.monotonic(), None
        self.most = 1 + (start is not None) + len(arms)
        name = network.weights or "from scratch"
        if self.shape.images >= LEAST_HELD_OUT:
            best = self._trial(name, network, {})
        if best is None or len(best.labels) < LEAST_HELD_OUT:
            self._report("trials", "none: too few pictures, or too small a budget")
            return network
        what = "balanced accuracy" if self.balanced else "accuracy"
        side, passes = fit_trial(network, self.shape, self.cost_of)
        self.say(
            f"trials train at {side.side} pixels for {passes:.3g} epochs and validate on "
            f"{len(best.labels):,} held-out pictures; a gain counts if it exceeds {NOISE} standard "
            "errors; for mirror images and quarter turns, any gain counts:"
        )
        self._report(name, f"{what} {best.score(balanced=self.balanced):.3f}")
        if start:
            name = f"{FROM_WEIGHTS}{start.weights}"
            other = self._trial(name, start, {})
            if other and self._decide(name, best, other):
                network, best = start, other
        each = (time.monotonic() - began) / (2 if start else 1)
        for arm in arms:
            if set(arm.needless_after) & set(self.taken):
                continue
            if self.until is not None and time.monotonic() + each / 2 > self.until:
                self._report(arm.name, "not tried: no time left for trials")
                continue
            other = self._trial(arm.name, network, arm.changes)
            if other is None:
                self._report(arm.name, "diverged; not taken")
            elif self._decide(arm.name, best, other, arm):
                best = other
                self.changes |= arm.changes
        return network

    def _trial(self, name: str, network: Network, changes: Any) -> Outcome | None:
        shape, self.begun = self.shape, self.begun + 1
        smaller, passes = fit_trial(network, shape, self.cost_of)
        forced = {
            "data.val_ratio": shape.val_ratio,
            "data.fraction": shape.fraction,
            "data.image_size": smaller.side,
        }
        recipe = self.request.recipe(
            smaller,
            {**self.changes, **changes},
            images=shape.images,
            passes=passes,
            forced=forced,
        )
        seen = shape.images * passes * shape.repeats
        self.remaining.spent += recipe.train.views * training_flops(smaller.cost.macs, 1) * seen
        images = self.open_at(network.side)
        with phase(f"trial {self.begun} of at most {self.most}, {name}") as count:
            return run_trial(recipe, images, repeats=shape.repeats, count=count)

    def _decide(self, name: str, best: Outcome, other: Outcome, arm: Arm | None = None) -> bool:
        """Decide whether to accept a change, and report it.

        Args:
            name: Name of the change.
            best: Outcome without it.
            other: Outcome with it.
            arm: The change; None: initial weights. Class weights must not lower the accuracy, even
                if they raise balanced accuracy. Any gain of a symmetry is accepted.
        """
        gain = paired_gain(best, other, balanced=self.balanced)
        costs = arm == WEIGHTED and paired_gain(other, best, balanced=False).significant
        counts = gain.value > 0 if arm and arm.symmetry else gain.significant
        takes = counts and not costs
        if takes:
            self.taken.append(name)
        score = other.score(balanced=self.balanced)
        numbers = f"{score:.3f} ({gain.value:+.3f} ± {gain.error:.3f})"
        self._report(name, f"{numbers}; {_verdict(takes, costs, gain)}")
        return takes

    def _report(self, name: str, text: str) -> None:
        self.results[name] = text
        self.say(f"  {name}: {text}")


def _verdict(takes: bool, costs: bool, gain: Gain) -> str:
    if takes:
        return "taken"
    if costs:
        return "not taken: it lowers the overall accuracy"
    return "not taken, within noise" if gain.value > 0 else "not taken"
