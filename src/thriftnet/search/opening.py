"""Opens the storage of a study: a file in its folder, or a database."""

from __future__ import annotations

import platform
from pathlib import Path

from thriftnet.errors import SearchError
from thriftnet.search.identity import StudyIdentity
from thriftnet.search.queue.faults import damaged, unavailable
from thriftnet.search.queue.storage import Storage


def open_storage(
    path: Path,
    space: str,
    url: str | None,
    *,
    heartbeat: float = 5.0,
    wait_until_available: bool = False,
    read_only: bool = False,
) -> Storage:
    """Open the storage of a study, and check that it belongs to its space and folder.

    Args:
        path: The study folder.
        space: Digest of its space.
        url: Address of its database; None: a file in the folder.
        heartbeat: Seconds between two renewals of a lease.
        wait_until_available: Whether to wait for a database that does not answer at first.
        read_only: Whether to write neither to the folder nor to the database.

    Raises:
        SearchError: The storage belongs to another study, or cannot be used.
    """
    if url is None:
        storage = Storage.in_file(path / "study.db", heartbeat=heartbeat, read_only=read_only)
    else:
        storage = Storage(
            url,
            heartbeat=heartbeat,
            wait_until_available=wait_until_available,
            read_only=read_only,
        )
    try:
        if read_only:
            storage.check(space)
            if url is not None and (identity := StudyIdentity.read(path)):
                storage.check_folder(identity.word)
        elif url is None:
            storage.prepare(space)
        else:
            identity = StudyIdentity(path)
            storage.prepare(space, begun=identity.bound)
            storage.bind(identity.word, f"{platform.node()}:{path.resolve()}")
            identity.bind()
    except BaseException:
        storage.close()
        raise
    return storage


def check_place(path: Path, url: str | None) -> None:
    """Check that a study uses the given storage.

    Args:
        path: The study folder.
        url: Address of a database; None: the file in the folder.

    Raises:
        SearchError: Its jobs are in another storage, or its file is missing or empty.
    """
    file = path / "study.db"
    in_folder = file.is_file()
    if url is not None and in_folder:
        raise SearchError(f"{path} keeps its jobs in its study.db; leave out --storage")
    if url is None and not in_folder and (path / "study.id").is_file():
        raise SearchError(f"{path} keeps its jobs in a database; pass its --storage URL")
    begun = any((path / name).exists() for name in ("trials", "logs", "grid.json"))
    if url is None and not in_folder and begun:
        raise unavailable(str(file))
    if url is None and in_folder and begun and not file.stat().st_size:  # SQLite would begin anew
        raise damaged(str(file), "it is empty")
