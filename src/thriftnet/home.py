"""The cache folder, and settings for users without a home folder or a name."""

from __future__ import annotations

import contextlib
import getpass
import os
import sys
import tempfile
from pathlib import Path

import platformdirs

from thriftnet.trust import for_this_user, why_distrusted


def cache_folder() -> Path:
    """The cache folder: `THRIFTNET_CACHE`, else the platform's cache folder.

    Without a usable home folder (a container's user without an entry in passwd, a service whose
    home is /nonexistent), a folder of the user among the temporary files, which Windows has for
    each user anyway.
    """
    chosen = os.environ.get("THRIFTNET_CACHE")
    with contextlib.suppress(RuntimeError):  # no home folder
        if chosen:
            return Path(chosen).expanduser()
        folder = platformdirs.user_cache_path("thriftnet")
        if folder.is_absolute() and _can_hold(folder):  # platformdirs may leave `~` as it is
            return folder
    name = "thriftnet" if sys.platform == "win32" else f"thriftnet-{os.getuid()}"
    return Path(tempfile.gettempdir()) / name


def settle_without_home() -> None:
    """Set environment variables for other packages if there is no home folder or user name."""
    if sys.platform == "win32":
        return
    try:
        home = Path.home()
    except RuntimeError:
        home = None
    if home is None or not _can_hold(home / ".config" / "matplotlib"):
        cache = cache_folder()
        if why_distrusted(cache, cache):  # created by somebody else
            cache = Path(tempfile.mkdtemp(prefix="thriftnet-"))
        with contextlib.suppress(OSError), for_this_user():
            cache.mkdir(parents=True, exist_ok=True)
        if home is None:  # MLflow cannot even be imported
            os.environ |= {"HOME": str(cache), "THRIFTNET_CACHE": str(cache)}
        os.environ.setdefault("MPLCONFIGDIR", str(cache / "matplotlib"))
    try:
        getpass.getuser()
    except (KeyError, OSError):  # no entry in passwd; MLflow asks
        os.environ["LOGNAME"] = str(os.getuid())


def _can_hold(folder: Path) -> bool:
    """Whether a folder exists or can be created."""
    # Path.exists raises for folders without permission.
    there = next(each for each in (folder, *folder.parents) if os.path.exists(each))  # noqa: PTH110
    return there == folder or (there.is_dir() and os.access(there, os.W_OK | os.X_OK))
