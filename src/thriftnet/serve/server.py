"""Runs a service on a port until it is stopped."""

from __future__ import annotations

import errno
import ipaddress
import logging
import socket
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from thriftnet.errors import RunError
from thriftnet.export.measured import Measured
from thriftnet.files import read_bounded
from thriftnet.hosts import OWN_HOSTS
from thriftnet.inference.classifier import Classifier
from thriftnet.inference.views import NAMES
from thriftnet.plain import to_stderr
from thriftnet.serve.app import make_app
from thriftnet.serve.guard import Guard
from thriftnet.serve.limits import Limits
from thriftnet.serve.protocol import BoundedProtocol
from thriftnet.serve.service import Service

_DRAIN_SECONDS = 40
"""Time for open requests after a service is stopped."""
_IDLE_SECONDS = 60
"""Time until an idle connection is closed. On a busy machine a request may stay unread for
uvicorn's default of 5 s; its connection would be closed before it is answered."""
_SWITCH_SECONDS = 0.0005
"""Switch interval of Python threads. With the default of 5 ms the network would wait for the HTTP
thread at each layer."""
_TOKEN_BYTES = (16, 4096)


@dataclass(frozen=True)
class Address:
    """Where a service listens, and who may send requests."""

    host: str = "127.0.0.1"
    port: int = 8000
    """0: any free port."""
    token: str | None = None
    """Required token; None: no token."""
    allowed_hosts: Collection[str] = ()
    """Additional names of the service in requests."""

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def names(self) -> Collection[str] | None:
        """Hosts that a request may name; None: any.

        A foreign page in a browser on this machine could send requests to a local service without a
        token.
        """
        if self.token is None and self.is_local:
            return OWN_HOSTS | set(self.allowed_hosts)
        return set(self.allowed_hosts) or None


def read_token(path: Path) -> str:
    """Read a token from a file.

    Raises:
        RunError: It cannot be read, or is not a token.
    """
    least, most = _TOKEN_BYTES
    try:
        token = read_bounded(path, most=most).decode("ascii").strip()
    except (OSError, UnicodeDecodeError) as fault:
        raise RunError(f"{path} cannot be read as a token: {fault}; give a file of text") from None
    if len(token) < least or not token.isprintable() or " " in token:
        raise RunError(
            f"{path} has no token of {least} or more characters without spaces; make one with: "
            "openssl rand -hex 32 > token"
        )
    return token


def listen(address: Address) -> socket.socket:
    """Bind a port.

    Raises:
        RunError: It is in use or not allowed, or the host is not this machine's.
    """
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        found = socket.socket(family, kind, protocol)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind(place)
        except OSError:
            found.close()
            raise
        return found
    except (OSError, OverflowError, UnicodeError) as fault:
        taken = isinstance(fault, OSError) and fault.errno == errno.EADDRINUSE
        reason = "is in use by another program" if taken else f"cannot be used: {fault}"
        place = f"port {address.port} of {address.host}"
        raise RunError(f"{place} {reason}; choose another with --port or --host") from None


class AnnouncedServer(uvicorn.Server):
    """Prints an announcement once it answers."""

    announcement = ""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        if self.announcement:
            print(self.announcement, flush=True)


def make_server(
    classifier: Classifier,
    *,
    name: str,
    address: Address,
    limits: Limits,
    measured: Measured | None = None,
) -> AnnouncedServer:
    """Make a server for one network; start it with `run(sockets=[...])`.

    Args:
        classifier: The network.
        name: Name of the network.
        address: Has the host and token.
        limits: Limits of requests.
        measured: The network's test accuracy, for the page.
    """
    service = Service(classifier, name=name, limits=limits, measured=measured)
    app = Guard(
        make_app(service),
        limits=limits,
        metrics=service.metrics,
        token=address.token,
        hosts=address.names(),
    )
    config = uvicorn.Config(
        app,
        http=type("Protocol", (BoundedProtocol,), {"header_seconds": limits.body_seconds}),
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="error",  # a warning per malformed request would fill the log
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=limits.connections + 1,  # the first that is refused
        timeout_keep_alive=_IDLE_SECONDS,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
    )
    logging.getLogger("python_multipart").setLevel(logging.ERROR)
    return AnnouncedServer(config)


def serve(
    classifier: Classifier,
    listener: socket.socket,
    *,
    name: str,
    address: Address,
    limits: Limits,
    measured: Measured | None = None,
) -> None:
    """Answer requests until SIGTERM or Ctrl-C, then finish those in progress.

    Args:
        classifier: The network.
        listener: As `listen` gives it.
        name: Name of the network.
        address: Has the host and token.
        limits: Limits of requests.
        measured: The network's test accuracy, for the page.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)
    server = make_server(classifier, name=name, address=address, limits=limits, measured=measured)
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    if not address.is_local and address.token is None:
        to_stderr(
            f"thriftnet: {host} can be reached by other machines without a token; "
            "require one with --token-file"
        )
    views = NAMES[classifier.tta]
    server.announcement = f"{name} answers at http://{shown}:{port}/  ({views}; Ctrl-C ends it)"
    server.run(sockets=[listener])
