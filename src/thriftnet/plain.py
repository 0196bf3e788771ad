"""Removes control characters from untrusted text before it reaches a terminal or a page."""

from __future__ import annotations

import re
import sys

from thriftnet.wrapping import width_of, wrapped

_HARMFUL = (
    "\x00-\x1f\x7f-\x9f"  # C0 and C1: escape sequences, carriage returns
    "\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff"  # direction, and what has no width
    "\u2028\u2029\ufff9-\ufffb\U000e0000-\U000e0fff\ud800-\udfff"
)
"""Joiners (U+200C, U+200D) are allowed: emoji and several scripts need them."""
_MARKUP = re.compile(r"[\\`*_\[\]<>&|~!$]")
"""What begins markup within a line of Markdown, and loses its meaning after a backslash."""
_IN_A_LINE = re.compile(f"[{_HARMFUL}]")
_IN_A_TEXT = re.compile(rf"(?![\n\t])[{_HARMFUL}]")


def plain(text: str) -> str:
    """Replace control characters, escape sequences and direction marks in a line."""
    return _IN_A_LINE.sub("�", text)


def plain_lines(text: str) -> str:
    """As `plain`, keeping line breaks and tabs."""
    return _IN_A_TEXT.sub("�", text)


def printable(text: str, *, longest: int = 60) -> str:
    """Text without control characters and lone surrogates, truncated to a displayable length."""
    whole = text.encode("utf-8", "replace").decode("utf-8")
    shown = "".join(c if c.isprintable() else "�" for c in whole)
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def markdown(text: str) -> str:
    """A line of untrusted text in Markdown: no link, picture, HTML or other markup."""
    return _MARKUP.sub(r"\\\g<0>", plain(text))


def to_stderr(line: str) -> None:
    """Print a line to standard error; a terminal that is narrower gets several."""
    line, width = plain(line), width_of(sys.stderr)
    lines = [line] if width is None else wrapped(line, width, indent="    ")
    print("\n".join(lines), file=sys.stderr, flush=True)
