"""`thriftnet serve` as a process: it starts, says where, answers, drains and ends."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from commands import Command, in_this_process
from live_service import Answer, LiveService, plain
from thriftnet.serve.server import Address, listen
from waits import wait_until

ROOT = Path(__file__).parent.parent.parent
UNIT = ROOT / "docs" / "thriftnet.service"


@contextmanager
def serving(*options: str) -> Iterator[tuple[subprocess.Popen[str], LiveService]]:
    command = [sys.executable, "-m", "thriftnet", "serve", "quick", "--port", "0", *options]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ}
    ) as process:
        try:
            assert process.stdout
            line = process.stdout.readline()
            address = re.search(
                r"^quick answers at http://127\.0\.0\.1:(\d+)/  \(with six views; ", line
            )
            assert address, (line, process.poll())
            yield process, LiveService(int(address[1]))
        finally:
            process.kill()


def test_a_service_that_is_told_to_stop_answers_what_has_begun() -> None:
    with serving() as (process, service):
        assert service.ask("GET", "/readyz").status == 200
        content, answers = plain(), list[Answer]()
        begun, stopped = threading.Event(), threading.Event()

        def pieces() -> Iterator[bytes]:
            yield content[:30]
            begun.set()
            stopped.wait(300)
            yield content[30:]

        client = threading.Thread(target=lambda: answers.append(service.predict(pieces())))
        client.start()
        assert begun.wait(300)
        wait_until(lambda: b"thriftnet_open_requests 1.0" in service.ask("GET", "/metrics").content)
        process.send_signal(signal.SIGTERM)
        wait_until(lambda: refuses(service))
        stopped.set()
        client.join()
        assert [answer.status for answer in answers] == [200]
        assert process.wait(300) == 0
        assert process.stderr
        assert process.stderr.read() == ""


def refuses(service: LiveService) -> bool:
    """Whether it takes no connections any more."""
    try:
        service.ask("GET", "/healthz")
    except ConnectionError:
        return True
    return False


@pytest.fixture
def thriftnet(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return in_this_process(monkeypatch, capsys)


def test_one_line_where_it_cannot_start(thriftnet: Command, tmp_path: Path) -> None:
    with listen(Address(port=0)) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        outcome = thriftnet("serve", "quick", "--port", port)
    assert outcome.code == 2
    assert f"port {port} of 127.0.0.1 is in use by another program" in outcome.error_line
    outcome = thriftnet("serve", "quick", "--token-file", tmp_path / "none")
    assert (outcome.code, outcome.error_line.count("none cannot be read as a token")) == (2, 1)
    assert thriftnet("serve", "nowhere").code == 2


def test_a_package_of_the_extra_that_is_missing_is_named(
    thriftnet: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("thriftnet.cli.serve._PACKAGES", ("fastapi", "no_such_package"))
    outcome = thriftnet("serve", "quick")
    assert outcome.code == 2
    assert "serving needs the package no_such_package, which is not inst" in outcome.error_line
    assert outcome.error_line.endswith("run: pip install 'thriftnet[serve]'")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_the_unit_is_one_that_systemd_accepts(tmp_path: Path) -> None:
    text = UNIT.read_text("utf-8")
    program = tmp_path / "thriftnet"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit = tmp_path / UNIT.name
    unit.write_text(text.replace("/opt/thriftnet/bin/thriftnet", str(program)), "utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_units_command_is_one_that_is_there(thriftnet: Command) -> None:
    words = re.search(r"^ExecStart=\S+ (.+)$", UNIT.read_text("utf-8"), re.MULTILINE)
    assert words
    outcome = thriftnet(*words[1].replace("${CREDENTIALS_DIRECTORY}", "/none").split())
    assert "/none/token cannot be read as a token" in outcome.error_line
