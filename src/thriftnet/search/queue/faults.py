"""Explains database errors to users, and tells which may be temporary."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Generator
from dataclasses import dataclass

from sqlalchemy import exc

from thriftnet.errors import SearchError
from thriftnet.search.queue import database


class StorageUnavailableError(SearchError):
    """The storage is temporarily unavailable."""


@dataclass(frozen=True)
class _Fault:
    mark: str
    """Pattern of the driver's message."""
    text: str
    """Explanation, with `{}` for the storage."""
    passing: bool = False
    """Whether it may be temporary."""


_DAMAGED = "{} is damaged; restore it, or move the study away"
_OTHER_VERSION = "{} was made by another version of thriftnet; begin a new study"

_SQLITE = (
    _Fault("locked", "{} has been locked by another program for LOCK_SECONDS s; end it"),
    _Fault("full", "the disk is full: {} was not written; free some space"),
    _Fault("not a database", _DAMAGED),
    _Fault("malformed", _DAMAGED),
    _Fault("Could not decode", _DAMAGED),
    _Fault(
        "unable to open",
        "{} cannot be opened; check that its folder exists, and the permissions of both",
    ),
    _Fault("disk I/O error", "{} cannot be written; see whether its disk is full or failing"),
    _Fault("readonly", "{} may not be written; check its permissions"),
    _Fault("no such column", _OTHER_VERSION),
    _Fault("no such table", "{} holds no study"),
)

_POSTGRESQL = (
    _Fault("malformed row", _DAMAGED),
    _Fault(
        r"password authentication|no password supplied|pg_hba\.conf|role \".*\" does not exist"
        "|is not permitted to log in",
        "{} refuses the user or the password; check both in --storage (or PGPASSWORD, or .pgpass)",
    ),
    _Fault(
        r"database \".*\" does not exist", "{}: the database does not exist; create it (createdb)"
    ),
    _Fault(
        "permission denied|must be owner",
        "the user of {} may not write there; make it the owner of the database",
    ),
    _Fault(
        "No space left|could not extend file|disk full",
        "the disk of the server is full: {} was not written; free some space there",
    ),
    _Fault("read-only transaction", "{} is a copy that may only be read; give the main server"),
    _Fault(
        "too many clients|connection slots|too many connections",
        "{} has no connection left for this worker; raise its max_connections",
        passing=True,
    ),
    _Fault("lock timeout", "{} has been locked by another program for LOCK_SECONDS s; end it"),
    _Fault(
        "Connection refused|could not translate host|not known|timeout expired|Connection timed out"
        "|No such file or directory|No route to host|is unreachable",
        "no server answers at {}; start it, or check host and port",
        passing=True,
    ),
    _Fault(
        "terminating connection|server closed the connection|starting up|shutting down"
        "|recovery mode|not yet accepting|closed unexpectedly|connection is lost|reset by peer"
        "|could not receive data|could not send data|Broken pipe|connection is closed",
        "the server of {} went away; start it again",
        passing=True,
    ),
    _Fault(r"column .* does not exist", _OTHER_VERSION),
    _Fault(r"relation .* does not exist", "{} holds no study"),
)


def explain(reason: str, where: str) -> SearchError:
    """One line with a remedy for database errors that a user can fix.

    Args:
        reason: The driver's message.
        where: Name of the storage; an address with `://` is PostgreSQL.
    """
    known = _POSTGRESQL if "://" in where else _SQLITE
    fault = next((each for each in known if re.search(each.mark, reason)), None)
    short = " ".join(reason.split())[:200]
    text = fault.text if fault else "the storage {} does not answer"
    text = text.replace("LOCK_SECONDS", f"{database.LOCK_SECONDS:g}").replace("{}", where)
    text += "" if fault else f" ({short})"
    message = f"{text}, and run the same command again: finished trials are kept"
    return StorageUnavailableError(message) if fault and fault.passing else SearchError(message)


def damaged(where: str, reason: str) -> SearchError:
    """The error for a damaged database."""
    return SearchError(f"{_DAMAGED.format(where)} ({reason})")


def unavailable(where: str) -> SearchError:
    """The error for a missing database file."""
    return SearchError(
        f"{where}, the study's database, was deleted or moved; restore it, pass its new place as "
        "--storage URL, or begin another study"
    )


def another_folder(where: str, place: str) -> SearchError:
    """The error for a database of another study folder."""
    return SearchError(
        f"the storage {where} belongs to another study folder ({place}); share that folder between "
        "the machines (by NFS, say) and pass it as --study, or use another database"
    )


@contextlib.contextmanager
def unless_another_was_first() -> Generator[None]:
    """Ignore the error that another process has created the same object first."""
    try:
        yield
    except (exc.IntegrityError, exc.OperationalError, exc.ProgrammingError) as fault:
        raced = any(words in str(fault) for words in ("already exists", "duplicate column"))
        if not raced and not isinstance(fault, exc.IntegrityError):
            raise
