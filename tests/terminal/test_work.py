"""Long work says what it does and how far it has come, on standard error alone."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time

import pytest

from thriftnet.terminal import work
from thriftnet.terminal.work import SWITCH, working

PRINTS = """
import time
from thriftnet.terminal.output import guarded_streams
from thriftnet.terminal.work import working
with guarded_streams(), working("loading best") as doing:
    time.sleep(0.3)
    told = doing.counting("pictures")
    told(250, 1000)
    time.sleep(0.3)
    print('{"a": 1}')
    told(1000, 1000)
"""


@pytest.fixture(autouse=True)
def shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, "1")
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)


def test_a_terminal_shows_what_is_done_and_standard_output_stays_a_file() -> None:
    """With `predict --json > labels.json` the display once took all that was printed."""
    master, slave = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-c", PRINTS],
        stdout=subprocess.PIPE,
        stderr=slave,
        timeout=60,
        env={**os.environ, "TERM": "xterm"},
    )
    os.close(slave)
    told = os.read(master, 2**16).decode("utf-8")
    os.close(master)
    assert done.stdout == b'{"a": 1}\n'
    assert "loading best  0:00" in told
    assert "pictures  ━━━━╌╌╌╌╌╌╌╌╌╌╌╌  250/1,000" in told


def test_a_log_gets_a_line_when_work_lasts_and_few_of_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "_WAITS", (0.2, 0.3, 60.0))
    with working("loading best") as doing:
        time.sleep(0.4)
        told = doing.counting("test images")
        told(100, 1000)
        told(200, 1000)
        time.sleep(0.4)
    with working("a moment"):
        pass
    assert doing.line().startswith("test images  200/1,000  0:0")
    captured = capsys.readouterr()
    assert captured.out == ""
    first, second = captured.err.splitlines()
    assert first == "thriftnet: loading best  0:00"
    assert second.startswith("thriftnet: test images  200/1,000  0:0")
    assert second.endswith(" left")


def test_it_can_be_turned_off(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "_WAITS", (0.0, 0.0))
    with working("loading", shown=False):
        time.sleep(0.3)
    monkeypatch.setenv(SWITCH, "0")
    with working("loading"):
        time.sleep(0.3)
    assert capsys.readouterr().err == ""


def test_what_ends_itself_is_followed_by_another_display(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "_WAITS", (0.0, 0.0))
    before = sys.stdout
    with working("preparing") as doing:
        time.sleep(0.3)
        doing.end()
        said = capsys.readouterr().err
        time.sleep(0.3)
        assert sys.stdout is before
    assert said.startswith("thriftnet: preparing")
    assert capsys.readouterr().err == ""
