"""A verified download over HTTPS: the fastest of several mirrors, resumed where it stopped."""

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

# A transfer that stands still for this long is taken up anew.
STALL_SECONDS = 5.0
RETRIES = 3  # without a byte gained
CONNECTIONS = 20  # in all
BACKOFF_SECONDS = 0.5
# The rate is judged over windows of this length.
WINDOW_SECONDS = 5.0
_CHUNK_BYTES = 2**18


class SlowMirrorsError(SourceError):
    """Nothing was fast enough; a call with more patience would get there."""


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
    """Downloads into `folder`, going on with what an earlier call left in its `.part` file.

    Args:
        archive: what is wanted; a file with another size or MD5 is refused.
        mirrors: addresses of identical copies.
        folder: where the `.part` file lies; the caller lets one process at a time in.
        patience: seconds that the rest of the transfer may take at the rate measured before the
            mirror is passed over; None takes any rate.
        say: told what was chosen, what was passed over and why, and of progress.

    Returns:
        The complete, verified file, still under its `.part` name; the caller deletes it.

    Raises:
        SlowMirrorsError: every mirror failed, one of them only by being slow.
        SourceError: every mirror failed.
        DataError: the disk is full or cannot be written. The partial file stays.
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
            # Perhaps only the earlier half was bad: the same mirror may begin again, once.
            urls.insert(0, url)
            say(f"CIFAR-10: {archive.name} is corrupt; downloading it again")
        else:
            faults.append(f"{host_of(url)} served a file with the wrong MD5")
            say(f"CIFAR-10: {faults[-1]}; skipped")
    raise (SlowMirrorsError if slow else SourceError)("; ".join(faults))


def _is_complete(part: Path, archive: Archive) -> bool:
    """Whether the file is whole; one with the full size and the wrong digest is deleted."""
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
        self._window = (0.0, 0)  # when the present window began, and the bytes held then

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
        barren = 0  # failures in a row that brought nothing
        for _ in range(CONNECTIONS):
            before = _size(self._part)
            try:
                self._stream(before)
                fault = "closed the connection early"
            except (OSError, HTTPException, ValueError) as error:  # ValueError: a wrong redirect
                fault = describe(error)
                if isinstance(error, HTTPError):
                    error.close()
                    self._judge_status(error.code)
            if _size(self._part) >= self._archive.size:
                return
            barren = 0 if _size(self._part) > before else barren + 1
            if barren >= RETRIES:
                raise UnsuitableError(fault)
            time.sleep(BACKOFF_SECONDS * 2**barren)
        raise UnsuitableError(f"broke off {CONNECTIONS} times")

    def _judge_status(self, code: int) -> None:
        """Decides whether an HTTP error is worth another try."""
        if code == 416:
            self._part.unlink(missing_ok=True)  # the range asked for is not theirs: begin again
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
        """Tells of progress once a window, and gives up a mirror that would take too long."""
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
    """Keeps faults of the disk apart from faults of the network, which are tried again."""
    if fault.errno in FULL_DISK:
        return full_disk(folder, needed)
    return DataError(
        f"{folder} cannot be written ({fault.strerror}); set THRIFTNET_CACHE to another folder"
    )
