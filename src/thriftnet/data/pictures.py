"""Which files of a folder are pictures."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from thriftnet.data.picture_formats import HEADER_BYTES, begins_like_a_picture, picture_suffixes
from thriftnet.errors import DataError

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
"""In lower case: trash, thumbnails and copies that a system keeps and nobody means."""


def image_files(path: Path | str) -> list[Path]:
    """Returns the image files a path stands for.

    Args:
        path: a file, returned as it is; or a folder, walked to the bottom, through links too.
            A picture is told by the end of its name or by its first bytes; one that cannot be
            decoded here, such as HEIC, is among them, as reading it says what to do. Hidden files
            and folders, trash and thumbnails are left out.

    Returns:
        Paths in natural order: `2.png` before `10.png`.

    Raises:
        DataError: the path does not exist or is neither, or a folder holds no images or cannot be
            read.
    """
    path = Path(path)
    if path.is_file():
        return [path]
    if not path.is_dir():
        what = "is neither a file nor a folder" if path.exists() else "does not exist"
        raise DataError(f"{path} {what}; give an image or a folder of images")
    suffixes = picture_suffixes()
    found = [
        file for file in _walk(path) if file.suffix.lower() in suffixes or has_picture_bytes(file)
    ]
    if not found:
        raise DataError(f"{path} holds no images; give a folder with PNG, JPEG or similar files")
    return sorted(found, key=lambda file: [natural_key(part) for part in file.parts])


def _walk(path: Path) -> Iterator[Path]:
    """All files under a folder that somebody put there; each folder once, whatever links say."""

    def refuse(fault: OSError) -> None:
        raise DataError(f"{fault.filename}: {fault.strerror}; make it readable or move it away")

    seen: set[tuple[int, int]] = set()
    for folder, below, names in os.walk(path, onerror=refuse, followlinks=True):
        found = Path(folder).stat()
        if (found.st_dev, found.st_ino) in seen:
            below.clear()
            continue
        seen.add((found.st_dev, found.st_ino))
        below[:] = sorted(name for name in below if not is_system_folder(name))
        yield from (Path(folder) / name for name in names if not name.startswith("."))


def is_system_folder(folder: str) -> bool:
    """Whether a folder of this name is hidden, or one that a system keeps and nobody means."""
    return folder.startswith(".") or folder.lower() in _SYSTEM_FOLDERS


def has_picture_bytes(path: Path) -> bool:
    """Whether a file's content is a picture's; what cannot be looked into is none."""
    try:
        if not path.is_file():  # a pipe would be waited for
            return False
        with path.open("rb") as file:
            return begins_like_a_picture(file.read(HEADER_BYTES))
    except OSError:
        return False


def natural_key(text: str) -> list[tuple[bool, int, str]]:
    """A key that sorts digits by the number they make, before letters, whatever their case."""
    pieces = re.findall(r"[0-9]+|[^0-9]+", text)
    return [
        (False, int(piece), piece) if piece[0] in "0123456789" else (True, 0, piece.casefold())
        for piece in pieces
    ]
