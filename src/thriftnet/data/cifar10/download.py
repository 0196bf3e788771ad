"""A verified and resumable download over HTTPS from the fastest of several mirrors."""

import hashlib
import time
from collections.abc import Callable, Sequence
from http.client import HTTPException
from pathlib import Path
from typing import BinaryIO
from urllib.error import HTTPError

from thriftnet.data.cache_lock import full_disk
from thriftnet.data.cifar10.facts import Archive
from thriftnet.data.cifar10.mirrors import (
    UnsuitableError,
    describe,
    host_of,
    open_range,
    rank_mirrors,
)
from thriftnet.data.fetch.faults import SourceError
from thriftnet.errors import DataError
from thriftnet.files import FULL_DISK

# A transfer that stalls for this long is restarted.
STALL_SECONDS = 5.0
RETRIES = 3  # without a byte gained
CONNECTIONS = 20  # in all
BACKOFF_SECONDS = 0.5
# The rate is judged over windows of this length.
WINDOW_SECONDS = 5.0
_CHUNK_BYTES = 2**18


class SlowMirrorsError(SourceError):
    """No mirror was fast enough for the caller's patience."""


class _TooSlowError(UnsuitableError):
    """The rest would take longer than the caller's patience."""


def fetch_archive(
    archive: Archive,
    mirrors: Sequence[str],
    folder: Path,
    *,
    patience: float | None,
    say: Callable[[str], None],
) -> Path:
    """Downloads into `folder`, resuming the `.part` file of an earlier call.

    Args:
        archive: the file to download; another size or MD5 is rejected.
        mirrors: addresses of identical copies.
        folder: of the `.part` file; the caller ensures that one process at a time uses it.
        patience: longest remaining time in seconds, at the measured rate, before a mirror is
            skipped; None: no limit.
        say: called with the choice of mirrors, skipped ones, and progress.

    Returns:
        The complete, verified file, still under its `.part` name; the caller deletes it.

    Raises:
        SlowMirrorsError: every mirror failed, at least one because it was slow.
        SourceError: every mirror failed.
        DataError: the disk is full or cannot be written. The partial file is kept.
    """
    part = folder / f"{archive.name}.part"
    if _is_complete(part, archive):
        return part
    urls, faults = rank_mirrors(mirrors, archive, say=say)
    slow = False
    while urls:
        url = urls.pop(0)
        resumed = _size(part) > 0
        try:
            _Transfer(url, part, archive, patience=patience, say=say).run()
        except UnsuitableError as fault:
            slow = slow or isinstance(fault, _TooSlowError)
            faults.append(f"{host_of(url)} {fault}")
            say(f"CIFAR-10: {faults[-1]}; skipped")
            continue
        if _is_complete(part, archive):
            return part
        if resumed:
            # Perhaps only the earlier part was corrupt: retry the same mirror once.
            urls.insert(0, url)
            say(f"CIFAR-10: {archive.name} is corrupt; downloading it again")
        else:
            faults.append(f"{host_of(url)} served a file with the wrong MD5")
            say(f"CIFAR-10: {faults[-1]}; skipped")
    raise (SlowMirrorsError if slow else SourceError)("; ".join(faults))


def _is_complete(part: Path, archive: Archive) -> bool:
    """Whether the file is complete; one of full size with a wrong digest is deleted."""
    if _size(part) < archive.size:
        return False
    try:
        with part.open("rb") as file:
            digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
        if digest.hexdigest() == archive.md5:
            return True
        part.unlink()
    except OSError as fault:
        raise DataError(f"{part}: {fault.strerror}; delete it and run again") from None
    return False


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


class _Transfer:
    """One mirror's attempt to complete the file."""

    def __init__(
        self,
        url: str,
        part: Path,
        archive: Archive,
        *,
        patience: float | None,
        say: Callable[[str], None],
    ) -> None:
        self._url, self._part, self._archive = url, part, archive
        self._patience, self._say = patience, say
        self._window = (0.0, 0)  # start of the current window, and bytes then

    def run(self) -> None:
        """Reads until the file has its size.

        Raises:
            UnsuitableError: this mirror is too slow, serves something else, or keeps failing.
        """
        verb = "resuming" if _size(self._part) else "fetching"
        megabytes = self._archive.size / 1e6
        self._say(
            f"CIFAR-10: {verb} {self._archive.name} ({megabytes:.0f} MB) from {host_of(self._url)}"
        )
        barren = 0  # consecutive failures without progress
        for _ in range(CONNECTIONS):
            before = _size(self._part)
            try:
                self._stream(before)
                fault = "closed the connection early"
            except (OSError, HTTPException, ValueError) as error:  # ValueError: an invalid redirect
                fault = describe(error)
                if isinstance(error, HTTPError):
                    error.close()
                    self._check_status(error.code)
            if _size(self._part) >= self._archive.size:
                return
            barren = 0 if _size(self._part) > before else barren + 1
            if barren >= RETRIES:
                raise UnsuitableError(fault)
            time.sleep(BACKOFF_SECONDS * 2**barren)
        raise UnsuitableError(f"dropped the connection {CONNECTIONS} times")

    def _check_status(self, code: int) -> None:
        """Decides whether an HTTP error is worth another try."""
        if code == 416:
            self._part.unlink(missing_ok=True)  # invalid range: start again
        elif code not in (408, 429) and code < 500:
            raise UnsuitableError(f"answered with HTTP {code}")

    def _stream(self, start: int) -> None:
        """Appends what one connection delivers."""
        response, at_start = open_range(self._url, start, self._archive.size, timeout=STALL_SECONDS)
        have = start if at_start else 0
        self._window = (time.monotonic(), have)
        size = self._archive.size
        with response, _open_part(self._part, append=at_start, needed=size) as file:
            while chunk := response.read1(_CHUNK_BYTES):
                have += len(chunk)
                if have > size:
                    raise UnsuitableError("served more than the archive")
                _append(file, chunk, self._part.parent, size)
                self._check_pace(have)

    def _check_pace(self, have: int) -> None:
        """Reports progress once per window, and gives up a mirror that would take too long."""
        began, had = self._window
        elapsed = time.monotonic() - began
        if elapsed < WINDOW_SECONDS:
            return
        rate = (have - had) / elapsed
        self._window = (time.monotonic(), have)
        left = (self._archive.size - have) / rate if rate > 0 else float("inf")
        if self._patience is not None and left > self._patience:
            raise _TooSlowError(f"is slow ({rate / 1e3:.0f} kB/s, {left / 60:.0f} min to go)")
        self._say(
            f"CIFAR-10: {have / 1e6:.0f} of {self._archive.size / 1e6:.0f} MB, "
            f"{rate / 1e6:.1f} MB/s, {left:.0f} s to go"
        )


def _open_part(part: Path, *, append: bool, needed: int) -> BinaryIO:
    try:
        return part.open("ab" if append else "wb", buffering=0)
    except OSError as fault:
        raise _disk_fault(fault, part.parent, needed) from None


def _append(file: BinaryIO, chunk: bytes, folder: Path, needed: int) -> None:
    left = memoryview(chunk)
    try:
        while left:
            left = left[file.write(left) :]
    except OSError as fault:
        raise _disk_fault(fault, folder, needed) from None


def _disk_fault(fault: OSError, folder: Path, needed: int) -> DataError:
    """Converts errors of the disk, which unlike network errors are not retried."""
    if fault.errno in FULL_DISK:
        return full_disk(folder, needed)
    return DataError(
        f"{folder} cannot be written ({fault.strerror}); set THRIFTNET_CACHE to another folder"
    )
