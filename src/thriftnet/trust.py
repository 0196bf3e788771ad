"""Checks ownership of cached files and of links, and rejects links in run folders."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
import threading
from collections.abc import Generator
from pathlib import Path

from thriftnet.errors import RunError


class _Umask:
    """The umask of the process, which all threads share.

    The first one to tighten it saves it for the last one to restore.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = self._before = 0

    def tighten(self) -> None:
        with self._lock:
            if not self._users:
                self._before = os.umask(0o077)
                os.umask(self._before | 0o022)
            self._users += 1

    def restore(self) -> None:
        with self._lock:
            self._users -= 1
            if not self._users:
                os.umask(self._before)


_UMASK = _Umask()


@contextlib.contextmanager
def for_this_user() -> Generator[None]:
    """Create files and folders of the cache that nobody else can write, whatever the umask.

    With the umask of 000 or 002 that some systems have, `why_distrusted` would refuse them. What
    other threads create meanwhile is no more open either.
    """
    _UMASK.tighten()
    try:
        yield
    finally:
        _UMASK.restore()


def why_distrusted(path: Path, root: Path) -> str | None:
    """Why a file or folder of the cache must not be used; None if it may.

    It and every folder up to `root` must belong to this user or to root and not be writable by
    others, except for folders with the sticky bit, such as /tmp.

    Args:
        path: The file or folder; need not exist.
        root: The cache folder.
    """
    if sys.platform == "win32":
        return None
    real, top = path.resolve(), root.resolve()
    within = [folder for folder in real.parents if folder == top or top in folder.parents]
    for place in (real, *(within or [real.parent])):  # a link may lead outside the cache
        try:
            facts = place.stat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as fault:
            return f"{place} cannot be read ({fault.strerror})"
        if facts.st_uid not in {0, os.geteuid()}:
            return f"{place} belongs to another user"
        sticky = stat.S_ISDIR(facts.st_mode) and facts.st_mode & stat.S_ISVTX
        if facts.st_mode & stat.S_IWOTH and not sticky:
            return f"{place} can be written by anybody"
        if facts.st_mode & stat.S_IWGRP and not sticky and not _is_own_group(facts.st_gid):
            return f"{place} can be written by its group"
    return None


def refuse_planted_link(path: Path) -> None:
    """Refuse another user's link in a folder that anybody can write.

    Linux does so when such a link is opened (`fs.protected_symlinks`); resolving it evades that.

    Raises:
        PermissionError: It is one.
    """
    try:
        facts, folder = path.lstat(), path.parent.stat()
    except OSError:  # reported when it is used
        return
    shared = folder.st_mode & stat.S_ISVTX and folder.st_mode & stat.S_IWOTH
    if sys.platform != "win32" and shared and stat.S_ISLNK(facts.st_mode):
        if facts.st_uid not in {os.geteuid(), folder.st_uid}:
            raise PermissionError(errno.EACCES, "it is a link of another user")


def _is_own_group(number: int) -> bool:
    """Whether a group is this user's private group."""
    import grp
    import pwd

    try:
        user, group = pwd.getpwuid(os.geteuid()), grp.getgrgid(number)
    except KeyError:
        return False
    return (
        number == user.pw_gid
        and group.gr_name == user.pw_name
        and not (set(group.gr_mem) - {user.pw_name})
    )


def refuse_links(folder: Path, *, of: str = "run", levels: int | None = None) -> None:
    """Check that a folder has no links or special files.

    A received folder may contain links, through which files elsewhere would be written or removed,
    and pipes that block forever.

    Args:
        folder: Folder of a run or a study.
        of: What the folder is, such as `run`, for messages.
        levels: Depth of the check; None: all levels.

    Raises:
        RunError: Something is a link or not a regular file; the message names it.
    """
    folders = [(folder, 1)]
    while folders:
        place, level = folders.pop()
        try:
            entries = list(os.scandir(place))
        except OSError:  # reported when it is read
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if level != levels:
                    folders.append((Path(entry.path), level + 1))
            elif not entry.is_file(follow_symlinks=False):
                refuse_link(Path(entry.path), of=of)
                raise _foreign(entry.path, "no ordinary file", of)


def refuse_link(path: Path, *, of: str) -> None:
    """Check that a path is no link.

    Args:
        path: Of a file in a folder that may have been received.
        of: As of `refuse_links`.

    Raises:
        RunError: It is one.
    """
    if path.is_symlink():
        raise _foreign(path, "a link", of)


def _foreign(path: Path | str, what: str, of: str) -> RunError:
    return RunError(
        f"{path} is {what}; {'an' if of == 'audit' else 'a'} {of}'s files have to be its own: "
        "replace it by a copy, or remove it"
    )
