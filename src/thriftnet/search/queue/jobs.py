"""The words that stages and storage share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal

State = Literal["running", "released", "finished", "failed"]
OVER: tuple[State, ...] = ("finished", "failed")
"""States that nothing changes any more."""
MOST_DEATHS = 3
"""Deaths of workers that a job is to blame for, at one point of its trial, after which it is given
up: it would take the whole study along."""


@dataclass(frozen=True)
class Candidate:
    """A recipe that competes, or would if it were smaller."""

    digest: str
    """Of its recipe at the grid's horizon: its identity."""
    changes: Mapping[str, Any]
    """Recipe keys in which it differs from the space's base."""
    parameters: int
    """Trainable ones."""
    macs: int
    """Multiply-accumulates of one image of 32x32 pixels."""
    refused: str | None = None
    """Why it is never trained; none: it competes."""
    reference: bool = False
    """Whether it is of the configuration that others are compared with: the space's reference."""
    origin: str = "grid"
    """The stage that made it."""

    @property
    def label(self) -> str:
        """Its changes in a few words, as `blocks 3,5,3,0  channels 64,128,256,512`."""
        return "  ".join(
            f"{key.rsplit('.', 1)[-1]} {_short(value)}" for key, value in self.changes.items()
        )

    def to_json(self) -> dict[str, Any]:
        """Who it is, as every stage's outcome says it."""
        return {
            "candidate": self.digest,
            "label": self.label,
            "reference": self.reference,
            "parameters": self.parameters,
            "macs": self.macs,
        }


@dataclass(frozen=True)
class Job:
    """A trial to bring to a number of epochs; nothing exists twice with the same four."""

    stage: str
    candidate: str
    """Digest."""
    seed: int
    epochs: int


@dataclass(frozen=True)
class Claim:
    """A job in the hands of a worker."""

    id: int
    job: Job
    attempt: int
    worker: str
    silent: bool = False
    """Whether the worker before was taken for dead by its silence alone, and so may live."""


@dataclass(frozen=True)
class JobRow:
    """A job as the storage knows it."""

    job: Job
    number: int
    """In the order in which the stage's jobs were handed out, from 0."""
    state: State
    attempt: int
    """Counted from 1; a number that a worker of an earlier attempt does not have."""
    deaths: int
    """Workers that were seen to die of it, at the point of its trial that `reason` names."""
    worker: str
    value: float | None
    """Validation accuracy in [0, 1]; none unless finished."""
    reason: str | None
    """Why it failed, or was released."""
    seconds: float | None
    """Of training and validating in all, from the trial's first step."""

    @property
    def over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state in OVER

    @property
    def given_up(self) -> bool:
        """Whether the deaths of its workers ended it: it may be tried again."""
        return self.state == "failed" and self.deaths >= MOST_DEATHS


class Answer(Enum):
    """What a stage says instead of a job."""

    WAIT = "wait"
    """There will be something, when a running job is over."""
    DONE = "done"
    """There will be nothing more."""


@dataclass(frozen=True)
class Proposal:
    """A job of a candidate that the stage itself made, which the storage may not know yet."""

    candidate: Candidate
    job: Job
    refused: tuple[Candidate, ...] = ()
    """Those over budget that were suggested before it."""


@dataclass(frozen=True)
class Deferred:
    """A choice that takes long: compute it while the storage is free, then decide again."""

    compute: Callable[[], None]


Decide = Callable[[Sequence[JobRow]], Job | Proposal | Answer | Deferred]
"""From a stage's jobs, in the order of their numbers, to what comes next. Pure."""


def decided(decide: Decide, rows: Sequence[JobRow]) -> Job | Proposal | Answer:
    """What comes next, however long it takes to compute."""
    while isinstance(found := decide(rows), Deferred):
        found.compute()
    return found


def _short(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ",".join(map(_short, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
