"""Whose files these are: a cache that others can write is not used, a run's files are its own."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

from thriftnet.errors import RunError


def why_distrusted(path: Path, root: Path) -> str | None:
    """Why a file or folder of the cache is not to be used; none where it may be.

    It and every folder up to `root` have to belong to this user or to root, and nobody else may
    write there. A folder with the sticky bit, such as /tmp, lets nobody replace what is not theirs.

    Args:
        path: What is to be read, loaded or written; what does not exist yet is nobody's.
        root: The cache.
    """
    if sys.platform == "win32":
        return None
    real, top = path.resolve(), root.resolve()
    within = [folder for folder in real.parents if folder == top or top in folder.parents]
    for place in (real, *(within or [real.parent])):  # a link may lead out of the cache
        try:
            facts = place.stat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as fault:
            return f"{place} cannot be looked at ({fault.strerror})"
        if facts.st_uid not in {0, os.geteuid()}:
            return f"{place} belongs to another user"
        sticky = stat.S_ISDIR(facts.st_mode) and facts.st_mode & stat.S_ISVTX
        if facts.st_mode & stat.S_IWOTH and not sticky:
            return f"{place} can be written by anybody"
        if facts.st_mode & stat.S_IWGRP and not sticky and not _is_own_group(facts.st_gid):
            return f"{place} can be written by its group"
    return None


def _is_own_group(number: int) -> bool:
    """Whether a group has one user alone and that is this one, as many systems give each user."""
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
    """See that a folder and those in it hold files of their own.

    What was received may hold links, and pipes that are waited on for ever: writing or removing
    through a link would reach a file of the user's.

    Args:
        folder: Of a run or a study.
        of: Which of them.
        levels: How many levels of folders are looked into; none: all.

    Raises:
        RunError: Something is a link or no file; the message names it.
    """
    folders = [(folder, 1)]
    while folders:
        place, level = folders.pop()
        try:
            entries = list(os.scandir(place))
        except OSError:  # to be told by whoever reads there
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
