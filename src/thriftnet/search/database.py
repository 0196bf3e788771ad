"""How databases are opened, and what their faults mean to a user."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sql
from sqlalchemy import event

LOCK_SECONDS = 60
"""How long a write waits for its turn."""


def sqlite_url(path: Path) -> sql.URL:
    """The address of a database in a file, whatever characters its path has."""
    return sql.URL.create("sqlite", database=str(path))


def open_database(url: str | sql.URL) -> sql.Engine:
    """Connections to a database; nothing is opened yet."""
    parsed = sql.make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return sql.create_engine(parsed, pool_pre_ping=True)
    engine = sql.create_engine(parsed, connect_args={"timeout": LOCK_SECONDS})
    event.listen(engine, "connect", _prepare_sqlite)
    return engine


def name_of(url: str | sql.URL) -> str:
    """A database as a user may read it: the file, or the address without its password."""
    parsed = sql.make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return str(parsed.database)
    return parsed.render_as_string(hide_password=True)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """Readers do not wait for writers (write-ahead log)."""
    connection.execute("pragma journal_mode=wal").close()


def explain(reason: str, where: str) -> str:
    """One line with the remedy for the faults of a database that a user can mend."""
    remedies = {
        "locked": f"{where} has been locked by another program for {LOCK_SECONDS} s; end it",
        "full": f"the disk is full: {where} was not written; free some space",
        "not a database": f"{where} is damaged; restore it, or move the study away",
        "malformed": f"{where} is damaged; restore it, or move the study away",
        "unable to open": f"{where} cannot be opened; check that the folder may be written",
        "readonly": f"{where} may not be written; check its permissions",
        "no such column": f"{where} was made by another version of thriftnet; begin a new study",
        "no such table": f"{where} holds no study",
    }
    found = next((text for mark, text in remedies.items() if mark in reason), None)
    text = found or f"the storage {where} does not answer ({reason.strip()[:200]})"
    return f"{text}, and run the same command again: what was finished is kept"
