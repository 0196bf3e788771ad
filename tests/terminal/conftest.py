"""The line that says what a command is doing, on a clock that the test moves."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from clocks import Clock
from thriftnet.terminal import work
from waits import wait_until

NextLine = Callable[[], str]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the line, which is shown as in a log."""
    monkeypatch.setenv(work.SWITCH, "1")
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    clock = Clock()
    monkeypatch.setattr(work, "time", clock)
    return clock


@pytest.fixture
def next_line(capsys: pytest.CaptureFixture[str]) -> NextLine:
    """Wait for the next line of standard error."""

    def line() -> str:
        said: list[str] = []
        wait_until(lambda: said.append(capsys.readouterr().err) or "\n" in said[-1])
        return "".join(said)

    return line
