"""Serves the live report of a run to browsers on this machine."""

from __future__ import annotations

import contextlib
import errno
import json
import socket
import sys
import threading
from dataclasses import replace
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from thriftnet.commands import command
from thriftnet.errors import RunError, ThriftnetError
from thriftnet.files import explain_refusal
from thriftnet.hosts import OWN_HOSTS, host_of
from thriftnet.plain import plain as plain_text
from thriftnet.report.drawing import NotWantedError, drawing_while
from thriftnet.report.page import render
from thriftnet.report.record import read_record
from thriftnet.report.single import single_page
from thriftnet.report.style import figure_style
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.live import read_live_run
from thriftnet.runs.state import is_training
from thriftnet.training.data import open_data

HOST = "127.0.0.1"
"""Only this machine."""

_FOOTER = (
    "Served by thriftnet watch, redrawn after each epoch. thriftnet report writes it to a file."
)


class LivePage:
    """A run's page, redrawn when the run has changed."""

    def __init__(self, path: Path, *, data: Path | None = None) -> None:
        self.run = RunFolder.open(path)
        if data is not None:
            # Fail here for a wrong path, not only in the browser.
            open_data(self.run.recipe().data, data)
        self.data = data
        self.closed = False
        """Whether nobody waits for a page any more."""
        self._lock = threading.Lock()
        self._version = ""
        self._page = b""

    def version(self) -> str:
        """Version of the page.

        It changes with the metrics, the final model and the predictions, and when a training starts
        or ends.
        """
        parts = ["on" if is_training(self.run) else "over"]
        for file in (self.run.metrics_path, self.run.model_path, self.run.predictions_path):
            try:
                facts = file.stat()
                parts.append(f"{facts.st_size}-{facts.st_mtime_ns}")
            except FileNotFoundError:
                parts.append("none")
        return "_".join(parts)

    def page(self) -> bytes:
        """The current page; concurrent requests wait for one rendering."""
        with self._lock:  # matplotlib draws one figure at a time
            version = self.version()
            if version != self._version and not self.closed:
                with figure_style(), drawing_while(lambda: not self.closed):
                    page = single_page(read_record(self.run.path), data=self.data)
                page = replace(page, footer=_FOOTER)
                self._page, self._version = render(page, version=version), version
            return self._page

    def status(self) -> bytes:
        """State of the run as JSON, with the version of the page."""
        live = read_live_run(self.run.path).to_json()
        return json.dumps({**live, "version": self.version()}).encode()


_SILENT_SECONDS = 10.0
_MOST_CONNECTIONS = 32
"""Each has a thread; one more closes the oldest."""


class LiveServer(ThreadingHTTPServer):
    """Serves a run's page at `/` and its state at `/status`."""

    # Wait for all threads: one that is inside C++ while drawing would end Python by std::terminate.
    daemon_threads = False

    def __init__(self, path: Path, *, port: int, data: Path | None = None) -> None:
        """Bind the port.

        Args:
            path: A run folder.
            port: 0: any free port.
            data: Path of the run's images; None: as in its recipe.

        Raises:
            RunError: There is no run, or the port is in use or not allowed.
            DataError: `data` was given and cannot be read.
        """
        self.live = LivePage(path, data=data)
        self._open: list[socket.socket] = []
        self._opening = threading.Lock()
        try:
            super().__init__((HOST, port), _Handler)
        except (OSError, OverflowError) as fault:
            taken = isinstance(fault, OSError) and fault.errno == errno.EADDRINUSE
            reason = "is in use by another program" if taken else f"cannot be used: {fault}"
            raise RunError(f"port {port} {reason}; choose another with --port") from None

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start a thread for a connection; close the oldest if there are too many."""
        with self._opening:
            self._open.append(request)
            if len(self._open) > _MOST_CONNECTIONS:
                with contextlib.suppress(OSError):
                    self._open.pop(0).shutdown(socket.SHUT_RDWR)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget a closed connection."""
        with self._opening, contextlib.suppress(ValueError):
            self._open.remove(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        """Close all connections and wait for their threads, at most for one figure."""
        self.live.closed = True
        with self._opening:
            for request in self._open:
                with contextlib.suppress(OSError):
                    request.shutdown(socket.SHUT_RDWR)
        super().server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore errors of browsers that disconnect or time out."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    @property
    def address(self) -> str:
        """URL to open in a browser."""
        return f"http://{HOST}:{self.server_address[1]}/"


class _Handler(BaseHTTPRequestHandler):
    # Nothing assigns another server.
    server: LiveServer  # pyrefly: ignore[bad-override-mutable-attribute]

    timeout = _SILENT_SECONDS

    def do_GET(self) -> None:
        """Answer a request."""
        if host_of(self.headers.get("Host", "")) not in OWN_HOSTS:
            text = f"open {self.server.address}\n".encode()
            self._send(HTTPStatus.FORBIDDEN, "text/plain", text)
            return
        with contextlib.suppress(ConnectionError, NotWantedError):  # it left, or the server stops
            self._send(*self._answer(self.server.live))

    def _answer(self, live: LivePage) -> tuple[HTTPStatus, str, bytes]:
        """Status, type and content of the answer; a failure says why, as the browser shows it."""
        plain = "text/plain; charset=utf-8"
        try:
            if self.path == "/":
                return HTTPStatus.OK, "text/html; charset=utf-8", live.page()
            if self.path == "/status":
                return HTTPStatus.OK, "application/json", live.status()
            return HTTPStatus.NOT_FOUND, plain, b"not found; open /\n"
        except NotWantedError:
            raise
        except ThriftnetError as fault:  # such as a removed run folder
            return HTTPStatus.SERVICE_UNAVAILABLE, plain, f"{fault}\n".encode()
        except Exception as fault:  # a fault of ours, or of the disk
            reason = explain_refusal(fault)
            if reason is None:
                reason = f"the page cannot be drawn ({type(fault).__name__}: {fault}); report it "
                reason += f"with the output of: {command('report', live.run.path, '--debug')}"
            text = plain_text(" ".join(reason.splitlines()))
            return HTTPStatus.INTERNAL_SERVER_ERROR, plain, f"{text}\n".encode()

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: the terminal shows the run."""

    def _send(self, status: HTTPStatus, kind: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(content)
