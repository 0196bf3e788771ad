"""Handles prediction requests: admission, body, decoding, answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from starlette.requests import ClientDisconnect, Request

from thriftnet.export.measured import Measured
from thriftnet.inference.classifier import Classifier
from thriftnet.inference.prediction import Prediction
from thriftnet.models.saved import SavedModel
from thriftnet.models.stages import has_stages
from thriftnet.plain import plain
from thriftnet.serve.body import PictureBytes, pictures_of
from thriftnet.serve.limits import Limits
from thriftnet.serve.metrics import ServiceMetrics
from thriftnet.serve.problems import PictureFault, ProblemError
from thriftnet.serve.workers import PictureJob, Workers

_SMALL_BODY = 2**18
"""Forms up to this size in bytes are parsed directly, not in a thread."""
_LOOK_SECONDS = 0.5
"""Seconds between checks that the client of a waiting request is still connected."""
_log = logging.getLogger("thriftnet.serve")


class Service:
    """Answers prediction requests; all methods run in one event loop.

    Args:
        classifier: The network.
        name: Name of the network.
        limits: Limits of the service.
        measured: The network's test accuracy, for the page.
    """

    def __init__(
        self,
        classifier: Classifier,
        *,
        name: str,
        limits: Limits,
        measured: Measured | None = None,
    ) -> None:
        self.classifier = classifier
        self.contract = classifier.preprocessing
        self.name = name
        self.measured = measured
        self.limits = limits
        self.model: SavedModel | None = getattr(classifier, "model", None)
        """None for an ONNX file."""
        self.metrics = ServiceMetrics()
        self.requests = 0
        """Requests being read, waiting or being answered."""
        self.held_bytes = 0
        """Bytes of their bodies, read or declared."""
        self._futures: dict[PictureJob, asyncio.Future[None]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self.workers = Workers(
            classifier,
            max_pixels=limits.pixels,
            deliver=self._deliver,
            watcher=self.metrics,
        )
        self.metrics.watch("waiting_pictures", "Pictures waiting for the network.", self._waiting)
        self.metrics.watch("open_requests", "Requests in progress.", lambda: self.requests)
        self.metrics.watch("held_bytes", "Bytes of their bodies.", lambda: self.held_bytes)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Answer requests during the block, and finish those in progress at its end."""
        self._loop = asyncio.get_running_loop()
        self.workers.start()
        try:
            yield
        finally:
            await asyncio.to_thread(self.workers.close)

    @property
    def explains(self) -> bool:
        """Whether it can give activation maps."""
        return self.model is not None and has_stages(self.model.network)

    @property
    def ready(self) -> bool:
        """Whether it can answer requests."""
        return self.workers.alive and self.requests < self.limits.requests

    @contextmanager
    def admitted(self, declared: int | None) -> Generator[None]:
        """Reserve capacity for a request, from before its body is read until its answer.

        Args:
            declared: Length of the body; None if unknown: the limit is reserved.

        Raises:
            ProblemError: There is no capacity (429).
        """
        size = self.limits.body_bytes if declared is None else declared
        full = self.requests >= self.limits.requests
        if full or (self.requests and self.held_bytes + size > self.limits.waiting_bytes):
            raise ProblemError(
                429,
                "too many requests are waiting; try again in a second",
                headers={"Retry-After": "1"},
            )
        self.requests += 1
        self.held_bytes += size
        try:
            yield
        finally:
            self.requests -= 1
            self.held_bytes -= size

    async def read(self, request: Request) -> list[PictureBytes]:
        """The pictures of a request.

        Raises:
            ProblemError: The body is late, wrong or too large.
            ClientDisconnect: Nobody waits for an answer.
        """
        encoding = request.headers.get("content-encoding", "identity").strip().lower()
        if encoding != "identity":
            raise ProblemError(
                415,
                f"the body is sent as {plain(encoding)}; send its bytes as they are",
                headers={"Accept-Encoding": "identity"},
            )
        try:
            async with asyncio.timeout(self.limits.body_seconds):
                body = await request.body()
        except TimeoutError:
            raise ProblemError(
                408,
                f"the body did not arrive within {self.limits.body_seconds:g} s; send it again",
                headers={"Connection": "close"},
            ) from None
        kind = request.headers.get("content-type")
        if len(body) <= _SMALL_BODY:
            return pictures_of(body, kind, self.limits)
        return await asyncio.to_thread(pictures_of, body, kind, self.limits)

    async def predict(
        self, pictures: list[PictureBytes], request: Request, *, keep_pixels: bool = False
    ) -> tuple[list[Prediction], PictureJob]:
        """The prediction of each picture.

        Raises:
            ProblemError: A picture cannot be read, or the time is over.
            ClientDisconnect: Nobody waits for an answer.
        """
        job = PictureJob(pictures, keep_pixels=keep_pixels)
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._futures[job] = done
        self.workers.submit(job)
        try:
            await self._wait(job, done, request)
        finally:
            job.abandoned = not done.done()
            self._futures.pop(job, None)
        if job.failure is not None:
            _log.error("a batch failed: %r", job.failure)
            raise ProblemError(500, "the network failed; the log of the service has the reason")
        if job.faults:
            raise _unreadable(job)
        how = self.contract
        found = [
            Prediction.of(row, how.classes, how.threshold, outlier=outlier)
            for row, outlier in zip(job.rows, job.outliers, strict=True)
            if row is not None
        ]
        return found, job

    async def _wait(self, job: PictureJob, done: asyncio.Future[None], request: Request) -> None:
        end = asyncio.get_running_loop().time() + self.limits.answer_seconds
        while True:
            await asyncio.wait((done,), timeout=_LOOK_SECONDS)
            if done.done():
                return
            if await request.is_disconnected():
                raise ClientDisconnect
            if asyncio.get_running_loop().time() > end:
                raise _too_late(job, self.limits.answer_seconds)

    def _deliver(self, jobs: list[PictureJob]) -> None:
        """Pass finished jobs from a thread to the event loop."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._resolve, jobs)

    def _resolve(self, jobs: list[PictureJob]) -> None:
        for job in jobs:
            done = self._futures.get(job)
            if done is not None and not done.done():
                done.set_result(None)

    def _waiting(self) -> float:
        return float(self.workers.waiting)


def answer_of(found: list[Prediction], pictures: list[PictureBytes]) -> dict[str, Any]:
    """The body of an answer, for JSON."""
    named = zip(found, pictures, strict=True)
    return {"predictions": [{"name": each.name, **one.to_json()} for one, each in named]}


def _unreadable(job: PictureJob) -> ProblemError:
    """The error for a request with unreadable pictures; it names each of them."""
    faults = [
        PictureFault(index=place, name=job.pictures[place].name, detail=detail)
        for place, detail in sorted(job.faults.items())
    ]
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return ProblemError(422, f"{faults[0].detail}{more}", pictures=faults)


def _too_late(job: PictureJob, seconds: float) -> ProblemError:
    place = job.decoding
    if place is None:
        return ProblemError(
            429,
            f"the service was too busy to answer within {seconds:g} s; try again",
            headers={"Retry-After": "1"},
        )
    name = job.pictures[place].name
    detail = f"{name} takes more than {seconds:g} s to decode; make it smaller"
    return ProblemError(422, detail, pictures=[PictureFault(index=place, name=name, detail=detail)])
