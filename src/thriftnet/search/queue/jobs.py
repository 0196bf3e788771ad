"""Types shared by stages and storage: candidates, jobs, claims and decisions."""

from __future__ import annotations

import platform
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal

State = Literal["running", "released", "finished", "failed"]
OVER: tuple[State, ...] = ("finished", "failed")
"""Final states."""
MOST_DEATHS = 3
"""Deaths of workers caused by a job, at the same point of its trial, after which it is given up."""


@dataclass(frozen=True)
class Candidate:
    """A recipe in the search, possibly over budget."""

    digest: str
    """Digest of its recipe at the grid's horizon, which identifies it."""
    changes: Mapping[str, Any]
    """Recipe keys in which it differs from the space's base."""
    parameters: int
    """Trainable parameters."""
    macs: int
    """Multiply-accumulates for an image of 32x32 pixels."""
    refused: str | None = None
    """Why it is not trained; None if it is within budget."""
    reference: bool = False
    """Whether it belongs to the space's reference configuration."""
    origin: str = "grid"
    """The stage that created it."""

    @property
    def label(self) -> str:
        """Its changes in short form, as `blocks 3,5,3,0 channels 64,128,256,512`."""
        return "  ".join(
            f"{key.rsplit('.', 1)[-1]} {_short(value)}" for key, value in self.changes.items()
        )

    def to_json(self) -> dict[str, Any]:
        """JSON values that identify it in outcomes."""
        return {
            "candidate": self.digest,
            "label": self.label,
            "reference": self.reference,
            "parameters": self.parameters,
            "macs": self.macs,
        }


@dataclass(frozen=True)
class Job:
    """A trial to train up to a number of epochs; unique by its four fields."""

    stage: str
    candidate: str
    """Digest of the candidate."""
    seed: int
    epochs: int


@dataclass(frozen=True)
class Claim:
    """A job leased to a worker."""

    id: int
    job: Job
    attempt: int
    worker: str
    silent: bool = False
    """Whether the previous worker's lease only expired, so that it may still be alive."""


@dataclass(frozen=True)
class JobRow:
    """A job in the storage."""

    job: Job
    number: int
    """Position in the order of the stage's jobs, from 0."""
    state: State
    attempt: int
    """Counted from 1; distinguishes the claims of earlier workers."""
    deaths: int
    """Deaths of workers caused by it, at the point of its trial given in `reason`."""
    worker: str
    value: float | None
    """Validation accuracy in [0, 1]; None unless finished."""
    reason: str | None
    """Why it failed, or was released."""
    seconds: float | None
    """Seconds of training and validation from the trial's first step."""

    @property
    def over(self) -> bool:
        """Whether its state is final."""
        return self.state in OVER

    @property
    def given_up(self) -> bool:
        """Whether it was given up because its workers died; it can be retried."""
        return self.state == "failed" and self.deaths >= MOST_DEATHS


class Answer(Enum):
    """What a stage returns instead of a job."""

    WAIT = "wait"
    """There will be a job when a running one is over."""
    DONE = "done"
    """There are no more jobs."""


@dataclass(frozen=True)
class Proposal:
    """A job with a new candidate, which may not be in the storage yet."""

    candidate: Candidate
    job: Job
    refused: tuple[Candidate, ...] = ()
    """Candidates over budget that were suggested before it."""


@dataclass(frozen=True)
class Deferred:
    """A slow choice: compute it without holding the storage's lock, then decide again."""

    compute: Callable[[], None]


Decide = Callable[[Sequence[JobRow]], Job | Proposal | Answer | Deferred]
"""Pure function from a stage's jobs, in order, to what comes next."""


def decided(decide: Decide, rows: Sequence[JobRow]) -> Job | Proposal | Answer:
    """What comes next, computing deferred choices."""
    while isinstance(found := decide(rows), Deferred):
        found.compute()
    return found


def new_worker() -> str:
    """A name for a worker, unique across machines."""
    return f"{platform.node()}-{uuid.uuid4().hex[:12]}"


def _short(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ",".join(map(_short, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
