"""Asynchronous successive halving (Li et al. 2018, arXiv 1810.05934) that timing cannot change.

ASHA promotes whoever is in the top 1/eta of a rung so far, so that no worker waits for a rung to
fill. Here "so far" is counted in jobs instead of seconds: the choice of job t sees what came of
jobs 0 to t - lag - 1 and no more, and waits for those. The jobs of a search are therefore a
function of the candidates' results alone: how many workers there were, how fast each was, and which
of them died plays no part.

Pure functions: no files, no clock.
"""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass

from thriftnet.search.jobs import Answer


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
        started = {(step.candidate, step.rung) for step in steps}
        boards: Boards = [[] for _ in range(self.rungs)]
        seen = max(0, len(steps) - self.lag)
        for count in range(len(steps) + 1):
            # Where what may be seen leaves nothing to do, one job more is looked at, and so on.
            found = self._choose(boards, started) if count >= seen else None
            if found:
                return found
            if count < len(steps):
                step = steps[count]
                if step.value is None:
                    return Answer.WAIT
                insort(boards[step.rung], (-step.value, step.candidate))
        return self._last_promotion(boards, started) or Answer.DONE

    def _choose(self, boards: Boards, started: set[tuple[str, int]]) -> Step | None:
        """Algorithm 2 of the paper: promote on the highest rung that has someone, else start."""
        for rung in reversed(range(self.rungs - 1)):
            found = _promotion(boards, rung, len(boards[rung]) // self.eta, started)
            if found:
                return found
        for candidate in self.candidates:
            if (candidate, 0) not in started:
                return Step(candidate, 0)
        return None

    def _last_promotion(self, boards: Boards, started: set[tuple[str, int]]) -> Step | None:
        """With all over: take the best on, until someone is at the full horizon."""
        if any(value < math.inf for value, _ in boards[-1]):
            return None
        for rung in reversed(range(self.rungs - 1)):
            found = _promotion(boards, rung, len(boards[rung]), started)
            if found:
                return found
        return None


def _promotion(boards: Boards, rung: int, count: int, started: set[tuple[str, int]]) -> Step | None:
    """The best of the first so many of a rung that has not gone on yet."""
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
    """Jobs of each rung, were every choice made with the whole rung known."""
    counts = [candidates]
    for _ in range(rungs - 1):
        counts.append(max(1, counts[-1] // eta))
    return counts if candidates else [0] * rungs


def _on(steps: Sequence[Step], rung: int) -> list[Step]:
    return [step for step in steps if step.rung == rung and step.value is not None]
