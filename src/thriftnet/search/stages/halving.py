"""Successive halving (Jamieson and Talwalkar 2015, arXiv 1502.07943) without waiting for a rung.

A grid is finite, so that the size of each rung is known before anything trains. A candidate goes on
as soon as nothing that is still to come can push it out of its rung's best: the jobs are those of
halving rung by rung, whatever order candidates start in, and no more. Promoting the top 1/eta of a
rung so far, as ASHA does for candidates without end (Li et al. 2018, arXiv 1810.05934), also
promotes some who are overtaken, in an unlucky order many.

The order of the jobs does not depend on timing either: the choice of job t sees what came of jobs
0 to t - lag - 1 and no more, and waits for those. How many workers there were, how fast each was,
and which of them died plays no part.

Pure functions: no files, no clock.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from thriftnet.search.queue.jobs import Answer


@dataclass(frozen=True)
class Step:
    """One job of the halving, and what came of it."""

    candidate: str
    rung: int
    """Counted from 0."""
    value: float | None = None
    """Larger is better; minus infinity of one that failed; none while it runs."""


Boards = list[list[tuple[float, str]]]
"""For each rung, what came of its jobs: (-value, candidate), best first, infinity for failed."""


@dataclass(frozen=True)
class Halving:
    """What stays the same from the first job to the last."""

    candidates: Sequence[str]
    """In the order in which they start."""
    rungs: int
    eta: int
    lag: int

    def next_step(self, steps: Sequence[Step]) -> Step | Answer:
        """Choose the next job.

        Args:
            steps: All jobs so far, in the order in which they were handed out.
        """
        count = max(0, len(steps) - self.lag)
        if any(step.value is None for step in steps[:count]):
            return Answer.WAIT
        boards = self._boards(steps[:count])
        started = {(step.candidate, step.rung) for step in steps}
        found = self._choose(boards, started)
        # If the visible results leave nothing to do, look at one job more, and so on.
        for step in steps[count:]:
            if found:
                break
            if step.value is None:
                return Answer.WAIT
            insort(boards[step.rung], (-step.value, step.candidate))
            found = self._choose(boards, started)
        return found or self._last_promotion(boards, started) or Answer.DONE

    def _boards(self, steps: Sequence[Step]) -> Boards:
        return [
            sorted((-(s.value or 0.0), s.candidate) for s in steps if s.rung == rung)
            for rung in range(self.rungs)
        ]

    def _choose(self, boards: Boards, started: set[tuple[str, int]]) -> Step | None:
        """Promote on the highest rung that has someone, else start the next candidate."""
        certain = self._certain(boards)
        for rung in reversed(range(self.rungs - 1)):
            if found := _promotion(boards, rung, certain[rung], started):
                return found
        fresh = (each for each in self.candidates if (each, 0) not in started)
        candidate = next(fresh, None)
        return None if candidate is None else Step(candidate, 0)

    def _certain(self, boards: Boards) -> list[int]:
        """How many of each rung's best are promoted whatever results are still to come."""
        sizes = expected_steps(len(self.candidates), self.rungs, self.eta)
        found: list[int] = []
        total = sizes[0]
        for board, (size, places) in zip(boards, pairwise(sizes), strict=False):
            total = min(total, size)
            to_come = max(0, total - len(board))  # an older study may have promoted more
            found.append(max(0, places - to_come))
            total -= len(board) - bisect_left(board, (math.inf, ""))  # failed ones never come
        return found

    def _last_promotion(self, boards: Boards, started: set[tuple[str, int]]) -> Step | None:
        """With all jobs over: promote others if all failed, until one is at the full horizon."""
        if any(value < math.inf for value, _ in boards[-1]):
            return None
        for rung in reversed(range(self.rungs - 1)):
            if found := _promotion(boards, rung, len(boards[rung]), started):
                return found
        return None


def _promotion(boards: Boards, rung: int, count: int, started: set[tuple[str, int]]) -> Step | None:
    """The best among the first `count` of a rung that was not promoted yet."""
    for value, candidate in boards[rung][:count]:
        if value < math.inf and (candidate, rung + 1) not in started:
            return Step(candidate, rung + 1)
    return None


def rank(steps: Sequence[Step], rung: int) -> list[Step]:
    """Those of a rung that did not fail, best first; equal ones in the order of their names."""
    good = [step for step in _on(steps, rung) if step.value is not None and step.value > -math.inf]
    return sorted(good, key=lambda step: (-(step.value or 0.0), step.candidate))


def standings(steps: Sequence[Step]) -> list[Step]:
    """Each candidate's last finished step, best first: a higher rung, then a higher value."""
    found: dict[str, Step] = {}
    for rung in reversed(range(1 + max((step.rung for step in steps), default=-1))):
        for step in rank(steps, rung):
            found.setdefault(step.candidate, step)
    return list(found.values())


def expected_steps(candidates: int, rungs: int, eta: int) -> list[int]:
    """Jobs of each rung, where nobody fails."""
    counts = [candidates]
    for _ in range(rungs - 1):
        counts.append(max(1, counts[-1] // eta))
    return counts if candidates else [0] * rungs


def _on(steps: Sequence[Step], rung: int) -> list[Step]:
    return [step for step in steps if step.rung == rung and step.value is not None]
