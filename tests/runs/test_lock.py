"""One run, one writer: refused while another lives, never kept waiting by one that is gone."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from thriftnet.errors import RunError
from thriftnet.recipe import load_recipe
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.lock import find_writer, writing
from thriftnet.runs.new_run import create_run

HOLD = """
import sys
from pathlib import Path
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.lock import writing
with writing(RunFolder(Path(sys.argv[1]))):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return create_run(tmp_path / "my run", load_recipe("smoke"), {})


@pytest.fixture
def holder(run: RunFolder) -> Iterator[subprocess.Popen[str]]:
    """Another process that writes to the run."""
    words = [sys.executable, "-c", HOLD, str(run.path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as held:
        assert held.stdout
        assert held.stdout.readline() == "held\n"
        yield held
        held.kill()


def refusal(run: RunFolder) -> str:
    with pytest.raises(RunError) as caught, writing(run, wait=0.1):
        pass
    return str(caught.value)


def test_a_second_writer_is_told_who_the_first_is(
    run: RunFolder, holder: subprocess.Popen[str]
) -> None:
    name = f"process {holder.pid} on {platform.node()}"
    assert find_writer(run) == name
    assert refusal(run) == (
        f"{run.path} is being trained by {name}; follow it with: thriftnet watch '{run.path}'"
    )


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_writer_that_was_killed_is_in_nobodys_way(
    run: RunFolder, holder: subprocess.Popen[str], number: signal.Signals
) -> None:
    holder.send_signal(number)
    holder.wait()
    assert find_writer(run) is None
    with writing(run, wait=0):
        assert find_writer(run) == f"process {os.getpid()} on {platform.node()}"
    assert find_writer(run) is None


def test_who_only_looks_keeps_nobody_from_writing(run: RunFolder) -> None:
    """A list of runs asks each for its writer, and has its lock for an instant."""
    run.lock_path.touch()
    with run.lock_path.open() as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        started = time.monotonic()
        os.set_inheritable(looking.fileno(), False)
        subprocess.run(["true"], check=True)
        with pytest.raises(RunError, match="another process"), writing(run, wait=0.2):
            pass
        assert time.monotonic() - started > 0.2
        fcntl.flock(looking, fcntl.LOCK_UN)
        with writing(run):
            pass


def test_a_lock_that_is_a_link_is_not_followed(run: RunFolder, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("kept")
    run.lock_path.symlink_to(tmp_path / "precious")
    with pytest.raises(RunError, match="cannot be written"), writing(run):
        pass
    assert find_writer(run) is None
    assert (tmp_path / "precious").read_text() == "kept"


@pytest.fixture
def no_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network file system without them."""

    def refuse(*_: object) -> NoReturn:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)


@pytest.mark.usefixtures("no_locks")
class TestWithoutLocks:
    def test_the_holder_counts_while_it_lives_and_that_is_said(
        self, run: RunFolder, holder: subprocess.Popen[str]
    ) -> None:
        assert f"process {holder.pid}" in refusal(run)
        assert find_writer(run)
        holder.kill()
        holder.wait()
        said: list[str] = []
        with writing(run, wait=0, say=said.append):
            assert find_writer(run) == f"process {os.getpid()} on {platform.node()}"
        assert said == [
            f"the file system of {run.path} has no file locks; do not train it twice at once"
        ]
        assert find_writer(run) is None

    def test_a_training_that_failed_does_not_keep_its_own_process_out(self, run: RunFolder) -> None:
        with pytest.raises(ZeroDivisionError), writing(run, wait=0):
            raise ZeroDivisionError
        assert find_writer(run) is None
        with writing(run, wait=0):
            pass

    def test_another_process_that_got_its_number_does_not_count(self, run: RunFolder) -> None:
        facts: dict[str, Any] = {"pid": os.getpid(), "host": platform.node(), "born": "1"}
        run.lock_path.write_text(json.dumps(facts))
        assert find_writer(run) is None

    @pytest.mark.parametrize(("age", "lives"), [(0, True), (61, False), (None, False)])
    def test_one_on_another_machine_counts_while_it_tells_of_itself(
        self, run: RunFolder, age: float | None, lives: bool
    ) -> None:
        run.lock_path.write_text(json.dumps({"pid": 7, "host": "elsewhere", "born": "1"}))
        if age is not None:
            run.save_status({"epoch": 1})
            then = time.time() - age
            os.utime(run.status_path, (then, then))
        assert (find_writer(run) == "process 7 on elsewhere") == lives

    @pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"pid": "x"}', b"7" * 5000])
    def test_a_damaged_name_is_nobodys(self, run: RunFolder, content: bytes) -> None:
        run.lock_path.write_bytes(content)
        assert find_writer(run) is None
        with writing(run, wait=0):
            pass
