"""The state of a training, as a checkpoint stores it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from thriftnet.errors import TrainingError
from thriftnet.recipe import Recipe
from thriftnet.runs.checkpoints.counters import check_counters, check_optimisers
from thriftnet.runtime.contention import ContentionMeter
from thriftnet.runtime.usage import UsageMeter
from thriftnet.training.averaging import Average, Interpolation
from thriftnet.training.distributed.replicas import Replicas
from thriftnet.training.progress.step_curve import StepCurve


def training_digest(recipe: Recipe) -> str:
    """Device-independent digest and seed of a recipe, which a checkpoint must match.

    The seed is included because it splits the images into training and validation.
    """
    anywhere = recipe.train.model_copy(update={"device": "auto"})
    return f"{recipe.model_copy(update={'train': anywhere}).digest()} seed {recipe.seed}"


@dataclass
class EpochTotals:
    """Running sums of the current epoch."""

    loss: float = 0.0
    """Sum over images."""
    correct: int = 0
    images: int = 0
    seconds: float = 0.0
    cross_entropy: float = 0.0
    """Sum over images, each against its own label: not smoothed, mixed or weighted."""


@dataclass
class TrainingState:
    """Networks, optimisers and counters. Random draws derive from the step and need no state."""

    model: nn.Module
    optimisers: list[Optimizer]
    average: Average | None
    interpolation: Interpolation | None
    total_steps: int
    """Steps of the whole run; adjusted during training if there is a deadline."""
    losses: Tensor
    """(N,) float32 on the CPU: moving average of each training image's loss; infinite before its
    first visit."""
    visits: Tensor
    """(N,) int64 on the CPU: visits of each training image."""
    order: Tensor | None = None
    """(n,) int64: the order of the current epoch."""
    step: int = 0
    """Steps done, which is the index of the next one."""
    seconds: float = 0.0
    """Seconds of training and validation, before and after resuming."""
    best_accuracy: float = -1.0
    """Best validation accuracy."""
    best_epoch: int = 0
    totals: EpochTotals = field(default_factory=EpochTotals)
    curve: StepCurve = field(default_factory=StepCurve)
    replicas: Replicas = field(init=False)
    """Of `model`; not in checkpoints."""
    contention: ContentionMeter = field(default_factory=ContentionMeter)
    """In the current epoch, since the start or resumption; not in checkpoints."""
    usage: UsageMeter = field(default_factory=UsageMeter)
    """As `contention`."""

    def __post_init__(self) -> None:
        self.replicas = Replicas(self.model)

    @property
    def network(self) -> nn.Module:
        """The network to validate and save: averaged or interpolated if the recipe says so."""
        trained = self.average.model if self.average else self.model
        return self.interpolation.of(trained) if self.interpolation else trained

    @property
    def learning_rate(self) -> float:
        """The learning rate of the first parameter group in the latest step."""
        return self.optimisers[0].param_groups[0]["lr"]

    def find_not_finite(self) -> str | None:
        """The name of a weight that is not finite; None if all are."""
        weights = [*self.model.state_dict().items(), *self.network.state_dict().items()]
        return next((name for name, value in weights if not bool(value.isfinite().all())), None)

    def diverged(self, value: float, *, what: str = "loss") -> TrainingError:
        """The error for a loss that is not finite."""
        return TrainingError(
            f"the {what} became {value} at step {self.step} of {self.total_steps} "
            f"(learning rate {self.learning_rate:.3g}); lower optim.lr or lengthen "
            "schedule.warmup_epochs"
        )

    def to_checkpoint(self) -> dict[str, Any]:
        """Plain containers and tensors, for `torch.save`."""
        return {
            "model": self.model.state_dict(),
            "average": self.average.model.state_dict() if self.average else None,
            "initial": self.interpolation.initial if self.interpolation else None,
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "losses": self.losses,
            "seen": self.visits,
            "order": self.order,
            "step": self.step,
            "total_steps": self.total_steps,
            "seconds": self.seconds,
            "best_accuracy": self.best_accuracy,
            "best_epoch": self.best_epoch,
            "totals": vars(self.totals).copy(),
            "curve": vars(self.curve).copy(),
        }

    def load_checkpoint(self, saved: dict[str, Any]) -> None:
        """Load a checkpoint of the same recipe.

        Raises:
            ValueError, TypeError, KeyError, RuntimeError, AttributeError: It is not of that recipe,
                or holds values that no training wrote.
        """
        check_counters(saved, images=len(self.losses))
        self.model.load_state_dict(saved["model"])
        if self.average:
            self.average.model.load_state_dict(saved["average"])
        if self.interpolation:
            self.interpolation.load(saved["initial"])
        for optimiser, state in zip(self.optimisers, saved["optimisers"], strict=True):
            optimiser.load_state_dict(state)
        check_optimisers(self.optimisers)
        self.losses.copy_(saved["losses"])
        if "seen" in saved:  # earlier versions did not write it; used by alternating flips only
            self.visits.copy_(saved["seen"])
        self.order = saved["order"]
        self.step = saved["step"]
        self.total_steps = saved["total_steps"]
        self.seconds = saved["seconds"]
        self.best_accuracy = saved["best_accuracy"]
        self.best_epoch = saved["best_epoch"]
        # Earlier versions did not sum it: unknown for the current epoch.
        totals: dict[str, Any] = {"cross_entropy": math.nan, **saved["totals"]}
        self.totals = EpochTotals(**totals)
        self.curve = StepCurve(**saved.get("curve", {}))
