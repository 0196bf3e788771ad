"""The cache of decoded pictures: each is decoded once and memory-mapped afterwards.

A folder per data set, size and fit contains `images.bin`, (N, size, size, 3) uint8, `facts.npz` and
`about.json`, which is written last. Its name has a digest of location and settings, and a digest of
all paths, sizes and modification times: if a picture changes, all are decoded again and the old
folder is removed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from thriftnet.data.cache_lock import filling, full_disk
from thriftnet.data.index import Index, Omission
from thriftnet.data.options import Fit
from thriftnet.data.own.decoded import DecodedPictures, collect, decode_in_memory
from thriftnet.data.picture_formats import decodes_heic
from thriftnet.digests import dump_json, load_json
from thriftnet.errors import DataError
from thriftnet.files import FULL_DISK
from thriftnet.home import cache_folder
from thriftnet.trust import why_distrusted

Choice = tuple[Fit, str]
"""How pictures are made square, and why."""
_VERSION = 2
"""Version of the decoding; a change invalidates the cache."""
_BLOCK_BYTES = 2**24
_PART = ".part"


@dataclass(frozen=True)
class Listed:
    """The pictures of an index, with the key of their decoded form in the cache."""

    index: Index
    content: str
    """From `content_name`."""
    auto: Choice
    """Result of `choose_fit`, stored for `remembered_fit`."""
    given: Path
    """The path that the user gave: two tables in a folder have separate caches."""

    def decoded(self, *, size: int, fit: Fit, say: Callable[[str], None]) -> DecodedPictures:
        """The decoded pictures, from the cache if they are there.

        Args:
            size: Height and width, in pixels.
            fit: How pictures are made square.
            say: Called with one line at a time.

        Raises:
            DataError: The disk is full, or a source is damaged.
        """
        folder = cache_folder() / "pictures"
        place = _place(size=size, fit=fit, given=self.given)
        path = folder / f"{place}-{self.content}"
        if why := _why_distrusted(path):
            say(f"{why}, so the cache is not used; set THRIFTNET_CACHE to a folder of your own")
            return decode_in_memory(self.index, size=size, fit=fit, say=say)
        found = _read(path, size, say)
        if found is not None:
            return found
        with filling(folder, name=f"{place}.lock", what="pictures", say=say) as held:
            if held is None:
                return decode_in_memory(self.index, size=size, fit=fit, say=say)
            found = _read(path, size, say)  # another process may have decoded them
            if found is not None:
                return found
            for stale in folder.glob(f"{place}-*{_PART}"):
                say("an earlier decoding was interrupted; starting it again")
                shutil.rmtree(stale, ignore_errors=True)
            _write(path, self.index, size=size, fit=fit, auto=self.auto, say=say)
            for older in folder.glob(f"{place}-*"):
                if older != path:
                    shutil.rmtree(older, ignore_errors=True)
        found = _read(path, size, say)
        if found is None:
            raise DataError(f"{path} was removed while it was written; start again")
        return found


def content_name(index: Index) -> str:
    """A digest of all paths, sizes and modification times.

    Also of what is decoded: photographs in HEIC are left out until the extra `heic` is installed.
    """
    stamp = index.stamp
    lines = [
        f"\0{path}\0{row}\0{size}\0{changed}"
        for (path, row), *_ in index.entries
        for size, changed in (stamp(path),)
    ]
    text = "".join(lines) + "\0\0heic" * decodes_heic()
    root = os.fsencode(str(index.root.absolute()))
    return hashlib.sha256(root + os.fsencode(text)).hexdigest()[:20]


def remembered_fit(content: str) -> Choice | None:
    """The stored result of `choose_fit` for that content; None if it was never decoded."""
    for path in (cache_folder() / "pictures").glob(f"*-{content}"):
        try:
            if not _why_distrusted(path):
                fit, why = load_json((path / "about.json").read_bytes())["auto"]
                if fit in get_args(Fit):
                    return fit, str(why)
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            continue  # of an earlier version, or damaged
    return None


def _why_distrusted(path: Path) -> str | None:
    """Why a folder of decoded pictures, or a file in it, must not be used; None if it may."""
    places = (path / name for name in ("images.bin", "facts.npz", "about.json"))
    return next((why for each in places if (why := why_distrusted(each, cache_folder()))), None)


def _place(*, size: int, fit: Fit, given: Path) -> str:
    """A digest of the location and the decoding settings."""
    settings = f"{_VERSION}\0{size}\0{fit}\0{os.fspath(given.absolute())}"
    return hashlib.sha256(os.fsencode(settings)).hexdigest()[:20]


def _write(
    path: Path, index: Index, *, size: int, fit: Fit, auto: Choice, say: Callable[[str], None]
) -> None:
    """Decode into a temporary folder, then rename it to `path`."""
    count = len(index.entries)
    needed = count * size * size * 3
    part = path.with_name(path.name + _PART)
    say(f"decoding {count:,} pictures to {size} x {size} pixels, {needed / 1e6:.0f} MB, once")
    try:
        part.mkdir(parents=True)
        if shutil.disk_usage(part).free < needed:
            raise full_disk(path.parent, needed)
        with (part / "images.bin").open("wb") as file:
            facts = collect(index, size=size, fit=fit, say=say, keep=lambda p: file.write(p.data))
            file.flush()
            os.fsync(file.fileno())
        np.savez(part / "facts.npz", **facts.arrays())
        images = np.memmap(part / "images.bin", np.uint8, "r")
        about = {"omissions": facts.omissions, "auto": auto, "sha256": blocks_digest(images)}
        (part / "about.json").write_text(dump_json(about))
        shutil.rmtree(path, ignore_errors=True)
        part.rename(path)
    except OSError as fault:
        if fault.errno in FULL_DISK:
            raise full_disk(path.parent, needed) from None
        raise DataError(f"{path} cannot be written: {fault.strerror}; check the disk") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _read(path: Path, size: int, say: Callable[[str], None]) -> DecodedPictures | None:
    """Read the cache; None if there is none or it is damaged, which is reported."""
    try:
        about = load_json((path / "about.json").read_bytes())
        with (path / "facts.npz").open("rb") as file, np.load(file, allow_pickle=False) as archive:
            facts = dict(archive)
        flat = np.memmap(path / "images.bin", np.uint8, "r").view(np.ndarray)
        if blocks_digest(flat) != about["sha256"]:
            raise ValueError("checksum")
        images = flat.reshape(len(facts["at"]), size, size, 3)
        omissions = [Omission(*omission) for omission in about["omissions"]]
        return DecodedPictures(images, **facts, omissions=omissions)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except Exception as fault:  # damaged bytes can make the readers raise nearly anything
        say(f"{path} is damaged ({fault}); decoding the pictures again")
        return None


def blocks_digest(content: NDArray[np.uint8]) -> str:
    """SHA-256 over the SHA-256 of each block of a flat array, computed in parallel."""
    blocks = [content[at : at + _BLOCK_BYTES] for at in range(0, len(content), _BLOCK_BYTES)]
    with ThreadPoolExecutor() as pool:
        digests = list(pool.map(_sha256, blocks))
    return hashlib.sha256(b"".join(digests)).hexdigest()


def _sha256(block: NDArray[np.uint8]) -> bytes:
    return hashlib.sha256(block.data).digest()
