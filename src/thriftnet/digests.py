"""SHA-256 over what a file holds, kept where files of its kind have room for it.

Neither torch's archive nor safetensors nor JSON looks at its own bytes when it is read: a flipped
bit would be another weight or another figure.

    JSON (metrics, environment, outcomes, metadata of models)   the last key of the object
    YAML (recipes, spaces)                 a comment before it, which a cut file keeps
    archives (checkpoints, predictions)    a line after it, which their readers skip

Files of earlier versions have none and are read as they are; the members of an archive have CRCs.
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
"""Of a whole number and its sign; a float holds 308."""
_MOST_UNPACKED = 2**24
"""Bytes that a small archive may unpack to; weights and logits hardly shrink."""


class ChangedError(ValueError):
    """The content is not what was written."""


def checksum(text: str) -> str:
    """Sixteen hex digits of a text: against bits that flip, not against forgery."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def dump_json(value: dict[str, Any], *, indent: int | None = None) -> str:
    """A JSON object whose last key is the checksum of the text before it.

    Raises:
        ValueError: A number is not finite.
    """
    text = json.dumps({**value, _KEY: ""}, indent=indent, allow_nan=False)
    head, mark, tail = text.rpartition(f'"{_KEY}": "')
    return f"{head}{mark}{checksum(head)}{tail}"


def load_json(text: str | bytes) -> dict[str, Any]:
    """A JSON object without its checksum.

    Raises:
        ChangedError: It is not what was written.
        ValueError: It is no JSON object.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8")
    value = json.loads(text, parse_int=_whole)
    if not isinstance(value, dict):
        raise ValueError("it is no JSON object")
    found = cast("dict[str, Any]", value)
    written = found.pop(_KEY, None)
    if written is not None and written != checksum(text.rpartition(f'"{_KEY}"')[0]):
        raise ChangedError("its content does not match its checksum")
    return found


def _whole(digits: str) -> int:
    """A whole number that a float can hold: others end whatever computes with them."""
    if len(digits) > _MOST_DIGITS:
        raise ValueError("a number has too many digits")
    return int(digits)


def seal_yaml(text: str) -> str:
    """YAML with the SHA-256 of its lines in a comment before them."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f"# sha256 {digest} of the lines below; delete this line if you change them\n{text}"


def open_yaml(text: str) -> str:
    """YAML without the comment that `seal_yaml` put before it; of other YAML, all.

    Raises:
        ChangedError: It was cut or changed.
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
    """A zip archive with the SHA-256 of its bytes in a line after it."""
    return content + f"\nsha256 {hashlib.sha256(content).hexdigest()}\n".encode()


def open_archive(content: bytes) -> bytes:
    """The archive that `seal_archive` was given; one without a digest is checked by its CRCs.

    Raises:
        ChangedError: It is not what was written.
        ValueError: It is no archive, or it unpacks to far more than it holds.
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
    # Damaged bytes can make the reader raise nearly anything.
    except Exception as fault:
        raise ValueError(f"it is no whole archive: {fault}") from None
    if damaged:
        raise ChangedError(f"{damaged} does not match its CRC")
    return content
