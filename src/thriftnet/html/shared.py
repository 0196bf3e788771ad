"""Leaves the folders of this machine out of pages, which people share."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path, PurePath


def without_folders(folders: Iterable[Path] = ()) -> Callable[[object], object]:
    """A function that leaves folders out of the paths in a text; other values stay.

    The current folder is left out, too, and the user's own becomes `~`, so that commands still
    work here. Markup is not changed: figures and scripts name no paths.

    Args:
        folders: Absolute ones; the root is none.
    """
    shown: dict[str, str] = {}
    with contextlib.suppress(RuntimeError):  # no home folder
        shown[str(Path.home())] = f"~{os.sep}"
    shown |= {str(folder): "" for folder in (*folders, Path.cwd())}
    shown = {f"{path}{os.sep}": text for path, text in shown.items() if len(Path(path).parts) > 1}
    if not shown:
        return lambda value: value
    longest = sorted(shown, key=len, reverse=True)
    # Not within a longer path, an address or a picture's bytes.
    pattern = re.compile(rf"(?<![\w/.~+-])(?:{'|'.join(map(re.escape, longest))})")

    def shorten(value: object) -> object:
        if isinstance(value, PurePath):
            value = str(value)
        if type(value) is not str or not any(path in value for path in longest):
            return value
        return pattern.sub(lambda match: shown[match[0]], value)

    return shorten
