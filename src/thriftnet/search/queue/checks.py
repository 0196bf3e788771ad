"""Whether a study's database is what was written: SQLite looks at no content when it reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import sqlalchemy as sql

from thriftnet.digests import ChangedError, checksum

_UNTOLD = {"id", "expires", "checksum"}
"""Columns that a checksum says nothing of: a lease is renewed every few seconds."""


def refuse_damage(connection: sql.Connection) -> None:
    """See that a database in a file holds all of its rows; some milliseconds.

    Raises:
        ChangedError: Its structure is damaged. PostgreSQL looks after its own.
    """
    if connection.dialect.name == "sqlite":
        found = connection.scalar(sql.text("pragma integrity_check(1)"))
        if found != "ok":
            raise ChangedError(" ".join(str(found).split()))


def refuse_code(connection: sql.Connection) -> None:
    """See that a database in a file has tables alone.

    Views and triggers run what a stranger wrote whenever a table is read or written.

    Raises:
        ChangedError: It has one; none of ours does.
    """
    if connection.dialect.name == "sqlite":
        query = "select type, name from sqlite_master where type not in ('table', 'index')"
        found = connection.execute(sql.text(query)).first()
        if found is not None:
            raise ChangedError(f"it has the {found.type} {found.name}")


def seal_row(table: sql.Table, values: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a row with their checksum; columns that are not named are null."""
    told: list[Any] = []
    for column in table.columns:
        value = values.get(column.name)
        if isinstance(value, int) and isinstance(column.type, sql.Float):
            value = float(value)  # as a database gives it back
        if column.name not in _UNTOLD:
            told.append(value)
    return {**values, "checksum": checksum(repr(told))}


def check_row(table: sql.Table, values: Mapping[Any, Any]) -> None:
    """See that a row is what was written; one of an earlier version has no checksum.

    Raises:
        ChangedError: It is not.
    """
    written = values.get("checksum")
    if written is not None and seal_row(table, values)["checksum"] != written:
        raise ChangedError(f"a row of {table.name} does not match its checksum")


def select_rows(table: sql.Table, *, checked: bool = True) -> sql.Select[Any]:
    """All columns of a table; without the checksum, which one of an earlier version lacks."""
    wanted: list[Any] = [c for c in table.columns if checked or c is not table.c.checksum]
    return cast("sql.Select[Any]", sql.select(*wanted))


def has_checksums(connection: sql.Connection, table: sql.Table) -> bool:
    """Whether the rows of a table have checksums."""
    columns = sql.inspect(connection).get_columns(table.name)
    return any(column["name"] == table.c.checksum.name for column in columns)


def add_checksums(connection: sql.Connection, *tables: sql.Table) -> None:
    """Make room for checksums in tables of an earlier version; their rows stay without."""
    for table in tables:
        if not has_checksums(connection, table):
            connection.execute(sql.text(f"alter table {table.name} add checksum varchar(16)"))
