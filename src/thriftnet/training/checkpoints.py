"""When a run's checkpoint is written."""

from __future__ import annotations

import time

from thriftnet.recipe import Recipe
from thriftnet.runs.folder import RunFolder
from thriftnet.training.setup import Plan
from thriftnet.training.state import TrainingState, trained_as

_SECONDS = 120.0
"""The longest that a run goes on without one."""
_SHARE = 0.005
"""Of the time, that those at the ends of epochs may take: 200 times what the last one took has to
pass. The epochs of a search last seconds, and one at the end of each would add to its overhead."""


class Checkpoints:
    """Writes where a run stands, as often as is worth its time; the first process alone does."""

    def __init__(self, recipe: Recipe, plan: Plan, state: TrainingState, run: RunFolder) -> None:
        self._recipe = trained_as(recipe)
        self._plan = plan
        self._state = state
        self._run = run
        self._last = time.monotonic()
        self._took = 0.0

    def write(self) -> None:
        """Write one now.

        Raises:
            RunError: The disk is full; the one before stays.
        """
        began = time.monotonic()
        if self._plan.processes.is_main:
            known_by = {"recipe": self._recipe, "data": dict(self._plan.data)}
            self._run.save_state({**self._state.to_checkpoint(), **known_by})
        self._last = time.monotonic()
        self._took = self._last - began

    def within_epoch(self) -> None:
        """Write one if the last is old."""
        if time.monotonic() - self._last > _SECONDS:
            self.write()

    def after_epoch(self) -> None:
        """Write one unless the last is so young that writing would cost more than it saves."""
        if time.monotonic() - self._last >= self._took / _SHARE:
            self.write()
