"""Functions of the user's own that a training calls after steps and epochs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from thriftnet.commands import command
from thriftnet.runs.folder import RunFolder
from thriftnet.training.progress.protocol import StepStats

if TYPE_CHECKING:
    from torch import nn


class StopTraining(Exception):  # noqa: N818 - no error
    """Raised by a callback to end the training: it finishes now, with the weights as they are."""


@dataclass(frozen=True)
class EpochStats:
    """A training after an epoch, as `on_epoch` gets it."""

    epoch: int
    """Counted from 1."""
    epochs: int
    """Of the whole training, rounded up."""
    step: int
    """Steps so far."""
    train_loss: float
    """Mean over the images of this epoch as they were trained on, in nats."""
    train_accuracy: float
    """Of the same, in [0, 1]."""
    val_loss: float | None
    """None without validation images."""
    val_accuracy: float | None
    learning_rate: float
    images_per_second: float
    seconds: float
    """Of training so far, earlier sittings included."""
    network: nn.Module
    """As it would be saved now, on the training's device; what a callback changes in it is trained
    on."""


Stats = TypeVar("Stats", StepStats, EpochStats)
OnStep = Callable[[StepStats], object]
OnEpoch = Callable[[EpochStats], object]


class Callbacks:
    """Calls the functions, and keeps an exception until the run is saved.

    Args:
        on_step: Called after every step.
        on_epoch: Called after every epoch, once its line is written.
    """

    def __init__(self, on_step: OnStep | None = None, on_epoch: OnEpoch | None = None) -> None:
        self.on_step, self.on_epoch = on_step, on_epoch
        self.fault: Exception | None = None
        """Exception of a function: it interrupts the training and is then raised again."""
        self.stopped = False
        """Whether one raised `StopTraining`."""

    @property
    def given(self) -> bool:
        """Whether there is a function to call."""
        return self.on_step is not None or self.on_epoch is not None

    def step(self, stats: StepStats) -> None:
        """Call `on_step`."""
        self._call(self.on_step, stats)

    def epoch(self, stats: EpochStats) -> None:
        """Call `on_epoch`."""
        self._call(self.on_epoch, stats)

    def _call(self, function: Callable[[Stats], object] | None, stats: Stats) -> None:
        if function is None or self.fault is not None:
            return
        try:
            function(stats)
        except StopTraining:
            self.stopped = True
        except Exception as fault:
            self.fault = fault

    def raise_fault(self, run: RunFolder, *, finished: bool) -> None:
        """Raise a callback's exception again, with a note about the state of the run."""
        if self.fault is not None:
            kept = "is finished" if finished else "is interrupted; resume it with: "
            again = "" if finished else command("train", "--resume", run.path)
            self.fault.add_note(f"thriftnet: a callback raised this; {run.path} {kept}{again}")
            raise self.fault
