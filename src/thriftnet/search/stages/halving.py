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
from dataclasses import dataclass, field
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


class _Seen:
    """The first steps of a search, sorted onto boards: what the next choice need not do again."""

    def __init__(self, rungs: int) -> None:
        self.steps: list[Step] = []
        self.boards: Boards = [[] for _ in range(rungs)]
        self.started: set[tuple[str, int]] = set()
        self.fresh = 0
        """All candidates before this one have started."""

    def add(self, step: Step) -> None:
        """Take in the step after those that were seen."""
        self.steps.append(step)
        self.started.add((step.candidate, step.rung))
        _enter(self.boards, step)


@dataclass(frozen=True)
class Halving:
    """What stays the same from the first job to the last.

    A choice depends on the steps that it is asked with and on nothing else; what is remembered from
    one to the next saves work where the steps begin as they did before.
    """

    candidates: Sequence[str]
    """In the order in which they start."""
    rungs: int
    eta: int
    lag: int
    _memory: list[_Seen] = field(default_factory=lambda: [], compare=False, repr=False)

    def next_step(self, steps: Sequence[Step]) -> Step | Answer:
        """Choose the next job.

        Args:
            steps: All jobs so far, in the order in which they were handed out.
        """
        count = max(0, len(steps) - self.lag)
        seen = self._recall(steps[:count])
        if seen is None:
            return Answer.WAIT
        later = steps[count:]
        started = {(step.candidate, step.rung) for step in later}
        boards = seen.boards
        found = self._choose(boards, seen, started)
        # Where what may be seen leaves nothing to do, one job more is looked at, and so on.
        for step in later:
            if found:
                return found
            if step.value is None:
                return Answer.WAIT
            if boards is seen.boards:
                boards = [[*board] for board in boards]
            _enter(boards, step)
            found = self._choose(boards, seen, started)
        if found:
            return found
        return self._last_promotion(boards, seen.started | started) or Answer.DONE

    def _recall(self, first: Sequence[Step]) -> _Seen | None:
        """The first steps on boards, going on from those of the choice before; none: one runs."""
        seen = self._memory[0] if self._memory else _Seen(self.rungs)
        known = len(seen.steps)
        if seen.steps != [*first[:known]]:
            seen, known = _Seen(self.rungs), 0
        for step in first[known:]:
            if step.value is None:
                return None
            seen.add(step)
        self._memory[:] = [seen]
        return seen

    def _choose(self, boards: Boards, seen: _Seen, started: set[tuple[str, int]]) -> Step | None:
        """Promote on the highest rung that has someone, else start.

        Args:
            boards: What may be looked at.
            seen: The first steps.
            started: What the others started.
        """
        certain = self._certain(boards)
        for rung in reversed(range(self.rungs - 1)):
            found = _promotion(boards, rung, certain[rung], seen.started, started)
            if found:
                return found
        while seen.fresh < len(self.candidates):
            if (self.candidates[seen.fresh], 0) not in seen.started:
                break
            seen.fresh += 1
        for candidate in self.candidates[seen.fresh :]:
            if (candidate, 0) not in started and (candidate, 0) not in seen.started:
                return Step(candidate, 0)
        return None

    def _certain(self, boards: Boards) -> list[int]:
        """How many of each rung's best go on whatever becomes of those still to come to it."""
        sizes = expected_steps(len(self.candidates), self.rungs, self.eta)
        found: list[int] = []
        total = sizes[0]
        for board, (size, places) in zip(boards, pairwise(sizes), strict=False):
            total = min(total, size)
            to_come = max(0, total - len(board))  # an older study may have promoted more
            found.append(max(0, places - to_come))
            total -= len(board) - bisect_left(board, (math.inf, ""))  # who failed never comes
        return found

    def _last_promotion(self, boards: Boards, started: set[tuple[str, int]]) -> Step | None:
        """With all over: take others on where all failed, until one is at the full horizon."""
        if any(value < math.inf for value, _ in boards[-1]):
            return None
        for rung in reversed(range(self.rungs - 1)):
            found = _promotion(boards, rung, len(boards[rung]), started, started)
            if found:
                return found
        return None


def _promotion(
    boards: Boards,
    rung: int,
    count: int,
    seen: set[tuple[str, int]],
    started: set[tuple[str, int]],
) -> Step | None:
    """The best of the first so many of a rung that has not gone on yet, in either set."""
    for value, candidate in boards[rung][:count]:
        step = (candidate, rung + 1)
        if step not in seen and step not in started and value < math.inf:
            return Step(*step)
    return None


def _enter(boards: Boards, step: Step) -> None:
    """Put what came of a step where it belongs."""
    assert step.value is not None
    insort(boards[step.rung], (-step.value, step.candidate))


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
