"""Checksums of rows and structural checks of a study's database, as SQLite has none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import sqlalchemy as sql

from thriftnet.digests import ChangedError, checksum

_UNCHECKED = {"id", "expires", "checksum"}
"""Columns excluded from the checksum: a lease is renewed every few seconds."""


def refuse_damage(connection: sql.Connection) -> None:
    """Check the structure of a database file; takes some milliseconds.

    Raises:
        ChangedError: It is damaged. PostgreSQL checks its own.
    """
    if connection.dialect.name == "sqlite":
        found = connection.scalar(sql.text("pragma integrity_check(1)"))
        if found != "ok":
            raise ChangedError(" ".join(str(found).split()))


def refuse_code(connection: sql.Connection) -> None:
    """Check that a database file has only tables.

    Views and triggers of an untrusted file would execute on access.

    Raises:
        ChangedError: It has one.
    """
    if connection.dialect.name == "sqlite":
        query = "select type, name from sqlite_master where type not in ('table', 'index')"
        found = connection.execute(sql.text(query)).first()
        if found is not None:
            raise ChangedError(f"it has the {found.type} {found.name}")


def seal_row(table: sql.Table, values: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a row with their checksum; missing columns are null."""
    content: list[Any] = []
    for column in table.columns:
        value = values.get(column.name)
        if isinstance(value, int) and isinstance(column.type, sql.Float):
            value = float(value)  # as read back from a database
        if column.name not in _UNCHECKED:
            content.append(value)
    return {**values, "checksum": checksum(repr(content))}


def check_row(table: sql.Table, values: Mapping[Any, Any]) -> None:
    """Verify the checksum of a row, if it has one.

    Raises:
        ChangedError: It does not match.
    """
    written = values.get("checksum")
    if written is not None and seal_row(table, values)["checksum"] != written:
        raise ChangedError(f"a row of {table.name} does not match its checksum")


def select_rows(table: sql.Table, *, checked: bool = True) -> sql.Select[Any]:
    """Select all columns of a table, without a checksum if an earlier version wrote it."""
    wanted: list[Any] = [c for c in table.columns if checked or c is not table.c.checksum]
    return cast("sql.Select[Any]", sql.select(*wanted))


def has_checksums(connection: sql.Connection, table: sql.Table) -> bool:
    """Whether the rows of a table have checksums."""
    columns = sql.inspect(connection).get_columns(table.name)
    return any(column["name"] == table.c.checksum.name for column in columns)


def add_checksums(connection: sql.Connection, *tables: sql.Table) -> None:
    """Add checksum columns to tables of an earlier version; existing rows have none."""
    for table in tables:
        if not has_checksums(connection, table):
            connection.execute(sql.text(f"alter table {table.name} add checksum varchar(16)"))
