"""From gradients to a step: where sharpness-aware steps and the averaging of weights enter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from thriftnet.recipe.sections import TrainSection
from thriftnet.training.epochs import Epochs
from thriftnet.training.sizes import Sizes
from thriftnet.training.state import TrainingState


class Update(Protocol):
    """Moves the weights once in a step, and says what that costs."""

    def __call__(self, state: TrainingState, gradients: Callable[[], None]) -> None:
        """Take a step.

        Args:
            state: Its weights, optimisers and average are moved.
            gradients: Leaves the mean gradient of the batch at the weights as they are in the
                parameters; it may be called again at other weights.
        """
        ...

    def operations(self, sizes: Sizes, epochs: Epochs, steps: int) -> int:
        """Counted operations of training for so many steps, from the first."""
        ...


class Descent:
    """One gradient, one step of each optimiser, and the average after it."""

    def __call__(self, state: TrainingState, gradients: Callable[[], None]) -> None:
        """As `Update` says."""
        gradients()
        for optimiser in state.optimisers:
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        if state.average:
            state.average.update(state.model, step=state.step)

    def operations(self, sizes: Sizes, epochs: Epochs, steps: int) -> int:
        """As `Update` says: each image goes forward and backward once."""
        return sizes.operations(epochs, steps)


UPDATES: dict[str, Callable[[TrainSection], Update]] = {"descent": lambda _: Descent()}
"""What a recipe's training section is made of; its second entry brings the key that names it."""
