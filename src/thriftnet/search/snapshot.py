"""What a study knows at a moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from thriftnet.search.queue.jobs import Candidate, JobRow
from thriftnet.search.space import Space


class StoredCandidates(Mapping[str, Candidate]):
    """A storage's candidates by digest, read again for one that was added meanwhile.

    Args:
        read: All of them, in the order in which they were added.
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
    """By digest, in the order in which they were added."""
    jobs: Mapping[str, Sequence[JobRow]]
    """By stage, in the order in which they were handed out."""

    outcomes: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: {})
    """By stage, of those that are done."""

    @property
    def competing(self) -> list[Candidate]:
        """The grid's candidates within budget."""
        return [candidate for candidate in self._gridded if not candidate.refused]

    @property
    def over_budget(self) -> int:
        """The grid's candidates that are never trained."""
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
        """Seconds that a job added to its trial; 0 of one that has not finished."""
        if row.seconds is None:
            return 0.0
        before = self._before(row)
        return row.seconds - ((before.seconds or 0.0) if before else 0.0)

    def _before(self, row: JobRow) -> JobRow | None:
        """The job that brought the same trial to its rung before."""
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
