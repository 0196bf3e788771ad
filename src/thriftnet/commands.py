"""Formats the commands in messages so that they can be pasted into a shell."""

from __future__ import annotations

import os
import shlex
from pathlib import Path


def command(*words: str | Path) -> str:
    """A thriftnet command, quoted for a shell.

    Args:
        words: The arguments. A `Path` of one part is written `./NAME`: a plain word may be the name
            of shipped weights, and one with a leading dash an option.

    Returns:
        Such as `thriftnet train --resume 'runs/my run'`.
    """
    return " ".join(["thriftnet", *map(_quoted, words)])


def shell_line(*words: str | Path) -> str:
    """Any command, quoted as in `command`."""
    return " ".join(map(_quoted, words))


def _quoted(word: str | Path) -> str:
    if isinstance(word, Path):
        plain = len(word.parts) == 1 and not word.is_absolute()
        word = f"./{word}" if plain else str(word)
    if word.isprintable():
        return shlex.quote(word)
    # Line breaks, escape sequences and undecodable bytes, as ANSI-C quoting of bash and zsh.
    return f"$'{''.join(map(_spelled, word))}'"


def _spelled(mark: str) -> str:
    if mark in "'\\":
        return f"\\{mark}"
    return mark if mark.isprintable() else "".join(f"\\x{byte:02x}" for byte in os.fsencode(mark))
