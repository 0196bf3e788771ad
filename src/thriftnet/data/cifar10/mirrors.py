"""Ranks mirrors by speed: all are queried at once, with a limit of a few seconds."""

import queue
import re
import threading
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import cast
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from thriftnet.data.cifar10.facts import Archive

ANSWER_SECONDS = 5.0
# Extra time for the others after the first answer.
_COMPARE_SECONDS = 1.0
# Size and duration of a speed sample.
_SAMPLE_BYTES = 2**20
_SAMPLE_SECONDS = 1.0


class UnsuitableError(Exception):
    """A mirror cannot be used; the message says why."""


@dataclass(frozen=True)
class _Answer:
    url: str
    rate: float = 0.0  # bytes a second
    fault: str = ""


def rank_mirrors(
    urls: Sequence[str], archive: Archive, *, say: Callable[[str], None]
) -> tuple[list[str], list[str]]:
    """Requests the start of the archive from all mirrors at once.

    Returns:
        The mirrors that answered, fastest first, and for each other a phrase that says why it is
        skipped. Takes at most `ANSWER_SECONDS`, including name resolution.
    """
    answers: queue.SimpleQueue[_Answer] = queue.SimpleQueue()
    for url in urls:
        # Daemons: name resolution cannot be interrupted and must not delay the exit.
        threading.Thread(target=_ask, args=(url, archive, answers), daemon=True).start()

    began = time.monotonic()
    deadline = began + ANSWER_SECONDS
    received: list[_Answer] = []
    while len(received) < len(urls) and (left := deadline - time.monotonic()) > 0:
        try:
            received.append(answers.get(timeout=left))
        except queue.Empty:
            break
        if received[-1].rate:
            deadline = min(deadline, time.monotonic() + _COMPARE_SECONDS)

    usable = sorted((answer for answer in received if answer.rate), key=lambda a: -a.rate)
    faults = [f"{host_of(answer.url)} {answer.fault}" for answer in received if answer.fault]
    silent = set(urls) - {answer.url for answer in received}
    waited = time.monotonic() - began
    faults += [f"{host_of(url)} did not answer within {waited:.0f} s" for url in sorted(silent)]
    for fault in faults:
        say(f"CIFAR-10: {fault}; skipped")
    return [answer.url for answer in usable], faults


def _ask(url: str, archive: Archive, answers: queue.SimpleQueue[_Answer]) -> None:
    """Puts one answer in the queue: the rate of a short sample, or the fault."""
    try:
        # Longer than the deadline above, which reports who did not answer.
        response, _ = open_range(url, 0, archive.size, timeout=2 * ANSWER_SECONDS)
        with response:
            began = time.monotonic()
            received = 0
            while received < _SAMPLE_BYTES and time.monotonic() - began < _SAMPLE_SECONDS:
                chunk = response.read1(2**16)
                if not chunk:
                    break
                received += len(chunk)
            rate = received / max(time.monotonic() - began, 1e-6)
        answers.put(_Answer(url, rate=rate) if received else _Answer(url, fault="sent nothing"))
    except UnsuitableError as fault:
        answers.put(_Answer(url, fault=str(fault)))
    except (OSError, HTTPException, ValueError) as fault:
        if isinstance(fault, HTTPError):
            fault.close()
        answers.put(_Answer(url, fault=describe(fault)))


def open_range(url: str, start: int, size: int, *, timeout: float) -> tuple[HTTPResponse, bool]:
    """Requests the bytes of a file from `start` on.

    Args:
        url: address of the file.
        start: first byte to request.
        size: expected size of the whole file.
        timeout: seconds to wait for each read.

    Returns:
        The response, and whether it begins at `start` (a server may ignore Range and begin at 0).

    Raises:
        UnsuitableError: the server's file has another size, or the answer begins elsewhere.
        OSError, HTTPException: the connection failed.
    """
    headers = {"User-Agent": "thriftnet"} | ({"Range": f"bytes={start}-"} if start else {})
    request = urllib.request.Request(url, headers=headers)
    response = cast("HTTPResponse", urllib.request.urlopen(request, timeout=timeout))
    if response.status == 206:
        found = re.fullmatch(
            r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", "").strip()
        )
        begins_right = found is not None and found[1] == str(start)
        total = found[2] if found is not None and found[2] != "*" else None
    else:
        begins_right = True
        total = response.headers.get("Content-Length")
    if not begins_right or (total is not None and total.strip() != str(size)):  # text, maybe
        response.close()
        served = "another range" if not begins_right else f"a file of {str(total)[:40]} bytes"
        raise UnsuitableError(f"served {served}, not the archive of {size} bytes")
    return response, response.status == 206 or start == 0


def host_of(url: str) -> str:
    """Returns the host (and port, if any) of an address."""
    return urlsplit(url).netloc


def describe(fault: Exception) -> str:
    """Returns a phrase for a network error, to follow the name of the host."""
    if isinstance(fault, HTTPError):
        return f"answered with HTTP {fault.code}"
    if isinstance(fault, URLError) and isinstance(fault.reason, Exception):
        return describe(fault.reason)
    if isinstance(fault, TimeoutError):
        return "stopped answering"
    text = " ".join(str(fault).split())
    return f"cannot be reached ({text[:100] or type(fault).__name__})"
