"""A mirror on this machine with the faults that mirrors have."""

import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Mirror:
    """Serves one file.

    Args:
        content: the file.
        ranges: whether Range is honoured.
        drop_after: bytes after which each of the first `drops` connections is cut.
        slow_until: bytes served at about 5 MB/s before the rest comes at full speed.
        statuses: HTTP statuses that the first requests get instead of the file.
        silent: seconds before anything is answered.
        chunk: bytes written at once.
    """

    def __init__(
        self,
        content: bytes,
        *,
        ranges: bool = True,
        drop_after: int | None = None,
        drops: int = 10**9,
        slow_until: int = 0,
        statuses: tuple[int, ...] = (),
        silent: float = 0.0,
        total: int | None = None,
    ) -> None:
        self.content, self.ranges, self.total = content, ranges, total
        self.drop_after, self.drops = drop_after, drops
        self.slow_until, self.silent = slow_until, silent
        self.statuses = list(statuses)
        self.requested: list[str | None] = []  # Range of each request
        self.served = 0
        self.release = threading.Event()
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                try:
                    mirror.answer(self)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()
        self.host = f"127.0.0.1:{self.server.server_port}"
        self.url = f"http://{self.host}/cifar-10-python.tar.gz"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        wanted = handler.headers.get("Range")
        self.requested.append(wanted)
        if self.silent:
            self.release.wait(self.silent)
            return
        # the first request is the probe, which is to succeed
        if self.statuses and len(self.requested) > 1:
            handler.send_error(self.statuses.pop(0))
            return
        start = int(re.findall(r"\d+", wanted)[0]) if wanted and self.ranges else 0
        if start >= len(self.content) and start:
            handler.send_error(416)
            return
        total = self.total or len(self.content)
        handler.send_response(206 if start else 200)
        handler.send_header("Content-Length", str(total - start))
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        handler.end_headers()
        self.send(handler, start)

    def send(self, handler: BaseHTTPRequestHandler, start: int) -> None:
        stop = len(self.content)
        if self.drop_after is not None and len(self.requested) > 1 and self.drops > 0:
            self.drops -= 1
            stop = min(stop, start + self.drop_after)
        for position in range(start, stop, 2**16):
            handler.wfile.write(self.content[position : min(position + 2**16, stop)])
            self.served += 2**16
            if self.served < self.slow_until:
                time.sleep(2**16 / 5e6)

    def close(self) -> None:
        self.release.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
