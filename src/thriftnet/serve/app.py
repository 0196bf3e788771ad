"""Routes of the service and its OpenAPI document."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any
from urllib.parse import parse_qsl

from fastapi import FastAPI
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from thriftnet.explain.activation import class_activation
from thriftnet.runtime.threads import own_threads
from thriftnet.serve import metrics, schemas
from thriftnet.serve.page import service_page
from thriftnet.serve.problems import ProblemError
from thriftnet.serve.schemas import ModelDescription, Predictions, State, problems
from thriftnet.serve.service import Service, answer_of
from thriftnet.serve.workers import PictureJob

_PREDICT = "/v1/predict"
_FLAGS = {"true": True, "1": True, "false": False, "0": False}
_PAGE_HEADERS = {
    "Content-Security-Policy": "frame-ancestors 'none'",  # the page says the rest
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
_DETAILS = {
    404: "there is no such path; /openapi.json lists all of them",
    405: "this path does not take this method; /openapi.json lists those of each path",
}
"""In place of Starlette's details, which repeat the title."""
_GONE = 499
"""Status that nginx logs for a client that left; never received."""
_log = logging.getLogger("thriftnet.serve")


def make_app(service: Service) -> ASGIApp:
    """Make the application of a service, without its guard."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        async with service.running():
            yield

    app = FastAPI(
        title="thriftnet",
        summary=f"Classifies pictures with {service.name}.",
        version="1",
        lifespan=lifespan,
        max_body_size=service.limits.body_bytes,
        docs_url=None,  # their scripts come from another host
        redoc_url=None,
    )
    app.add_exception_handler(ProblemError, _on_problem)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(Exception, _on_failure)
    predict = _add_prediction(app, service)
    _add_facts(app, service)
    return DirectPath(app, predict, max_body_size=service.limits.body_bytes)


class DirectPath:
    """Calls the function for predictions directly; FastAPI handles everything else (ASGI).

    FastAPI's routing takes more time than everything else that a small picture needs outside the
    network. It still describes the function and would give the same answers.

    Args:
        app: Application for all other routes.
        predict: Answers `POST /v1/predict`.
        max_body_size: Limit of a request in bytes.
    """

    def __init__(
        self,
        app: ASGIApp,
        predict: Callable[[Request], Awaitable[Response]],
        *,
        max_body_size: int,
    ) -> None:
        self.app = app
        self.predict = predict
        self._bounded = RequestBodyLimitMiddleware(self._answer, max_body_size)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        direct = scope["type"] == "http" and scope["path"] == _PREDICT and scope["method"] == "POST"
        await (self._bounded if direct else self.app)(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        try:
            response = await self.predict(request)
        except ProblemError as error:
            response = error.response()
        except HTTPException as error:
            response = await _on_http_error(request, error)
        except Exception as error:
            _log.exception("a request failed")
            response = await _on_failure(request, error)
        await response(scope, receive, send)


def _add_prediction(
    app: FastAPI, service: Service
) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    async def predict(request: Request) -> Response:
        """Send one picture, a form with fields named `pictures`, or JSON with base64."""
        explained = _wants_activation(request)
        try:
            with service.admitted(_declared_length(request)):
                pictures = await service.read(request)
                if explained and len(pictures) > 1:
                    raise ProblemError(
                        400, "activation maps are for one picture per request; send them one by one"
                    )
                if explained and not service.explains:
                    raise ProblemError(
                        400, "this network has no activation maps; leave out activation"
                    )
                found, job = await service.predict(pictures, request, keep_pixels=explained)
                answer = answer_of(found, pictures)
                if explained:
                    answer["predictions"][0]["activation"] = await asyncio.to_thread(
                        _explain, service, job, found[0].index
                    )
        except ClientDisconnect:
            return Response(status_code=_GONE)
        return Response(to_json(answer), media_type="application/json")

    app.add_api_route(
        _PREDICT,
        predict,
        methods=["POST"],
        summary="Classify one picture or several",
        response_model=None,
        responses={200: {"model": Predictions}, **problems(400, 401, 408, 413, 415, 422, 429)},
        openapi_extra={"requestBody": schemas.REQUEST_BODY, "parameters": schemas.PARAMETERS},
    )
    return predict


def _explain(service: Service, job: PictureJob, index: int) -> dict[str, Any]:
    """The network's input for the only picture of a job, with its activation map."""
    pixels = job.pixels[0]
    assert pixels is not None
    assert service.model is not None
    with own_threads(1):  # as `workers` asks
        grid = class_activation(service.model, pixels, index)
    seen = base64.b64encode(pixels.tobytes()).decode()
    return {"grid": grid.tolist(), "size": len(pixels), "pixels": seen}


def _add_facts(app: FastAPI, service: Service) -> None:
    async def model() -> ModelDescription:
        """The network, its preprocessing and the limits of requests."""
        classifier, test = service.classifier, service.classifier.outlier_test
        return ModelDescription(
            name=service.name,
            digest=classifier.digest,
            parameters=service.model.parameters if service.model else None,
            precision=classifier.compute.precision,
            device=classifier.compute.device.type,
            activation=service.explains,
            reject_outliers=test.share if test else None,
            preprocessing=classifier.preprocessing.contract(),
            limits=asdict(service.limits),
        )

    async def healthz() -> State:
        """200 while the process is alive."""
        return State(status="ok")

    async def readyz() -> State:
        """200 while the network is loaded and the queue has room; otherwise 503."""
        if not service.ready:
            raise ProblemError(503, "the queue is full or the network is not ready; try again")
        return State(status="ready")

    async def figures() -> Response:
        """Metrics in Prometheus's text format."""
        return Response(service.metrics.text(), headers={"Content-Type": metrics.CONTENT_TYPE})

    page = service_page(service)

    async def start() -> Response:
        return HTMLResponse(page, headers=_PAGE_HEADERS)

    get, ok = app.add_api_route, {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}
    get("/v1/model", model, summary="The network", responses=problems(401))
    get("/healthz", healthz, summary="Whether the process is alive")
    get("/readyz", readyz, summary="Whether requests are accepted", responses=problems(503))
    get(
        "/metrics",
        figures,
        summary="Metrics for Prometheus",
        response_model=None,
        responses={**ok, **problems(401)},
    )
    get("/", start, response_model=None, include_in_schema=False)


def _declared_length(request: Request) -> int | None:
    """The declared length; the guard has checked that it is a number."""
    declared = request.headers.get("content-length")
    return None if declared is None else int(declared)


def _wants_activation(request: Request) -> bool:
    """Parse the query.

    Raises:
        ProblemError: It has a key other than `activation`.
    """
    query: bytes = request.scope["query_string"]
    if not query:
        return False
    found = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))
    value = _FLAGS.get(found.pop("activation", "false").lower())
    if found or value is None:
        raise ProblemError(400, "the only query parameter is activation, true or false")
    return value


async def _on_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    return error.response()


async def _on_http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    detail = _DETAILS.get(error.status_code, error.detail)
    return ProblemError(error.status_code, detail, headers=headers).response()


async def _on_failure(_: Request, error: Exception) -> Response:
    detail = f"internal error ({type(error).__name__}); the log of the service has the details"
    return ProblemError(500, detail).response()
