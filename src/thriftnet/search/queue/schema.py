"""The tables of a study's storage, and their rows as values."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sql

from thriftnet.search.queue.jobs import Candidate, Job, JobRow

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
    sql.UniqueConstraint("stage", "candidate", "seed", "epochs"),
    sql.UniqueConstraint("stage", "number"),
)


def to_job_row(row: Any) -> JobRow:
    """A row of the table `jobs`."""
    return JobRow(
        job=Job(row.stage, row.candidate, row.seed, row.epochs),
        number=row.number,
        state=row.state,
        attempt=row.attempt,
        deaths=row.deaths,
        worker=row.worker,
        value=row.value,
        reason=row.reason,
        seconds=row.seconds,
    )


def to_candidate(row: Any) -> Candidate:
    """A row of the table `candidates`."""
    return Candidate(
        digest=row.digest,
        changes=json.loads(row.changes),
        parameters=row.parameters,
        macs=row.macs,
        refused=row.refused,
        reference=row.reference,
        origin=row.origin,
    )


def from_candidate(candidate: Candidate, *, position: int) -> dict[str, Any]:
    """The columns of a candidate."""
    changes = json.dumps(dict(candidate.changes))
    return {**vars(candidate), "changes": changes, "position": position}
