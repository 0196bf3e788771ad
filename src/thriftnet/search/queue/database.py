"""Opens databases, and formats their addresses for messages."""

from __future__ import annotations

import contextlib
import re
import shutil
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sql
from sqlalchemy import event, exc

from thriftnet.files import create_empty

LOCK_SECONDS = 60
"""Longest wait of a write for the lock."""
_CONNECT_SECONDS = 10
"""Timeout for connecting to a server; the default is unlimited."""
_SILENT_SECONDS = 20
"""Timeout for a connection that no longer answers."""

_POSTGRESQL = {"postgres", "postgresql"}
_SECRET_KEYS = {"password", "sslpassword"}


def sqlite_url(path: Path) -> sql.URL:
    """The URL of a database file, with its path escaped."""
    return sql.URL.create("sqlite", database=str(path))


def open_database(url: str | sql.URL, *, read_only: bool = False) -> sql.Engine:
    """Create an engine for a database; nothing is opened yet.

    Args:
        url: Its address.
        read_only: Whether to open a file without writing, even in a read-only folder.
    """
    parsed = sql.make_url(url)
    if parsed.drivername in _POSTGRESQL:
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername == "postgresql+psycopg":
        return _open_postgresql(parsed)
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise exc.ArgumentError("only SQLite and PostgreSQL are tested")
    if read_only and (path := file_of(parsed)):
        return sql.create_engine(parsed, creator=lambda: _read_sqlite(path), poolclass=sql.NullPool)
    if path := file_of(parsed):
        create_empty(path)
    engine = sql.create_engine(parsed, connect_args={"timeout": LOCK_SECONDS})
    event.listen(engine, "connect", _prepare_sqlite)
    return engine


def name_of(url: str | sql.URL) -> str:
    """Name of a database for messages: the file, or the address without its password."""
    try:
        parsed = sql.make_url(url)
    except exc.ArgumentError:
        return re.sub(r"//.*@", "//***@", str(url))
    if parsed.get_backend_name() == "sqlite":
        return str(parsed.database)
    hidden = dict.fromkeys(_SECRET_KEYS & parsed.query.keys(), "***")
    return parsed.update_query_dict(hidden).render_as_string(hide_password=True)


def file_of(url: str | sql.URL) -> Path | None:
    """The file of an SQLite database."""
    try:
        parsed = sql.make_url(url)
    except exc.ArgumentError:
        return None
    is_file = parsed.get_backend_name() == "sqlite" and parsed.database and not in_memory(parsed)
    return Path(parsed.database or "") if is_file else None


def in_a_file(url: str | None) -> bool:
    """Whether a storage is a file, which only one machine may use."""
    return url is None or url.startswith("sqlite")


def in_memory(url: str | sql.URL) -> bool:
    """Whether a storage is an in-memory SQLite database."""
    try:
        parsed = sql.make_url(url)
    except exc.ArgumentError:
        return False
    name = parsed.database or ""
    return parsed.get_backend_name() == "sqlite" and (not name or ":memory:" in name)


def _open_postgresql(url: sql.URL) -> sql.Engine:
    """Few connections, as there may be a thousand workers, with timeouts."""
    settings: dict[str, Any] = {
        "connect_timeout": _CONNECT_SECONDS,
        "tcp_user_timeout": 1000 * _SILENT_SECONDS,
        "keepalives_idle": _SILENT_SECONDS,
        # The second is for a machine that stops within a transaction, which blocks all.
        "options": f"-c lock_timeout={LOCK_SECONDS}s "
        f"-c idle_in_transaction_session_timeout={LOCK_SECONDS}s",
    }
    own = {key: value for key, value in settings.items() if key not in url.query}
    return sql.create_engine(url, pool_pre_ping=True, pool_size=1, max_overflow=9, connect_args=own)


def _read_sqlite(path: Path) -> sqlite3.Connection:
    """A read-only connection.

    Reading a write-ahead log requires a writable index file; if that is impossible, a copy of the
    database and its log is read.
    """
    address = f"{path.absolute().as_uri()}?mode=ro"
    found = sqlite3.connect(address, uri=True, timeout=LOCK_SECONDS, check_same_thread=False)
    try:
        found.execute("select count(*) from sqlite_master").fetchone()
        return found
    except sqlite3.OperationalError:
        found.close()
        if not path.is_file():
            raise
    except BaseException:
        found.close()
        raise
    try:
        return _read_copy(path)
    except OSError as fault:
        raise sqlite3.OperationalError(f"unable to open: {fault.strerror}") from None


def _read_copy(path: Path) -> sqlite3.Connection:
    with contextlib.ExitStack() as unless_copied, tempfile.TemporaryDirectory() as folder:
        found = sqlite3.connect(":memory:", check_same_thread=False)
        unless_copied.callback(found.close)
        for file in (path, path.with_name(f"{path.name}-wal")):
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(file, Path(folder) / file.name)
        with contextlib.closing(sqlite3.connect(Path(folder) / path.name)) as copy:
            copy.backup(found)
        unless_copied.pop_all()
    return found


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    """Enable the write-ahead log, so that readers do not wait for writers.

    With it, `synchronous=normal` syncs now and then instead of with every transaction: a power cut
    may undo the latest ones, and the search then repeats the same choices (`Storage.flush`).
    """
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            connection.execute("pragma journal_mode=wal").close()
            connection.execute("pragma synchronous=normal").close()
            return
        except sqlite3.OperationalError as fault:
            # SQLite does not wait in this statement while another process creates the database.
            if "locked" not in str(fault) or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
