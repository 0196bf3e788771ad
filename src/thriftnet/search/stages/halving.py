"""Successive halving (Jamieson and Talwalkar 2015, arXiv 1502.07943) without waiting for a rung.

A grid is finite, so the size of each rung is known in advance. A candidate is promoted as soon as
no pending result can displace it from its rung's best. The jobs are exactly those of halving rung
by rung, independent of the order of candidates. Promoting the top 1/eta of a rung so far, as in
ASHA (Li et al. 2018, arXiv 1810.05934), would also promote candidates that are overtaken later.

The order of jobs does not depend on timing: the choice of job t uses the results of jobs 0 to
t - lag - 1, and waits for those. The number and speed of workers and their crashes have no
influence. Pure functions.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from thriftnet.search.queue.jobs import Answer


@dataclass(frozen=True)
class RungJob:
    """One job of the halving, with its result."""

    candidate: str
    rung: int
    """Counted from 0."""
    value: float | None = None
    """Larger is better; minus infinity if failed; None while running."""


Boards = list[list[tuple[float, str]]]
"""Per rung, results as (-value, candidate), best first; infinity if failed."""


@dataclass(frozen=True)
class Halving:
    """The constant settings of a halving."""

    candidates: Sequence[str]
    """In starting order."""
    rungs: int
    eta: int
    lag: int

    def next_step(self, steps: Sequence[RungJob]) -> RungJob | Answer:
        """Choose the next job.

        Args:
            steps: All jobs so far, in the order of assignment.
        """
        count = max(0, len(steps) - self.lag)
        if any(step.value is None for step in steps[:count]):
            return Answer.WAIT
        boards = self._boards(steps[:count])
        started = {(step.candidate, step.rung) for step in steps}
        found = self._choose(boards, started)
        # If the visible results leave nothing to do, make one more visible, and so on.
        for step in steps[count:]:
            if found:
                break
            if step.value is None:
                return Answer.WAIT
            insort(boards[step.rung], (-step.value, step.candidate))
            found = self._choose(boards, started)
        return found or self._last_promotion(boards, started) or Answer.DONE

    def _boards(self, steps: Sequence[RungJob]) -> Boards:
        return [
            sorted((-(s.value or 0.0), s.candidate) for s in steps if s.rung == rung)
            for rung in range(self.rungs)
        ]

    def _choose(self, boards: Boards, started: set[tuple[str, int]]) -> RungJob | None:
        """Promote on the highest rung with a certain candidate, else start the next candidate."""
        certain = self._certain(boards)
        for rung in reversed(range(self.rungs - 1)):
            if found := _promotion(boards, rung, certain[rung], started):
                return found
        fresh = (each for each in self.candidates if (each, 0) not in started)
        candidate = next(fresh, None)
        return None if candidate is None else RungJob(candidate, 0)

    def _certain(self, boards: Boards) -> list[int]:
        """Number of each rung's best that are promoted regardless of pending results."""
        sizes = expected_steps(len(self.candidates), self.rungs, self.eta)
        found: list[int] = []
        total = sizes[0]
        for board, (size, places) in zip(boards, pairwise(sizes), strict=False):
            total = min(total, size)
            to_come = max(0, total - len(board))  # an older study may have promoted more
            found.append(max(0, places - to_come))
            total -= len(board) - bisect_left(board, (math.inf, ""))  # failed ones have no result
        return found

    def _last_promotion(self, boards: Boards, started: set[tuple[str, int]]) -> RungJob | None:
        """When all jobs are over: if all promoted failed, promote others to the full horizon."""
        if any(value < math.inf for value, _ in boards[-1]):
            return None
        for rung in reversed(range(self.rungs - 1)):
            if found := _promotion(boards, rung, len(boards[rung]), started):
                return found
        return None


def _promotion(
    boards: Boards, rung: int, count: int, started: set[tuple[str, int]]
) -> RungJob | None:
    """The best of the first `count` of a rung that is not promoted yet."""
    for value, candidate in boards[rung][:count]:
        if value < math.inf and (candidate, rung + 1) not in started:
            return RungJob(candidate, rung + 1)
    return None


def rank(steps: Sequence[RungJob], rung: int) -> list[RungJob]:
    """Candidates of a rung that did not fail, best first; ties by name."""
    own = (step for step in steps if step.rung == rung)
    good = [step for step in own if step.value is not None and step.value > -math.inf]
    return sorted(good, key=lambda step: (-(step.value or 0.0), step.candidate))


def leaderboard(steps: Sequence[RungJob]) -> list[RungJob]:
    """Each candidate's last finished step, by rung, then by value, best first."""
    found: dict[str, RungJob] = {}
    for rung in reversed(range(1 + max((step.rung for step in steps), default=-1))):
        for step in rank(steps, rung):
            found.setdefault(step.candidate, step)
    return list(found.values())


def expected_steps(candidates: int, rungs: int, eta: int) -> list[int]:
    """Number of jobs per rung if none fails."""
    counts = [candidates]
    for _ in range(rungs - 1):
        counts.append(max(1, counts[-1] // eta))
    return counts if candidates else [0] * rungs
