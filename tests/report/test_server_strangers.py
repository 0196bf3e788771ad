"""Who may read the page of a run: this machine's own names, and nobody for ever."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from made_runs import make_run
from thriftnet.report import server as serving
from thriftnet.report.server import LiveServer


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    with LiveServer(make_run(tmp_path / "run").path, port=0) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def ask(port: int, host: str) -> str:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        client.sendall(f"GET /status HTTP/1.1\r\n{host}\r\n".encode())
        return client.makefile("r").readline().strip()


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "[::1]", "LocalHost", "localhost:9"])
def test_own_names_are_answered(port: int, name: str):
    assert ask(port, f"Host: {name}\r\n").endswith("200 OK")


@pytest.mark.parametrize(
    "header",
    ["Host: evil.example\r\n", "Host: localhost.evil.example:80\r\n", "Host: 127.0.0.1@x\r\n", ""],
)
def test_other_names_are_refused(port: int, header: str):
    assert ask(port, header).endswith("403 Forbidden")


def test_idle_connections_make_room(port: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(serving, "_MOST_CONNECTIONS", 3)
    idle = [socket.create_connection(("127.0.0.1", port), timeout=60) for _ in range(8)]
    try:
        assert ask(port, "Host: localhost\r\n").endswith("200 OK")
        assert idle[0].recv(1) == b""  # the oldest was ended
    finally:
        for each in idle:
            each.close()


def test_a_silent_connection_is_ended(port: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(serving._Handler, "timeout", 0.1)
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        assert client.recv(1) == b""
