"""Where things are kept for a user, also for one without a home folder or a name."""

from __future__ import annotations

import contextlib
import getpass
import os
import sys
import tempfile
from pathlib import Path

import platformdirs

from thriftnet.trust import why_distrusted


def cache_folder() -> Path:
    """What can be made or fetched again: `THRIFTNET_CACHE`, else the platform's cache folder.

    Where no home folder is known or it is of no use (a container's user without an entry in passwd,
    a service whose home is /nonexistent), a folder of that user's own among the temporary files.
    """
    chosen = os.environ.get("THRIFTNET_CACHE")
    with contextlib.suppress(RuntimeError):  # no home folder is known
        if chosen:
            return Path(chosen).expanduser()
        folder = platformdirs.user_cache_path("thriftnet")
        if folder.is_absolute() and _can_hold(folder):  # platformdirs may leave `~` as it is
            return folder
    return Path(tempfile.gettempdir()) / f"thriftnet-{os.getuid()}"


def settle_without_home() -> None:
    """Give packages of others what they ask for where there is no home folder or no user name."""
    if sys.platform == "win32":
        return
    try:
        home = Path.home()
    except RuntimeError:
        home = None
    if home is None or not _can_hold(home / ".config" / "matplotlib"):
        cache = cache_folder()
        if why_distrusted(cache, cache):  # somebody took the name that is meant for this user
            cache = Path(tempfile.mkdtemp(prefix="thriftnet-"))
        if home is None:  # MLflow cannot even be imported
            os.environ |= {"HOME": str(cache), "THRIFTNET_CACHE": str(cache)}
        os.environ.setdefault("MPLCONFIGDIR", str(cache / "matplotlib"))
    try:
        getpass.getuser()
    except (KeyError, OSError):  # no entry in passwd; MLflow asks
        os.environ["LOGNAME"] = str(os.getuid())


def _can_hold(folder: Path) -> bool:
    """Whether a folder is there or could be made."""
    # Path.exists raises where a folder may not be entered.
    there = next(each for each in (folder, *folder.parents) if os.path.exists(each))  # noqa: PTH110
    return there == folder or (there.is_dir() and os.access(there, os.W_OK | os.X_OK))
