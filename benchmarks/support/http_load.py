"""Closed-loop HTTP load from many clients in one thread.

    python benchmarks/support/http_load.py PORT CLIENTS SECONDS [REQUESTS] < REQUEST

Standard input is a whole HTTP request. Prints JSON: requests, failed, seconds, and milliseconds at
the 50th and 99th percentile. It ends after SECONDS, or after REQUESTS if that is earlier. Plain
sockets: a client library would use more CPU time than the service.
"""

from __future__ import annotations

import json
import re
import selectors
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)


class Client:
    """A connection with one request in flight."""

    def __init__(self, port: int, request: bytes) -> None:
        self.port = port
        self.request = request
        self.began = 0.0
        self.connect()

    def connect(self) -> None:
        """Open the connection."""
        self.received = b""
        self.connection = socket.create_connection(("127.0.0.1", self.port))
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self) -> None:
        """Send the request; the connection blocks, as its buffers may be full."""
        self.began = time.perf_counter()
        self.connection.sendall(self.request)

    def receive(self) -> bool | None:
        """Whether the answer is good; None: incomplete."""
        more = self.connection.recv(2**18)
        if not more:
            raise ConnectionError("the service closed a connection")
        self.received += more
        head, mark, body = self.received.partition(b"\r\n\r\n")
        if not mark:
            return None
        found = _LENGTH.search(head + b"\r\n")
        if found is None or len(body) < int(found[1]):
            return None
        self.received = b""
        return head.startswith(b"HTTP/1.1 200 ")


def main() -> None:
    """Run the load and print the results."""
    port, count, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    most = int(sys.argv[4]) if len(sys.argv) > 4 else sys.maxsize
    request = sys.stdin.buffer.read()
    clients = [Client(port, request) for _ in range(count)]
    selector = selectors.DefaultSelector()
    for client in clients:
        selector.register(client.connection, selectors.EVENT_READ, client)
    began = time.perf_counter()
    for client in clients:
        client.send()
    times: list[float] = []
    failed, open_requests = 0, count
    while open_requests:
        for key, _ in selector.select():
            client: Client = key.data
            try:
                good = client.receive()
            except ConnectionError:
                selector.unregister(client.connection)
                client.connect()
                selector.register(client.connection, selectors.EVENT_READ, client)
                good = False
            if good is None:
                continue
            now = time.perf_counter()
            times.append(now - client.began)
            failed += not good
            open_requests -= 1
            if now - began < seconds and len(times) + open_requests < most:
                open_requests += 1
                client.send()
    taken = time.perf_counter() - began
    cuts = statistics.quantiles(times * 2, n=100)  # of a single one, too, on a very busy machine
    found = {
        "requests": len(times),
        "failed": failed,
        "seconds": round(taken, 2),
        "milliseconds_median": round(1000 * statistics.median(times), 2),
        "milliseconds_99": round(1000 * cuts[98], 2),
    }
    print(json.dumps(found))


def load(
    port: int, request: bytes, *, clients: int, seconds: float, requests: int | None = None
) -> dict[str, Any]:
    """Run the load of some clients in a separate process."""
    command = [sys.executable, str(Path(__file__)), str(port), str(clients), str(seconds)]
    command += [] if requests is None else [str(requests)]
    done = subprocess.run(command, input=request, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


if __name__ == "__main__":
    main()
