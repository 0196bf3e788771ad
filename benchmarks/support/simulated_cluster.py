"""Simulates a cluster: training is a pause, the storage is real.

A few threads, with a connection each, make all workers' calls: a lease renewal per heartbeat, and
`finish` and the next `claim` after each trial, by the search's own halving. Waiting is counted from
the time a call was due, so it includes delays of the threads.
"""

from __future__ import annotations

import contextlib
import heapq
import random
import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from thriftnet.search.queue.jobs import Answer, Candidate, Claim, Decide
from thriftnet.search.queue.storage import Storage
from thriftnet.search.snapshot import StudySnapshot
from thriftnet.search.space import Space
from thriftnet.search.stages import grid

CALLS = ("claim", "beat", "finish")
_PAUSE = 0.5
"""Seconds until a worker asks again after finding no job."""


def lag_for(workers: int) -> int:
    """Lag of choices in jobs, large enough that workers hardly wait for slow ones."""
    return max(8, 4 * workers)


def made_space(*, lag: int) -> Space:
    """A space for so many workers, with dummy candidates."""
    return Space(
        name="simulated",
        base={"name": "simulated"},
        grid={"optim.lr": [0.1]},
        halving={"rungs": [1, 2, 8], "eta": 4, "lag": lag},
    )


def made_snapshot(candidates: int, *, lag: int) -> StudySnapshot:
    """A snapshot of so many identical candidates."""
    digests = [f"{number:012x}" for number in range(candidates)]
    made = {digest: Candidate(digest, {}, parameters=1, macs=1) for digest in digests}
    return StudySnapshot(space=made_space(lag=lag), candidates=made, jobs={})


@dataclass
class _Worker:
    name: str
    decide: Decide
    claim: Claim | None = None


@dataclass
class _Log:
    """Measurements in seconds."""

    waited: dict[str, list[float]] = field(
        default_factory=lambda: {call: list[float]() for call in CALLS}
    )
    """From the due time of a call to its end."""
    finished: int = 0
    without: int = 0
    """Number of claims without a job."""
    refused: int = 0
    """Number of calls for a job of another worker."""


