"""uvicorn's HTTP/1.1 protocol with limits on the time and size of headers."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from thriftnet.serve.problems import MEDIA_TYPE, ProblemError

_HEADER_BYTES = 2**16
"""Limit of the request line and all headers."""
_PER_HEADER = 32
"""Additional bytes counted per header, for its overhead in memory."""


class BoundedProtocol(HttpToolsProtocol):
    """Ends a connection whose headers are late or too long, and those above uvicorn's limit.

    uvicorn waits for headers without limit, keeps all that are sent, and answers connections above
    its limit in plain text; here, errors are problem documents.
    """

    header_seconds = 10.0
    """Time limit for the headers, from the first byte or the connection."""

    _late: asyncio.TimerHandle | None = None
    _header_bytes = 0

    def connection_made(self, transport: Any) -> None:
        """Start the timer for the first headers."""
        super().connection_made(transport)
        self._wait_for_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer."""
        self._stop_waiting()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Start counting a request's headers."""
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
        if self._header_bytes > _HEADER_BYTES:
            return
        most = self.limit_concurrency
        if most is not None and len(self.connections) >= most:
            self._refuse(503, f"{most - 1:,} connections are open; try again in a second")
            return
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Forward a part of the body, unless the request was refused."""
        if not self.transport.is_closing():
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Forward the end of a request, unless it was refused."""
        if not self.transport.is_closing():
            super().on_message_complete()

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
