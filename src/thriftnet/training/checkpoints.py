"""Decides when to write a checkpoint."""

from __future__ import annotations

import time

from thriftnet.recipe import Recipe
from thriftnet.runs.folder import RunFolder
from thriftnet.training.setup import Plan
from thriftnet.training.state import TrainingState, training_digest

_SECONDS = 120.0
"""Longest time between two checkpoints."""
_SHARE = 0.005
"""Largest share of the time spent on checkpoints at the end of epochs: at least 200 times the last
duration must have passed. In a search, epochs last seconds and one per epoch would be overhead."""


class Checkpoints:
    """Writes checkpoints at intervals that keep their cost small; in the main process only."""

    def __init__(self, recipe: Recipe, plan: Plan, state: TrainingState, run: RunFolder) -> None:
        self._recipe = training_digest(recipe)
        self._plan = plan
        self._state = state
        self._run = run
        self._last = time.monotonic()
        self._took = 0.0

    def write(self) -> None:
        """Write one now.

        Raises:
            RunError: The disk is full; the previous checkpoint is kept.
        """
        began = time.monotonic()
        if self._plan.processes.is_main:
            known_by = {"recipe": self._recipe, "data": dict(self._plan.data)}
            self._run.save_state({**self._state.to_checkpoint(), **known_by})
        self._last = time.monotonic()
        self._took = self._last - began

    def within_epoch(self) -> None:
        """Write one if the last is older than two minutes."""
        if time.monotonic() - self._last > _SECONDS:
            self.write()

    def after_epoch(self) -> None:
        """Write one if their share of the time allows it."""
        if time.monotonic() - self._last >= self._took / _SHARE:
            self.write()
