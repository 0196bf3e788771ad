"""Checksums inside files, so that damage is detected when they are read.

Neither torch archives nor safetensors nor JSON are verified on reading: a flipped bit would change
a weight or a metric.

    JSON (metrics, environment, outcomes, model metadata)   the last key of the object
    YAML (recipes, spaces)                 a comment in the first line
    archives (checkpoints, predictions)    a line at the end, which their readers skip

Files of earlier versions have none and are not checked, except by the CRCs of archives.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from typing import Any, cast

_KEY = "checksum"
_HEAD = re.compile(r"# sha256 ([0-9a-f]{64})\b[^\n]*\n")
_TAIL = re.compile(rb"\nsha256 ([0-9a-f]{64})\n\Z")
_TAIL_BYTES = 73
_MOST_DIGITS = 300
"""Digits of an integer and its sign; a float has up to 308."""
_MOST_UNPACKED = 2**24
"""Bytes that a small archive may unpack to; weights and logits hardly compress."""


class ChangedError(ValueError):
    """The content does not match its checksum."""


def checksum(text: str) -> str:
    """Sixteen hex digits of a text's SHA-256, against corruption rather than forgery."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def dump_json(value: dict[str, Any], *, indent: int | None = None) -> str:
    """Serialise a JSON object with a checksum of the preceding text as its last key.

    Raises:
        ValueError: A number is not finite.
    """
    text = json.dumps({**value, _KEY: ""}, indent=indent, allow_nan=False)
    head, mark, tail = text.rpartition(f'"{_KEY}": "')
    return f"{head}{mark}{checksum(head)}{tail}"


def load_json(text: str | bytes) -> dict[str, Any]:
    """Parse a JSON object, and verify and remove its checksum.

    Raises:
        ChangedError: The checksum does not match.
        ValueError: It is not a JSON object.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8")
    try:
        value = json.loads(text, parse_int=_whole)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("it is not a JSON object")
    found = cast("dict[str, Any]", value)
    written = found.pop(_KEY, None)
    if written is not None and written != checksum(text.rpartition(f'"{_KEY}"')[0]):
        raise ChangedError("its content does not match its checksum")
    return found


def _whole(digits: str) -> int:
    """Parse an integer that fits a float; larger ones break later computations."""
    if len(digits) > _MOST_DIGITS:
        raise ValueError("a number has too many digits")
    return int(digits)


def seal_yaml(text: str) -> str:
    """Prepend the SHA-256 of YAML as a comment."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f"# sha256 {digest} of the lines below; delete this line if you change them\n{text}"


def open_yaml(text: str) -> str:
    """Verify and remove the comment of `seal_yaml`; other YAML is returned unchanged.

    Raises:
        ChangedError: It was truncated or edited.
    """
    head = _HEAD.match(text)
    if not head:
        return text
    lines = text[head.end() :]
    if hashlib.sha256(lines.encode()).hexdigest() != head[1]:
        raise ChangedError(
            "was cut or changed after it was written; restore it, or delete its first line if you "
            "changed it"
        )
    return lines


def seal_archive(content: bytes) -> bytes:
    """Append the SHA-256 of a zip archive as a line."""
    return content + f"\nsha256 {hashlib.sha256(content).hexdigest()}\n".encode()


def open_archive(content: bytes) -> bytes:
    """Verify and remove the digest of `seal_archive`; without one, check the CRCs.

    Raises:
        ChangedError: The digest does not match.
        ValueError: It is not an archive, or its compression ratio is implausible.
    """
    tail = _TAIL.search(content, max(0, len(content) - _TAIL_BYTES))
    if tail:
        content = content[: tail.start()]
        if hashlib.sha256(content).hexdigest().encode() != tail[1]:
            raise ChangedError("its content does not match its SHA-256")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
            if unpacked > _MOST_UNPACKED + 16 * len(content):
                raise ValueError(f"it unpacks to {unpacked:,} bytes")
            damaged = None if tail else archive.testzip()
    # Damaged bytes can raise almost any exception.
    except Exception as fault:
        raise ValueError(f"it is not a complete archive: {fault}") from None
    if damaged:
        raise ChangedError(f"{damaged} does not match its CRC")
    return content
