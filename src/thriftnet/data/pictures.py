"""Finds the pictures in a folder, in natural order."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from thriftnet.data.picture_formats import HEADER_BYTES, begins_like_a_picture, picture_suffixes
from thriftnet.errors import DataError

_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+:)/+", re.IGNORECASE)
_PIECES = re.compile("[0-9]+|[^0-9]+")
_SYSTEM_FOLDERS = {
    "#recycle",
    "$recycle.bin",
    "@eadir",
    "@recycle",
    "__macosx",
    "lost+found",
    "recycler",
    "system volume information",
}
"""Folders of trash, thumbnails and copies that systems create, in lower case."""


def address_of(path: Path) -> str | None:
    """The address on the web or of a store that was given as a path, which has one slash less."""
    text = str(path)
    return _ADDRESS.sub(r"\1//", text, count=1) if _ADDRESS.match(text) else None


def image_files(path: Path | str) -> list[Path]:
    """Returns the image files of a path, as a list; see `walk_images`.

    Raises:
        DataError: as `walk_images`.
    """
    return list(walk_images(path))


def walk_images(path: Path | str) -> Iterator[Path]:
    """Finds the image files of a path lazily.

    Only the names of one folder and its parents are in memory.

    Args:
        path: a file, returned unchanged; or a folder, walked recursively, following links. Pictures
            are recognised by suffix or first bytes, including formats that cannot be decoded, such
            as HEIC, so that reading them gives an explanation. Hidden files and folders, trash and
            thumbnails are skipped.

    Yields:
        Paths in natural order: `2.png` before `10.png`.

    Raises:
        DataError: the path is neither a file nor a folder, or a folder has no images or cannot be
            read.
    """
    path = Path(path)
    if path.is_file():
        yield path
        return
    check_there(path)
    suffixes = picture_suffixes()
    found = False
    for file in _walk(path):
        if file.suffix.lower() in suffixes or has_picture_bytes(file):
            found = True
            yield file
    if not found:
        raise DataError(f"{path} holds no images; give a folder with PNG, JPEG or similar files")


def check_there(*paths: Path) -> None:
    """Check that each path is a file or a folder.

    Raises:
        DataError: One is not.
    """
    for path in paths:
        if path.is_file() or path.is_dir():
            continue
        if (address := address_of(path)) is not None:
            raise DataError(f"{address} is a URL; download the picture and give its file")
        kind = special_kind(path)
        what = f"is {kind}" if kind else "does not exist"
        raise DataError(f"{path} {what}; give an image or a folder of images")


def special_kind(path: Path | str) -> str | None:
    """What a path is that leads to no file and no folder, for messages; None if nothing is there.

    Returns:
        `a broken link`, `a loop of links`, or `a pipe, socket or device`.
    """
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - quicker than a Path, for each picture
    except ValueError:  # a name with a NUL
        return None
    except FileNotFoundError:
        return "a broken link" if os.path.islink(path) else None  # noqa: PTH114
    except OSError as fault:
        return "a loop of links" if fault.errno == errno.ELOOP else None
    return None if stat.S_ISREG(mode) or stat.S_ISDIR(mode) else "a pipe, socket or device"


def _walk(root: Path) -> Iterator[Path]:
    """All files under a folder, except those of the system; each folder once, even with links."""
    seen: set[tuple[int, int]] = set()
    levels = [_listed(root, seen)]
    while levels:
        path, is_folder = next(levels[-1], (None, False))
        if path is None:
            levels.pop()
        elif is_folder:
            levels.append(_listed(path, seen))
        else:
            yield path


def _listed(folder: Path, seen: set[tuple[int, int]]) -> Iterator[tuple[Path, bool]]:
    """Files and folders directly in a folder, and whether each is a folder."""
    try:
        facts = folder.stat()
        if (facts.st_dev, facts.st_ino) in seen:
            return
        seen.add((facts.st_dev, facts.st_ino))
        with os.scandir(folder) as entries:
            names = [(entry.name, is_directory(entry)) for entry in entries]
    except OSError as fault:
        raise DataError(f"{folder}: {fault.strerror}; make it readable or move it away") from None
    names.sort(key=lambda each: (natural_key(each[0]), each[0]))
    for name, is_folder in names:
        if not (is_system_folder(name) if is_folder else name.startswith(".")):
            yield folder / name, is_folder


def is_directory(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder or a link to one; False for a link to itself."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def is_system_folder(folder: str) -> bool:
    """Whether a folder of this name is hidden or created by a system."""
    return folder.startswith(".") or folder.lower() in _SYSTEM_FOLDERS


def has_picture_bytes(path: Path) -> bool:
    """Whether a file has the magic bytes of a picture; False if it cannot be read."""
    try:
        if not path.is_file():  # a pipe would block
            return False
        with path.open("rb") as file:
            return begins_like_a_picture(file.read(HEADER_BYTES))
    except OSError:
        return False


def natural_key(text: str) -> list[tuple[bool, int, str]]:
    """A sort key that orders digits by number, before letters, ignoring case."""
    return [
        (False, int(piece), piece) if piece[0] in "0123456789" else (True, 0, piece.casefold())
        for piece in _PIECES.findall(text)
    ]
