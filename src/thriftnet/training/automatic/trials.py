"""Short trainings on part of the training images, compared on the held-out part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thriftnet.data import OpenDataset
from thriftnet.errors import TrainingError
from thriftnet.phases import Count, uncounted
from thriftnet.recipe import Recipe
from thriftnet.recipe.few_images import avoid_lone_image
from thriftnet.recipe.rules import NOISE
from thriftnet.training.images import split_sets
from thriftnet.training.loop import train_step
from thriftnet.training.setup import Plan, make_plan, make_state, recipe_network
from thriftnet.training.state import TrainingState

_SEEDS = 2**31
_FEW_HELD_OUT = 2_000
"""Number of images up to which a trial is evaluated with the recipe's views."""
_CHEAPER = {"shift": "none", "flip_shift": "flip"}
"""Views for more images: mirrored as in the final evaluation, but without shifts."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """Held-out predictions of a recipe over all splits."""

    correct: NDArray[np.bool_]
    """(N,) whether each image was classified correctly."""
    labels: NDArray[np.int64]
    """(N,)."""

    def score(self, *, balanced: bool) -> float:
        """Accuracy or balanced accuracy."""
        return float(_weights(self.labels, balanced=balanced)[self.correct].sum())


@dataclass(frozen=True)
class Gain:
    """Paired difference between two recipes on the same images."""

    value: float
    error: float
    """Standard error of the paired difference, over images."""
    step: float
    """Mean weight of an image that only one of the two classified correctly."""

    @property
    def significant(self) -> bool:
        """Whether it is significant, with a continuity correction of one image."""
        return self.value - self.step > NOISE * self.error


def run_trial(
    recipe: Recipe, data: OpenDataset, *, repeats: int, count: Count = uncounted
) -> Outcome | None:
    """Train a recipe on several splits, and classify the held-out images.

    Args:
        recipe: Its seed and the following ones are used.
        data: With images of the recipe's size or larger.
        repeats: Number of splits.
        count: Called with the number of steps done, and their total.

    Returns:
        None if training diverged.
    """
    correct: list[NDArray[np.bool_]] = []
    labels: list[NDArray[np.int64]] = []
    for repeat in range(repeats):
        seeded = recipe.model_copy(update={"seed": (recipe.seed + repeat) % _SEEDS})
        (_, train_at), _ = split_sets(seeded, data)
        seeded = avoid_lone_image(seeded, images=len(train_at))
        model = recipe_network(seeded, classes=len(data.classes))
        plan = make_plan(seeded, data, model)
        state = make_state(seeded, plan, model)
        try:
            total = state.total_steps
            for step in quiet_steps(plan, state):
                count(repeat * total + step, repeats * total)
        except TrainingError:
            return None
        tta = recipe.evaluate.tta
        if len(plan.val_images) > _FEW_HELD_OUT:
            tta = _CHEAPER.get(tta, tta)
        logits = plan.engine(state.network).logits(plan.val_images, tta)
        own = plan.val_labels.cpu().numpy()
        correct.append(logits.argmax(1).numpy() == own)
        labels.append(own)
    return Outcome(np.concatenate(correct), np.concatenate(labels))


def paired_gain(base: Outcome, other: Outcome, *, balanced: bool) -> Gain:
    """The gain of `other` over `base`, for the same images in the same order."""
    weights = _weights(base.labels, balanced=balanced)
    moved = other.correct.astype(np.int64) - base.correct
    differing = weights[moved != 0]
    return Gain(
        value=float((weights * moved).sum()),
        error=float(np.sqrt(np.square(differing).sum())),
        step=float(differing.mean()) if len(differing) else 0.0,
    )


def train_quietly(plan: Plan, state: TrainingState) -> None:
    """Train to the end of a plan, without a run folder; raises as `quiet_steps`."""
    for _ in quiet_steps(plan, state):
        pass


def quiet_steps(plan: Plan, state: TrainingState) -> Iterator[int]:
    """Train to the end of a plan, without a run folder.

    Yields:
        The number of steps done, after each.

    Raises:
        TrainingError: The loss is not finite.
    """
    while state.step < state.total_steps:
        epoch, index = plan.epochs.locate(state.step)
        if index == 0 or state.order is None:
            state.order = plan.order(epoch, state.losses)
        batch = state.order[index * plan.batch_size : (index + 1) * plan.batch_size]
        train_step(plan, state, batch, epoch=epoch)
        yield state.step


def _weights(labels: NDArray[np.int64], *, balanced: bool) -> NDArray[np.float64]:
    """(N,) weights of images with sum 1: uniform, or balanced by class."""
    if not balanced:
        return np.full(len(labels), 1 / max(1, len(labels)))
    counts = np.bincount(labels)
    return 1 / (counts[labels] * np.count_nonzero(counts))
