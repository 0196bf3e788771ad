"""The tables of a study's storage, and conversion of their rows.

Each candidate and each job has a checksum over its other columns, verified on reading. Rows of
earlier versions have none. The lease is excluded, as it is renewed every few seconds.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, TypeVar

import sqlalchemy as sql
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import exc

from thriftnet.runs.metrics_log import parse_line
from thriftnet.search.queue.checks import check_row, seal_row
from thriftnet.search.queue.jobs import Candidate, Job, JobRow, State

metadata = sql.MetaData()
study = sql.Table(
    "study",
    metadata,
    sql.Column("id", sql.Integer, primary_key=True),
    sql.Column("space", sql.Text, nullable=False),
    sql.Column("writes", sql.BigInteger, nullable=False),
)
folder = sql.Table(
    "folder",
    metadata,
    sql.Column("id", sql.Integer, primary_key=True),
    sql.Column("identity", sql.String(40), nullable=False),
    sql.Column("place", sql.Text, nullable=False),
)
candidates = sql.Table(
    "candidates",
    metadata,
    sql.Column("digest", sql.String(12), primary_key=True),
    sql.Column("position", sql.Integer, nullable=False),
    sql.Column("changes", sql.Text, nullable=False),
    sql.Column("parameters", sql.BigInteger, nullable=False),
    sql.Column("macs", sql.BigInteger, nullable=False),
    sql.Column("refused", sql.Text),
    sql.Column("reference", sql.Boolean, nullable=False),
    sql.Column("origin", sql.String(40), nullable=False),
    sql.Column("checksum", sql.String(16), nullable=False),
)
jobs = sql.Table(
    "jobs",
    metadata,
    sql.Column("id", sql.Integer, primary_key=True),
    sql.Column("stage", sql.String(40), nullable=False),
    sql.Column("number", sql.Integer, nullable=False),
    sql.Column("candidate", sql.String(12), nullable=False),
    sql.Column("seed", sql.BigInteger, nullable=False),
    sql.Column("epochs", sql.Integer, nullable=False),
    sql.Column("state", sql.String(10), nullable=False),
    sql.Column("attempt", sql.Integer, nullable=False),
    sql.Column("deaths", sql.Integer, nullable=False),
    sql.Column("worker", sql.Text, nullable=False),
    sql.Column("expires", sql.Float, nullable=False),
    sql.Column("value", sql.Float),
    sql.Column("seconds", sql.Float),
    sql.Column("reason", sql.Text),
    sql.Column("checksum", sql.String(16), nullable=False),
    sql.UniqueConstraint("stage", "candidate", "seed", "epochs"),
    sql.UniqueConstraint("stage", "number"),
)


class MalformedRowError(exc.SQLAlchemyError):
    """A row has invalid values."""


_Number = Annotated[int, Field(ge=0, lt=2**63)]
_Finite = Annotated[float, Field(ge=0, lt=1e15, allow_inf_nan=False)]


class _Row(BaseModel):
    model_config = ConfigDict(strict=True, from_attributes=True)


class _StoredJob(_Row):
    stage: str
    candidate: str
    seed: _Number
    epochs: _Number
    number: _Number
    state: State
    attempt: _Number
    deaths: _Number
    worker: str
    value: _Finite | None
    reason: str | None
    seconds: _Finite | None


class _StoredCandidate(_Row):
    digest: str
    changes: str
    parameters: _Number
    macs: _Number
    refused: str | None
    reference: bool
    origin: str


_AnyRow = TypeVar("_AnyRow", bound=_Row)


def _checked(kind: type[_AnyRow], row: Any) -> _AnyRow:
    """Validate a row of a possibly untrusted database.

    Raises:
        MalformedRowError: It is invalid.
    """
    try:
        return kind.model_validate(row)
    except ValidationError as fault:
        first = fault.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise MalformedRowError(f"malformed row: {where}: {first['msg']}") from None


def to_job_row(row: Any) -> JobRow:
    """Convert a row of the table `jobs`.

    Raises:
        MalformedRowError: It is invalid.
        ChangedError: Its checksum does not match.
    """
    check_row(jobs, row._mapping)
    found = _checked(_StoredJob, row)
    return JobRow(
        job=Job(found.stage, found.candidate, found.seed, found.epochs),
        number=found.number,
        state=found.state,
        attempt=found.attempt,
        deaths=found.deaths,
        worker=found.worker,
        value=found.value,
        reason=found.reason,
        seconds=found.seconds,
    )


def to_candidate(row: Any) -> Candidate:
    """Convert a row of the table `candidates`.

    Raises:
        MalformedRowError: It is invalid.
        ChangedError: Its checksum does not match.
    """
    check_row(candidates, row._mapping)
    found = _checked(_StoredCandidate, row)
    changes = parse_line(found.changes)
    if changes is None:
        raise MalformedRowError("malformed row: changes: no JSON object")
    return Candidate(
        digest=found.digest,
        changes=changes,
        parameters=found.parameters,
        macs=found.macs,
        refused=found.refused,
        reference=found.reference,
        origin=found.origin,
    )


def from_candidate(candidate: Candidate, *, position: int) -> dict[str, Any]:
    """The columns of a candidate."""
    changes = json.dumps(dict(candidate.changes))
    return seal_row(candidates, {**vars(candidate), "changes": changes, "position": position})
