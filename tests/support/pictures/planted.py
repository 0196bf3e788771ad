"""What a stranger may write into a name to take over a terminal."""

from __future__ import annotations

import re

ESCAPES = (
    "\x1b]0;owned\x07",  # the window's title
    "\x1b[2J",  # clears the screen
    "\x1b[31m",  # a colour
    "\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\",  # a hyperlink
    "\x9b2K",  # C1
    "\u202e",  # turns the text
    "\u2066",
    "\r",
    "\u2028",
)
HARMFUL = "a" + "".join(ESCAPES) + "b"
_HARM = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2028\u2029\u2066-\u2069\ud800-\udfff]"
)


def harm_in(text: str) -> str | None:
    """The first place of a text that could harm a terminal, with what surrounds it."""
    found = _HARM.search(text)
    return None if found is None else repr(text[max(0, found.start() - 60) : found.end() + 20])
