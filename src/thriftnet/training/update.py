"""Updates the weights from gradients; sharpness-aware steps would be another `Update`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from thriftnet.recipe.epochs import Epochs
from thriftnet.recipe.sections import TrainSection
from thriftnet.training.sizes import Sizes
from thriftnet.training.state import TrainingState


class Update(Protocol):
    """Updates the weights in a step, and counts the operations of that."""

    def __call__(self, state: TrainingState, gradients: Callable[[], None]) -> None:
        """Take a step.

        Args:
            state: Its weights, optimisers and average are updated.
            gradients: Adds the batch's mean gradient at the current weights to `grad`; may be
                called again at other weights. Losses and visits are those of the first call.
        """
        ...

    def operations(self, sizes: Sizes, epochs: Epochs, steps: int) -> int:
        """Operations of training for the first `steps` steps."""
        ...


@dataclass(frozen=True)
class Descent:
    """One gradient, one step of each optimiser, then the weight average."""

    views: int = 1
    """How often a step sees each image."""

    def __call__(self, state: TrainingState, gradients: Callable[[], None]) -> None:
        """As `Update` says."""
        gradients()
        for optimiser in state.optimisers:
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        if state.average:
            state.average.update(state.model, step=state.step)

    def operations(self, sizes: Sizes, epochs: Epochs, steps: int) -> int:
        """As `Update` says: one forward and backward pass per view of an image."""
        return self.views * sizes.operations(epochs, steps)


UPDATES: dict[str, Callable[[TrainSection], Update]] = {
    "descent": lambda train: Descent(train.views)
}
"""Builders by name. A recipe key that selects one comes with the second entry."""
