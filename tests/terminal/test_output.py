"""Standard output and error that go away: commands end quietly, long work goes on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from waits import PATIENCE_SECONDS

WORK = """
import errno, sys
from thriftnet.terminal.output import OutputGoneError, guarded_streams, outlast_output
try:
    with guarded_streams():
        if {lasting}:
            outlast_output()
        for number in range(30000):
            print("line", number)
        print("did all", file=sys.stderr)
except OutputGoneError as gone:
    sys.exit(f"stopped: {{gone}}")
"""


def run(redirection: str, *, lasting: bool) -> subprocess.CompletedProcess[str]:
    """The work under a shell that takes its output away; its exit code is the work's."""
    shell = f'"$0" -c "$1" {redirection}'
    words = ["bash", "-o", "pipefail", "-c", shell, sys.executable, WORK.format(lasting=lasting)]
    return subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE_SECONDS)


@pytest.mark.parametrize(
    ("redirection", "reason"),
    [("| head -1 >/dev/null", "Broken pipe"), (">/dev/full", "No space left on device")],
)
def test_output_that_goes_away(redirection: str, reason: str) -> None:
    ended, outlasted = run(redirection, lasting=False), run(redirection, lasting=True)
    assert (ended.returncode, ended.stderr) == (1, f"stopped: {reason}\n")
    told = f"thriftnet: standard output was closed ({reason}); continuing without it\ndid all\n"
    assert (outlasted.returncode, outlasted.stderr) == (0, told)


@pytest.mark.parametrize("redirection", [">&-", "2>&-", ">&- 2>&-", ">&- 2>&- <&-"])
def test_streams_that_were_never_there(redirection: str) -> None:
    done = run(redirection, lasting=False)
    assert done.returncode == 0
    assert done.stderr == ("" if "2>" in redirection else "did all\n")
    if ">&-" not in redirection.split("2>")[0]:  # and no error lands in the output
        assert done.stdout.splitlines()[-1] == "line 29999"


def test_both_streams_on_one_pipe() -> None:
    assert run("2>&1 | head -1", lasting=True).returncode == 0


def test_a_pipe_that_others_made_non_blocking_loses_nothing() -> None:
    code = "import os; os.set_blocking(1, False)\n" + WORK.format(lasting=False)
    shell = '"$0" -c "$1" | (sleep 0.5; cat)'
    words = ["bash", "-o", "pipefail", "-c", shell, sys.executable, code]
    done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE_SECONDS)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 30_000


@pytest.mark.parametrize("closed", ["<&- >&-", "<&- 2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_no_file_takes_the_place_of_a_closed_stream(tmp_path: Path, closed: str) -> None:
    """What a library in C prints would land in it."""
    code = f"""
import sys
from thriftnet.terminal.output import guarded_streams
with guarded_streams():
    with open({str(tmp_path / "file")!r}, "w") as file:
        assert not sys.stdin.isatty() and sys.stdin.read() == ""
        file.write(str(file.fileno()))
"""
    words = ["bash", "-c", f'"$0" -c "$1" {closed}', sys.executable, code]
    assert subprocess.run(words, timeout=PATIENCE_SECONDS).returncode == 0
    assert int((tmp_path / "file").read_text()) > 2
