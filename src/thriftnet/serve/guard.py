"""Checks of a request's headers, before its body is read."""

from __future__ import annotations

import hmac
import re
import time
from collections.abc import Collection, MutableMapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from thriftnet.hosts import host_of
from thriftnet.serve.limits import Limits
from thriftnet.serve.metrics import ServiceMetrics
from thriftnet.serve.problems import ProblemError

_OPEN = frozenset({"/", "/healthz", "/readyz"})
"""Paths without a token: the page contains no secrets, and probes have no token."""
_KNOWN = frozenset({*_OPEN, "/v1/predict", "/v1/model", "/metrics", "/openapi.json"})
_PREDICT = "/v1/predict"
_NUMBER = re.compile(rb"[0-9]{1,18}")


class Guard:
    """Middleware that checks token, host and length and counts answers.

    Args:
        app: The application.
        limits: Limits of the service.
        metrics: Counts answers.
        token: Required token; None: no token.
        hosts: Allowed hosts; None: any.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        limits: Limits,
        metrics: ServiceMetrics,
        token: str | None = None,
        hosts: Collection[str] | None = None,
    ) -> None:
        self.app = app
        self.limits = limits
        self.metrics = metrics
        self._token = None if token is None else token.encode()
        self._hosts = None if hosts is None else {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request or pass it on (ASGI)."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path: str = scope["path"]
        began = time.perf_counter()

        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start":
                predicted = path == _PREDICT and message["status"] == 200
                self.metrics.answered(
                    path if path in _KNOWN else "other",
                    message["status"],
                    time.perf_counter() - began if predicted else None,
                )
            await send(message)

        problem = self._judge(path, scope)
        if problem is not None:
            await problem.response()(scope, receive, counting)
            return
        if scope["method"] == "HEAD":  # FastAPI refuses it; uvicorn keeps the body back
            scope = {**scope, "method": "GET"}
        await self.app(scope, receive, counting)

    def _judge(self, path: str, scope: MutableMapping[str, Any]) -> ProblemError | None:
        length = host = authorization = b""
        for name, value in scope["headers"]:
            if name == b"content-length":
                length = value
            elif name == b"host":
                host = value
            elif name == b"authorization":
                authorization = value
        if self._hosts is not None and host_of(host.decode("latin-1")) not in self._hosts:
            return ProblemError(
                403,
                "this service only answers requests to its own host names; use http://127.0.0.1, "
                "or start it with a token or --allowed-host",
            )
        if self._token is not None and path not in _OPEN:
            scheme, _, given = authorization.partition(b" ")
            right = hmac.compare_digest(given.strip(), self._token)
            if scheme.lower() != b"bearer" or not right:
                return ProblemError(
                    401,
                    "send the service's token as Authorization: Bearer TOKEN",
                    headers={"WWW-Authenticate": "Bearer"},
                )
        return self._judge_length(length)

    def _judge_length(self, length: bytes) -> ProblemError | None:
        if not length:
            return None
        if not _NUMBER.fullmatch(length):
            return ProblemError(400, "Content-Length is not a number")
        if int(length) > self.limits.body_bytes:
            most = self.limits.body_bytes / 2**20
            return ProblemError(413, f"the body has more than {most:.1f} MiB; send it in parts")
        return None
