"""One cleaner between everything that prints and the screen."""

from __future__ import annotations

import contextlib
import io
import re
import sys
import traceback
from collections.abc import Iterator

import pytest
from rich.progress import Progress
from rich.text import Text

from planted import HARMFUL, harm_in
from thriftnet.screen import CleanConsole, CleanLive, CleanStream


class Terminal(io.BytesIO):
    """Bytes that a terminal would show."""

    def isatty(self) -> bool:
        return True

    def text(self) -> str:
        return self.getvalue().decode("utf-8")


@contextlib.contextmanager
def clean_terminal() -> Iterator[Terminal]:
    """Standard output and error are clean streams on one terminal."""
    found, before = Terminal(), (sys.stdout, sys.stderr)
    sys.stdout = CleanStream(found, "utf-8", errors="replace", write_through=True)
    sys.stderr = CleanStream(found, "utf-8", errors="replace", write_through=True)
    try:
        yield found
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.detach()
        sys.stdout, sys.stderr = before


@pytest.fixture(autouse=True)
def colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)


def styles_alone(text: str) -> str:
    """A text without the sequences that rich writes: styles, cursor and lines."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", text)


def test_all_that_prints_is_clean() -> None:
    with clean_terminal() as terminal:
        print("tab\there", HARMFUL)
        sys.stdout.writelines([HARMFUL, "\n"])
        try:
            raise ValueError(HARMFUL)
        except ValueError:
            traceback.print_exc()
    assert harm_in(terminal.text()) is None
    assert "tab\there" in terminal.text()
    assert "Traceback" in terminal.text()


def test_a_console_styles_and_takes_no_style() -> None:
    with clean_terminal() as terminal:
        console = CleanConsole()
        console.print(Text(f"ours {HARMFUL}", style="green"))
        console.print(f":smile: [link=http://x]{HARMFUL}")
    shown = terminal.text()
    assert "\x1b[32m" in shown  # our green
    assert "\x1b[31m" not in shown
    assert "[link=http://x]" in shown
    assert ":smile:" in shown
    assert harm_in(styles_alone(shown)) is None


def test_what_is_printed_above_a_display_is_clean() -> None:
    with clean_terminal() as terminal:
        console, before = CleanConsole(), sys.stdout
        with CleanLive(console, Text(HARMFUL), transient=True) as live:
            print("above", HARMFUL)
            print("[link=http://x]no line break", HARMFUL, end="", file=sys.stderr, flush=True)
            progress = Progress(console=console)
            progress.add_task(HARMFUL)
            live.update(progress, refresh=True)
        assert sys.stdout is before
    shown = terminal.text()
    assert "above" in shown
    assert "[link=http://x]no line break" in shown
    assert "\x1b[31m" not in shown
    assert harm_in(styles_alone(shown)) is None


def test_a_console_made_while_a_display_is_shown_keeps_its_own_styles() -> None:
    """A training's bar is made while the line that says what is loaded is still shown."""
    with clean_terminal() as terminal:
        with CleanLive(CleanConsole(stderr=True), Text("loading"), transient=True):
            console = CleanConsole()
        console.print(Text(f"ours {HARMFUL}", style="green"))
    shown = terminal.text()
    assert "\x1b[32mours" in shown
    assert harm_in(styles_alone(shown)) is None
