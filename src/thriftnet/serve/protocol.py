"""HTTP/1.1 as uvicorn speaks it, with what it lacks against slow and talkative clients."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from thriftnet.serve.problems import MEDIA_TYPE, ProblemError

_HEADER_BYTES = 2**16
"""Of a request line and all headers."""
_PER_HEADER = 32
"""Bytes that each header counts beside its own, for what it takes in memory."""


class BoundedProtocol(HttpToolsProtocol):
    """Ends a connection whose headers are late or too long; refusals are problem documents.

    uvicorn waits for headers for ever, and keeps as many as are sent.
    """

    header_seconds = 10.0
    """In which the headers of a request must arrive, from its first byte or the connection."""

    _late: asyncio.TimerHandle | None = None
    _header_bytes = 0

    def connection_made(self, transport: Any) -> None:
        """The first headers are waited for."""
        super().connection_made(transport)
        self._wait_for_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for."""
        self._stop_waiting()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._header_bytes = 0
        if self._late is None:
            self._wait_for_headers()

    def on_url(self, url: bytes) -> None:
        """A part of the request line."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header."""
        self._count(len(name) + len(value) + _PER_HEADER)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """All headers are there."""
        self._stop_waiting()
        if self._header_bytes <= _HEADER_BYTES:
            super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Say that a request is no HTTP, and end the connection."""
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
        self.transport.write(
            b"%bcontent-type: %b\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b"
            % (STATUS_LINE[status], MEDIA_TYPE.encode(), len(body), body)
        )
        self.transport.close()
