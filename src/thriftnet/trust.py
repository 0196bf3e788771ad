"""Checks ownership of cached files, and rejects links in run folders."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

from thriftnet.errors import RunError


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
        of: `run` or `study`, for messages.
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
                what = "a link" if entry.is_symlink() else "no ordinary file"
                raise RunError(
                    f"{entry.path} is {what}; a {of}'s files have to be its own: replace it by "
                    "a copy, or remove it"
                )
