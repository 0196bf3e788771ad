"""How databases are opened, and how a user may read their addresses."""

from __future__ import annotations

import re
import sqlite3
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sql
from sqlalchemy import event, exc

LOCK_SECONDS = 60
"""How long a write waits for its turn."""
_CONNECT_SECONDS = 10
"""How long a server may take to answer; there is no limit unless one is set."""
_SILENT_SECONDS = 20
"""After how long a connection that no longer answers is given up: a machine was switched off."""

_POSTGRESQL = {"postgres", "postgresql"}
_SECRET_KEYS = {"password", "sslpassword"}


def sqlite_url(path: Path) -> sql.URL:
    """The address of a database in a file, whatever characters its path has."""
    return sql.URL.create("sqlite", database=str(path))


def open_database(url: str | sql.URL) -> sql.Engine:
    """Connections to a database; nothing is opened yet."""
    parsed = sql.make_url(url)
    if parsed.drivername in _POSTGRESQL:
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername == "postgresql+psycopg":
        return _open_postgresql(parsed)
    if parsed.get_backend_name() != "sqlite":
        return sql.create_engine(parsed, pool_pre_ping=True)
    engine = sql.create_engine(parsed, connect_args={"timeout": LOCK_SECONDS})
    event.listen(engine, "connect", _prepare_sqlite)
    return engine


def name_of(url: str | sql.URL) -> str:
    """A database as a user may read it: the file, or the address without its password."""
    try:
        parsed = sql.make_url(url)
    except exc.ArgumentError:
        return re.sub(r"//.*@", "//***@", str(url))
    if parsed.get_backend_name() == "sqlite":
        return str(parsed.database)
    hidden = dict.fromkeys(_SECRET_KEYS & parsed.query.keys(), "***")
    return parsed.update_query_dict(hidden).render_as_string(hide_password=True)


def in_a_file(url: str | None) -> bool:
    """Whether a storage is a file, which one machine alone may write to."""
    return url is None or url.startswith("sqlite")


def in_memory(url: str | sql.URL) -> bool:
    """Whether a storage is one of SQLite's that lives as long as its process and for it alone."""
    try:
        parsed = sql.make_url(url)
    except exc.ArgumentError:
        return False
    name = parsed.database or ""
    return parsed.get_backend_name() == "sqlite" and (not name or ":memory:" in name)


def _open_postgresql(url: sql.URL) -> sql.Engine:
    """Few connections, as there may be a thousand workers, and none that waits for ever."""
    settings: dict[str, Any] = {
        "connect_timeout": _CONNECT_SECONDS,
        "tcp_user_timeout": 1000 * _SILENT_SECONDS,
        "keepalives_idle": _SILENT_SECONDS,
        # The second is for a machine that stops in the middle of a transaction: all wait for it.
        "options": f"-c lock_timeout={LOCK_SECONDS}s "
        f"-c idle_in_transaction_session_timeout={LOCK_SECONDS}s",
    }
    own = {key: value for key, value in settings.items() if key not in url.query}
    return sql.create_engine(url, pool_pre_ping=True, pool_size=1, max_overflow=9, connect_args=own)


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    """Readers do not wait for writers (write-ahead log)."""
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            connection.execute("pragma journal_mode=wal").close()
            return
        except sqlite3.OperationalError as fault:
            # SQLite lets this one statement not wait, while another process makes the database.
            if "locked" not in str(fault) or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
