"""The log of the authors' final run, epoch by epoch, as they published it."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from thriftnet.optim.schedules import build_schedule
from thriftnet.recipe import load_recipe


@dataclass(frozen=True)
class AuthorsLog:
    """Columns of the log; each has a value an epoch."""

    train_loss: tuple[float, ...]
    test_loss: tuple[float, ...]
    train_accuracy: tuple[float, ...]
    test_accuracy: tuple[float, ...]
    learning_rate: tuple[float, ...]
    """Read after the schedules were moved on: the rate of the epoch to come."""

    @property
    def epochs(self) -> int:
        """Of the run."""
        return len(self.learning_rate)

    @property
    def best_test_accuracy(self) -> float:
        """Of all epochs; choosing it is the leak."""
        return max(self.test_accuracy)

    @property
    def last_rate_share(self) -> float:
        """The last learning rate, as a share of the peak."""
        return self.learning_rate[-1] / max(self.learning_rate)

    @property
    def floor(self) -> float:
        """The least rate of the paper's formula, as a share of the peak."""
        return load_recipe("paper").schedule.floor

    @property
    def schedule_gap(self) -> float:
        """Largest difference of the logged rate from the formula's, as a share of the peak."""
        formula = scheduled_rates("paper", epochs=self.epochs)[1:]
        gaps = [abs(a - b) for a, b in zip(self.learning_rate, formula, strict=True)]
        return max(gaps) / max(self.learning_rate)


def scheduled_rates(recipe: str, *, epochs: int) -> list[float]:
    """A recipe's learning rate after 0, 1, … epochs."""
    loaded = load_recipe(recipe)
    schedule = build_schedule(steps_per_epoch=1, **loaded.schedule.model_dump())
    return [loaded.optim.lr * schedule(epoch, epochs) for epoch in range(epochs + 1)]


@cache
def read_authors_log() -> AuthorsLog:
    """The log that comes with the package."""
    text = (Path(__file__).parent / "authors-log.csv").read_text("utf-8")
    rows = list(csv.DictReader(text.splitlines()))

    def column(name: str) -> tuple[float, ...]:
        return tuple(float(row[name]) for row in rows)

    names = ("train_loss", "test_loss", "train_accuracy", "test_accuracy", "learning_rate")
    return AuthorsLog(*map(column, names))