class Cluster:
    """Workers of one stage.

    Args:
        url: Address of an empty database.
        workers: Number of workers.
        candidates: Number in the grid, enough not to run out.
        heartbeat: Seconds.
        threads: Number of threads that make the calls.
        seed: Seed of random durations.
    """

    def __init__(
        self,
        url: str,
        *,
        workers: int,
        candidates: int,
        heartbeat: float = 5.0,
        threads: int = 4,
        seed: int = 0,
    ) -> None:
        snapshot = made_snapshot(candidates, lag=lag_for(workers))
        self.heartbeat = heartbeat
        self.draws = random.Random(seed)
        self.log = _Log()
        self.connections = [
            Storage(url, heartbeat=heartbeat) for _ in range(min(threads, workers + 1))
        ]
        self.workers = [_Worker(f"w{number}", grid.decide(snapshot)) for number in range(workers)]
        # The first leases are long, as renewals start after all workers have jobs.
        with contextlib.closing(Storage(url, heartbeat=600)) as first:
            first.prepare("simulated")
            first.add_candidates(list(snapshot.candidates.values()))
            for worker in self.workers:
                self._claim(worker, first)

    def close(self) -> None:
        """Close all connections."""
        for connection in self.connections:
            connection.close()

    def run(self, *, trial_seconds: float, seconds: float) -> dict[str, Any]:
        """Run the workers for some time, from a steady state.

        Args:
            trial_seconds: Mean length of a job; each is between half and one and a half of it.
            seconds: Duration.

        Returns:
            Calls per second, their waiting times, and the share of time that workers waited.
        """
        self.log = _Log()
        agenda = _Agenda(end=time.monotonic() + seconds)
        for worker in self.workers:
            left = self.draws.random() * trial_seconds
            agenda.add(left if worker.claim else 0.0, "finish" if worker.claim else "claim", worker)
            agenda.add(self.draws.random() * self.heartbeat, "beat", worker)
        began = time.monotonic()
        interval = sys.getswitchinterval()
        sys.setswitchinterval(0.0005)  # else database calls wait for the GIL
        hands = [
            threading.Thread(target=self._work_off, args=(agenda, trial_seconds, connection))
            for connection in self.connections
        ]
        for hand in hands:
            hand.start()
        for hand in hands:
            hand.join()
        sys.setswitchinterval(interval)
        if agenda.fault:
            raise agenda.fault
        return self._figures(time.monotonic() - began, trial_seconds)

    @property
    def count(self) -> int:
        """Number of workers."""
        return len(self.workers)

    def account(self) -> dict[str, int]:
        """Check in the final database that no job was handed out twice or lost."""
        rows = self.connections[0].jobs(grid.NAME)
        handed = Counter((row.job.candidate, row.job.epochs) for row in rows)
        held = {worker.claim.job for worker in self.workers if worker.claim}
        going = {row.job for row in rows if not row.over}
        return {
            "jobs": len(rows),
            "twice": len(rows) - len(handed) + sum(row.attempt > 1 for row in rows),
            "lost": len(going ^ held),
        }

    def _work_off(self, agenda: _Agenda, trial_seconds: float, connection: Storage) -> None:
        try:
            while (entry := agenda.next()) is not None:
                due, call, worker = entry
                if call == "beat":
                    self._beat(worker, connection)
                    self._note("beat", due)
                    agenda.add(self.heartbeat, "beat", worker)
                    continue
                if call == "finish":
                    self._finish(worker, connection)
                    self._note("finish", due)
                    due = time.monotonic()
                got = self._claim(worker, connection)
                self._note("claim", due)
                length = trial_seconds * self.draws.uniform(0.5, 1.5)
                agenda.add(*((length, "finish") if got else (_PAUSE, "claim")), worker)
        except BaseException as fault:
            agenda.fault = fault

    def _note(self, call: str, due: float) -> None:
        self.log.waited[call].append(time.monotonic() - due)

    def _beat(self, worker: _Worker, connection: Storage) -> None:
        claim = worker.claim
        # A job may end between the two, as in a real worker's thread.
        if claim and not connection.renew_lease(claim) and worker.claim is claim:
            self.log.refused += 1

    def _finish(self, worker: _Worker, connection: Storage) -> None:
        claim, worker.claim = worker.claim, None
        assert claim is not None
        done = connection.finish(claim, value=self.draws.random(), seconds=1.0)
        self.log.finished += done
        self.log.refused += not done

    def _claim(self, worker: _Worker, connection: Storage) -> bool:
        found = connection.claim(grid.NAME, worker.decide, worker=worker.name)
        if found is Answer.DONE:
            raise SystemExit("the candidates ran out; give more")
        if isinstance(found, Answer):
            self.log.without += 1
            return False
        worker.claim = found
        return True

    def _figures(self, seconds: float, trial_seconds: float) -> dict[str, Any]:
        waited = self.log.waited
        claims, ends = waited["claim"], waited["finish"]
        a_trial = _mean(claims) + _mean(ends)
        return {
            "workers": self.count,
            "trial_seconds": trial_seconds,
            "seconds": seconds,
            "writes_per_second": sum(map(len, waited.values())) / seconds,
            "claims_per_second": len(claims) / seconds,
            "share_of_time_waited": a_trial / (trial_seconds + a_trial),
            "without_a_job": self.log.without,
            "refused": self.log.refused,
            "calls": {call: _spread(values) for call, values in waited.items()},
        }


class _Agenda:
    """Timed queue for several threads; one thread at a time waits for the next item."""

    def __init__(self, *, end: float) -> None:
        self.fault: BaseException | None = None
        self._end = end
        self._entries: list[tuple[float, int, str, _Worker]] = []
        self._count = 0
        self._turn = threading.Lock()
        self._changed = threading.Condition()

    def add(self, wait: float, call: str, worker: _Worker) -> None:
        """Schedule a call in so many seconds."""
        with self._changed:
            self._count += 1
            heapq.heappush(self._entries, (time.monotonic() + wait, self._count, call, worker))
            self._changed.notify()

    def next(self) -> tuple[float, str, _Worker] | None:
        """Wait for the next call; None at the end."""
        with self._turn, self._changed:
            while self.fault is None and (now := time.monotonic()) < self._end:
                if self._entries and self._entries[0][0] <= now:
                    due, _, call, worker = heapq.heappop(self._entries)
                    return due, call, worker
                ahead = self._entries[0][0] if self._entries else self._end
                self._changed.wait(min(ahead, self._end) - now)
        return None


def _mean(values: Sequence[float]) -> float:
    return statistics.fmean(values) if values else 0.0


def _spread(values: Sequence[float]) -> dict[str, float]:
    """Percentiles in milliseconds."""
    if not values:
        return {"count": 0}
    ordered = sorted(values)
    return {
        "count": len(values),
        "median_ms": 1e3 * statistics.median(ordered),
        "p95_ms": 1e3 * ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))],
        "largest_ms": 1e3 * ordered[-1],
    }
