"""Long work says what it does and how far it has come, on standard error alone."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from thriftnet.phases import phase
from thriftnet.terminal import work
from thriftnet.terminal.work import SWITCH, Work, working

NextLine = Callable[[], str]
PRINTS = """
import sys
from thriftnet.terminal.output import guarded_streams
from thriftnet.terminal.work import working
with guarded_streams(), working("loading best") as doing:
    sys.stdin.readline()
    told = doing.counting("pictures")
    told(250, 1000)
    sys.stdin.readline()
    print('{"a": 1}')
    told(1000, 1000)
"""
"""Goes on when its display was seen."""


@pytest.mark.usefixtures("clock")
def test_a_terminal_shows_what_is_done_and_standard_output_stays_a_file() -> None:
    """With `predict --json > labels.json` the display once took all that was printed."""
    master, slave = pty.openpty()
    told = b""
    with subprocess.Popen(
        [sys.executable, "-c", PRINTS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=slave,
        env={**os.environ, "TERM": "xterm"},
    ) as process:
        os.close(slave)
        assert process.stdin
        for text in ("loading best  0:", "pictures  ━━━━╌╌╌╌╌╌╌╌╌╌╌╌  250/1,000"):
            while text.encode() not in told:
                told += os.read(master, 2**16)
            process.stdin.write(b"\n")
            process.stdin.flush()
        out, _ = process.communicate()
    os.close(master)
    assert (process.returncode, out) == (0, b'{"a": 1}\n')


def test_a_log_gets_a_line_when_work_lasts_and_few_of_them(
    clock: Any, next_line: NextLine, capsys: pytest.CaptureFixture[str]
) -> None:
    with working("loading best") as doing:
        clock.now += 1
        assert next_line() == "thriftnet: loading best  0:01\n"
        clock.now += 4.9  # too early for another
        told = doing.counting("test images")
        told(100, 1000)
        clock.now += 1
        assert next_line() == "thriftnet: test images  100/1,000\n"
        told(200, 1000)
        assert doing.line() == "test images  200/1,000  0:08 left"
        clock.now += 5
        assert next_line() == "thriftnet: test images  200/1,000  0:48 left\n"
    with working("a moment"):
        pass
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_a_phase_is_counted_and_what_was_done_before_goes_on(clock: Any) -> None:
    with working("reading photos", shown=False) as doing:
        clock.now += 2
        with phase("decoding pictures") as count:
            count(1, 4)
            clock.now += 1
            count(2, 4)
            assert doing.line() == "decoding pictures  2/4  0:01 left"
            with phase("comparing"):
                clock.now += 3
                assert doing.line() == "comparing  0:03"
            assert doing.line() == "decoding pictures  2/4  0:04 left"
        assert doing.line() == "reading photos  0:06"
    with phase("afterwards"):
        assert doing.line() == "reading photos  0:06"


def test_it_can_be_turned_off(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "_WAITS", (0.0, 0.0))
    monkeypatch.setenv(SWITCH, "1")
    with working("loading", shown=False):
        time.sleep(0.3)
    monkeypatch.setenv(SWITCH, "0")
    with working("loading"):
        time.sleep(0.3)
    assert capsys.readouterr().err == ""


def test_what_ends_itself_is_followed_by_another_display(
    clock: Any, next_line: NextLine, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sys.stdout
    with working("preparing") as doing:
        clock.now += 1
        assert next_line() == "thriftnet: preparing  0:01\n"
        doing.end()  # waits for the thread
        clock.now += 60
        assert sys.stdout is before
    assert capsys.readouterr().err == ""


def test_what_is_begun_twice_is_told_once(
    clock: Any, next_line: NextLine, capsys: pytest.CaptureFixture[str]
) -> None:
    """A report of runs whose test images are evaluated already: there is nothing before it."""
    with working("drawing") as doing:
        clock.now += 1
        assert next_line() == "thriftnet: drawing  0:01\n"
        doing.now("drawing")
        clock.now += 5
        assert next_line() == "thriftnet: drawing  0:06\n"
        doing.counting("test images")(1, 4)
        doing.now("drawing")
        clock.now += 1
        assert next_line() == "thriftnet: drawing  0:01\n"
    assert capsys.readouterr().err == ""


def test_a_narrow_terminal_cuts_what_is_done_and_never_the_time() -> None:
    shown = Work("comparing each picture with all the others", shown=False)
    assert shown.line(width=30) == "comparing each picture …  0:00"
    shown.counting("pictures of a folder with a long name")(0, 12)
    shown.counting("pictures of a folder with a long name")(6, 12)
    assert shown.line(width=30).endswith("…  6/12  0:00 left")
    assert len(shown.line(width=30)) == 30
    assert shown.line().startswith("pictures of a folder with a long name  6/12")
