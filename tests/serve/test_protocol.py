"""Connections: offers of another protocol, and clients that send or read slowly for ever."""

from __future__ import annotations

import queue
import socket
import time
from contextlib import suppress

import pytest

from channels import colour_classifier
from live_service import LiveService, live_service, plain
from thriftnet.serve.protocol import BoundedProtocol
from waits import wait_until

GOOD = plain()
POST = b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\n"
OFFER = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
LENGTH = b"Content-Length: %d\r\n\r\n" % len(GOOD)
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
CHUNKS = b"%x\r\n%b\r\n0\r\n\r\n" % (len(GOOD), GOOD)
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"


def statuses(service: LiveService, *parts: bytes, count: int) -> list[int]:
    """The statuses of so many answers to what is sent, each part a moment after the one before."""
    with service.connection() as connection:
        connection.settimeout(60)
        for part in parts:
            connection.sendall(part)
            time.sleep(0.02)
        text = b""
        while text.count(b"HTTP/1.1 ") < count or not text.endswith(b"}"):
            more = connection.recv(65536)
            assert more, text
            text += more
    return [int(each[:3]) for each in text.split(b"HTTP/1.1 ")[1:]]


@pytest.mark.parametrize(
    "parts",
    [
        (POST + OFFER + LENGTH + GOOD,),
        (POST + OFFER + LENGTH, GOOD[:50], GOOD[50:]),
        (POST + OFFER + CHUNKED + CHUNKS,),
        (POST + OFFER, CHUNKED, CHUNKS),
    ],
    ids=["at once", "the body later", "chunked", "chunked later"],
)
def test_an_offer_of_http2_is_ignored(service: LiveService, parts: tuple[bytes, ...]) -> None:
    """Java's HttpClient makes it with each request, and keeps the connection for the next."""
    assert statuses(service, *parts, *parts, count=2) == [200, 200]


def test_offers_of_any_kind_are_ignored(service: LiveService) -> None:
    offers = (OFFER, b"Connection: Upgrade\r\nUpgrade: websocket\r\n")
    sent = b"".join(HEALTH + offer + b"\r\n" for offer in offers for _ in range(100))
    assert statuses(service, sent, count=200) == [200] * 200
    tunnel = b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n"
    assert statuses(service, tunnel + b"\r\n", count=1) == [400]
    assert statuses(service, tunnel + OFFER + b"\r\n", count=1) == [400]


@pytest.mark.parametrize(
    ("head", "more"),
    [
        (b"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n\r\n", b"x"),
        (b"POST /v1/predict HTTP/1.1\r\nHost: evil\r\nContent-Length: 5000\r\n\r\n", b"x"),
        (HEALTH + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (HEALTH + b"\r\n", b"\r\n"),
    ],
    ids=["refused", "another host", "answered", "line breaks"],
)
def test_what_comes_after_an_answer_keeps_no_connection(
    monkeypatch: pytest.MonkeyPatch, head: bytes, more: bytes
) -> None:
    monkeypatch.setattr("thriftnet.serve.server._IDLE_SECONDS", 0.5)
    with live_service(colour_classifier()) as service, service.connection() as connection:
        connection.sendall(head)
        wait_until(lambda: not takes(connection, more))


def takes(connection: socket.socket, sent: bytes) -> bool:
    """Whether a connection is open for what is sent."""
    try:
        connection.sendall(sent)
    except OSError:
        return False
    return True


def test_a_body_that_ends_after_its_answer_costs_nothing(service: LiveService) -> None:
    head = b"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"
    assert statuses(service, head, b"123456789" + HEALTH + b"\r\n", count=2) == [404, 200]


@pytest.mark.parametrize(
    ("pages", "kind"), [(300, b""), (1, b"Connection: close\r\n")], ids=["kept", "closed"]
)
def test_a_client_that_does_not_read_is_left(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, pages: int, kind: bytes
) -> None:
    """While the service waits to write more, and once it has written its last answer.

    Buffers of the system that are as large as they like may take all pages.
    """
    monkeypatch.setattr(BoundedProtocol, "read_seconds", 0.5)
    lost, connection_lost = queue.Queue[tuple[str, int] | None](), BoundedProtocol.connection_lost

    def noted(protocol: BoundedProtocol, fault: Exception | None) -> None:
        connection_lost(protocol, fault)
        lost.put(protocol.client)  # also of those that asked whether the service is ready

    monkeypatch.setattr(BoundedProtocol, "connection_lost", noted)
    with (
        live_service(colour_classifier(), buffered=1) as service,
        socket.socket() as connection,
    ):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        connection.settimeout(60)
        connection.connect(("127.0.0.1", service.port))
        connection.sendall((b"GET / HTTP/1.1\r\nHost: localhost\r\n" + kind + b"\r\n") * pages)
        while lost.get(timeout=120) != connection.getsockname():
            pass
        found = b""
        with suppress(ConnectionResetError):
            while more := connection.recv(65536):
                found += more
        assert found.count(b"</html>") < pages
    assert caplog.text == ""


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/metrics", "/v1/model", "/nowhere"])
def test_a_head_is_that_of_the_page(service: LiveService, path: str) -> None:
    page, head = service.ask("GET", path), service.ask("HEAD", path)
    assert head.status == page.status
    assert head.headers["content-type"] == page.headers["content-type"]
    assert head.content == b""
