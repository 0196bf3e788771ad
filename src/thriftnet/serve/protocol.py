"""uvicorn's HTTP/1.1 protocol with limits on time and headers, which ignores offers of HTTP/2."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from thriftnet.serve.problems import MEDIA_TYPE, ProblemError

_HEADER_BYTES = 2**16
"""Limit of the request line and all headers."""
_PER_HEADER = 32
"""Additional bytes counted per header, for its overhead in memory."""


class BoundedProtocol(HttpToolsProtocol):
    """Ends connections that send too slowly or too much, do not read, or are too many.

    uvicorn waits for headers without limit, keeps all that are sent, and answers connections above
    its limit in plain text; here, errors are problem documents. It also waits without limit for a
    client that does not read its answer, or still sends the body of a request that was answered.
    """

    header_seconds = 10.0
    """Time limit for the headers, from the first byte or the connection."""
    read_seconds = 30.0
    """Time limit for a client to read what has been written."""

    parser: Any
    """uvicorn sets it to None when the connection is lost."""
    _late: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None
    _header_bytes = 0

    def connection_made(self, transport: Any) -> None:
        """Start the timer for the first headers."""
        super().connection_made(transport)
        self._unanswered = deque[RequestResponseCycle]()
        self._wait_for_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timers, and tell all requests; uvicorn tells the last one."""
        self._stop_waiting()
        self._stop_unread()
        for each in self._unanswered:
            each.disconnected = True
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse bytes. A request that offers another protocol is parsed again without the offer.

        httptools leaves the body of such a request to the other protocol. Java's HttpClient offers
        HTTP/2 with each request.
        """
        rest = memoryview(data)
        try:
            while rest:
                try:
                    self.parser.feed_data(rest)
                    return
                except httptools.HttpParserUpgrade as offer:
                    rest = rest[offer.args[0] :]
                    self.parser.feed_data(self._head_without_offer())
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.send_400_response("Invalid HTTP request received.")

    def on_message_begin(self) -> None:
        """Start counting a request's headers; only a request stops the timer of idle ones."""
        self._unset_keepalive_if_required()
        super().on_message_begin()
        self._header_bytes = 0
        if self._late is None:
            self._wait_for_headers()

    def on_url(self, url: bytes) -> None:
        """Count a part of the request line."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a header."""
        self._count(len(name) + len(value) + _PER_HEADER)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Stop the timer: all headers have arrived."""
        self._stop_waiting()
        if self.transport.is_closing() or self.parser.should_upgrade():
            return
        self._unset_keepalive_if_required()  # set by the answer to a request before
        most = self.limit_concurrency
        if most is not None and len(self.connections) >= most:
            self._refuse(503, f"{most - 1:,} connections are open; try again in a second")
            return
        super().on_headers_complete()
        self._unanswered.append(self.cycle)

    def on_body(self, body: bytes) -> None:
        """Forward a part of the body, unless the request was refused."""
        if not self.transport.is_closing():
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Forward the end of a request, unless it was refused or is parsed again."""
        if not self.transport.is_closing() and not self.parser.should_upgrade():
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Start the timer for the client to read a last answer."""
        self._unanswered.popleft()
        super().on_response_complete()
        if self.transport.is_closing():
            self._wait_until_read()

    def pause_writing(self) -> None:
        """Start the timer for the client to read."""
        super().pause_writing()
        self._wait_until_read()

    def resume_writing(self) -> None:
        """Stop the timer."""
        self._stop_unread()
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """End an idle connection, also one whose client has not read its answer."""
        self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        """Answer a request that is not HTTP, and close the connection."""
        if not self.transport.is_closing():
            self._refuse(400, msg)

    def _count(self, size: int) -> None:
        self._header_bytes += size
        if self._header_bytes > _HEADER_BYTES and not self.transport.is_closing():
            self._refuse(431, f"the headers have more than {_HEADER_BYTES // 1024} KiB")

    def _wait_for_headers(self) -> None:
        self._late = self.loop.call_later(self.header_seconds, self._end_late)

    def _stop_waiting(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _wait_until_read(self) -> None:
        if self._unread is None:
            self._unread = self.loop.call_later(self.read_seconds, self.transport.abort)

    def _stop_unread(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _head_without_offer(self) -> bytes:
        """The request line and headers of the current request, without its offer of a protocol."""
        line = b"%b %b HTTP/%b" % (
            self.parser.get_method(), self.url, self.parser.get_http_version().encode()
        )  # fmt: skip
        kept = (b"%b: %b" % each for each in self.headers if each[0] != b"upgrade")
        return b"\r\n".join((line, *kept, b"", b""))

    def _end_late(self) -> None:
        if not self.transport.is_closing():
            self._refuse(408, f"the headers did not arrive within {self.header_seconds:g} s")

    def _refuse(self, status: int, detail: str) -> None:
        body = ProblemError(status, detail).body()
        again = b"retry-after: 1\r\n" if status == 503 else b""
        self.transport.write(
            b"%bcontent-type: %b\r\ncontent-length: %d\r\n%bconnection: close\r\n\r\n%b"
            % (STATUS_LINE[status], MEDIA_TYPE.encode(), len(body), again, body)
        )
        self.transport.close()
