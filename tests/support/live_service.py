"""A service on a free port of this machine, in a thread, and a client of few words."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from own_pictures import encoded
from thriftnet.inference.classifier import Classifier
from thriftnet.serve.limits import Limits
from thriftnet.serve.server import Address, listen, make_server
from waits import wait_until

BOUNDARY = "a-boundary"
FORM = f"multipart/form-data; boundary={BOUNDARY}"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


@dataclass
class LiveService:
    """Where a service answers."""

    port: int
    headers: dict[str, str] = field(default_factory=lambda: {})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | Iterator[bytes] | None = None,
        **headers: str,
    ) -> Answer:
        """One request on a connection of its own; `content_type` is Content-Type."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, path, body, {**self.headers, **named})
            found = connection.getresponse()
            headers = {name.lower(): value for name, value in found.getheaders()}
            return Answer(found.status, headers, found.read())
        finally:
            connection.close()

    def predict(
        self, body: bytes | Iterator[bytes], path: str = "/v1/predict", **headers: str
    ) -> Answer:
        return self.ask("POST", path, body, **{"content_type": "image/png", **headers})

    @contextmanager
    def connection(self) -> Iterator[socket.socket]:
        """A bare connection."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=120) as connection:
            yield connection


@contextmanager
def live_service(
    classifier: Classifier, limits: Limits | None = None, *, buffered: int = 0, **address: Any
) -> Iterator[LiveService]:
    """Serve a network while the block lasts.

    Args:
        classifier: The network.
        limits: Limits of requests.
        buffered: Bytes that the system keeps for a client that does not read; 0: as it likes.
        address: What `Address` takes.
    """
    where = Address(port=0, **address)
    listener = listen(where)
    if buffered:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffered)  # and its connections
    server = make_server(classifier, name="a network", address=where, limits=limits or Limits())
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    wait_until(lambda: server.started or not thread.is_alive())
    headers = {"Authorization": f"Bearer {where.token}"} if where.token else {}
    try:
        yield LiveService(listener.getsockname()[1], headers)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def form(*parts: tuple[str, bytes], field: str = "pictures") -> bytes:
    """A form with pictures of these names and contents."""
    content = b""
    for name, each in parts:
        disposition = f'form-data; name="{field}"; filename="{name}"'
        content += f"--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\n\r\n".encode()
        content += each + b"\r\n"
    return content + f"--{BOUNDARY}--\r\n".encode()


def plain(colour: Sequence[int] = (250, 0, 0), size: tuple[int, int] = (40, 40)) -> bytes:
    """A PNG of one colour."""
    return encoded(Image.new("RGB", size, tuple(colour)))
