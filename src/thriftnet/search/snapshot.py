"""A snapshot of a study: candidates, jobs and outcomes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from thriftnet.search.queue.jobs import Candidate, JobRow
from thriftnet.search.space import Space


class StoredCandidates(Mapping[str, Candidate]):
    """A storage's candidates by digest, read again if one is missing.

    Args:
        read: Returns all candidates, in the order in which they were added.
    """

    def __init__(self, read: Callable[[], Sequence[Candidate]]) -> None:
        self._read = read
        self._found = {candidate.digest: candidate for candidate in read()}

    def __getitem__(self, digest: str) -> Candidate:
        if digest not in self._found:
            self._found = {candidate.digest: candidate for candidate in self._read()}
        return self._found[digest]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


@dataclass(frozen=True)
class StudySnapshot:
    """A space, its candidates and the jobs of each stage."""

    space: Space
    candidates: Mapping[str, Candidate]
    """By digest, in the order of addition."""
    jobs: Mapping[str, Sequence[JobRow]]
    """By stage, in the order of assignment."""

    outcomes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    """Outcomes of finished stages."""

    @property
    def competing(self) -> list[Candidate]:
        """The grid's candidates within budget."""
        return [candidate for candidate in self._gridded if not candidate.refused]

    @property
    def over_budget(self) -> int:
        """The grid's candidates over budget."""
        return sum(candidate.refused is not None for candidate in self._gridded)

    @property
    def _gridded(self) -> list[Candidate]:
        return [candidate for candidate in self.candidates.values() if candidate.origin == "grid"]

    def work(self, row: JobRow) -> float:
        """Multiply-accumulates x epochs that a job added to its trial."""
        before = self._before(row)
        epochs = row.job.epochs - (before.job.epochs if before else 0)
        return float(self.candidates[row.job.candidate].macs * epochs)

    def seconds(self, row: JobRow) -> float:
        """Seconds that a job added to its trial; 0 if not finished."""
        if row.seconds is None:
            return 0.0
        before = self._before(row)
        return row.seconds - ((before.seconds or 0.0) if before else 0.0)

    def _before(self, row: JobRow) -> JobRow | None:
        """The job of the same trial at the previous rung."""
        trial = self._trials[row.job.stage, row.job.candidate, row.job.seed]
        lower = [other for other in trial if other.job.epochs < row.job.epochs]
        return max(lower, key=lambda other: other.job.epochs, default=None)

    @cached_property
    def _trials(self) -> dict[tuple[str, str, int], list[JobRow]]:
        """The jobs of each trial."""
        found: dict[tuple[str, str, int], list[JobRow]] = {}
        for stage, rows in self.jobs.items():
            for row in rows:
                found.setdefault((stage, row.job.candidate, row.job.seed), []).append(row)
        return found
