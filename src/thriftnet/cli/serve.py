"""serve: a network as an HTTP service."""

from __future__ import annotations

import math
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Annotated

import typer

from thriftnet.cli.app import (
    AtLeastOption,
    DeviceOption,
    OutliersOption,
    PrecisionOption,
    RuntimeOption,
    TargetArgument,
    TtaOption,
    app,
    find_target,
)
from thriftnet.cli.options.panels import ACCESS, LIMITS, USE, option
from thriftnet.errors import RunError
from thriftnet.extras import require
from thriftnet.terminal.work import working

_PACKAGES = ("fastapi", "httptools", "prometheus_client", "python_multipart", "uvicorn")
"""Packages of the extra `serve`."""


@app.command(rich_help_panel=USE)
def serve(
    target: TargetArgument,
    host: Annotated[
        str, option(ACCESS, "ADDRESS", "Address to listen on. Default: this machine only.")
    ] = "127.0.0.1",
    port: Annotated[
        int, option(ACCESS, "N", "Port to listen on; 0: any free port.", min=0, max=65535)
    ] = 8000,
    token_file: Annotated[
        Path | None, option(ACCESS, "FILE", "Require the token in this file from clients.")
    ] = None,
    allowed_host: Annotated[
        list[str] | None,
        option(ACCESS, "NAME", "An additional host name of the service; may be repeated."),
    ] = None,
    max_body: Annotated[float, option(LIMITS, "MIB", "Largest size of a request.", min=0.01)] = 32,
    max_pictures: Annotated[int, option(LIMITS, "N", "Most pictures in a request.", min=1)] = 128,
    max_pixels: Annotated[
        float, option(LIMITS, "MEGAPIXELS", "Largest size of a picture.", min=0.01)
    ] = 50,
    max_requests: Annotated[
        int, option(LIMITS, "N", "Requests in progress at a time; further ones get 429.", min=1)
    ] = 256,
    timeout: Annotated[float, option(LIMITS, "SECONDS", "Time limit of a response.", min=0.1)] = 30,
    at_least: AtLeastOption = None,
    reject_outliers: OutliersOption = None,
    tta: TtaOption = None,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    runtime: RuntimeOption = None,
) -> None:
    """Serve predictions over HTTP until Ctrl-C or SIGTERM."""
    for flag, value in (
        ("--max-body", max_body),
        ("--max-pixels", max_pixels),
        ("--timeout", timeout),
    ):
        if not math.isfinite(value):
            raise typer.BadParameter(f"{flag} {value} is not a limit; give a number")
    found = find_target(target)
    require("serving needs", *_PACKAGES, extra="serve", error=RunError)

    with ExitStack() as held:
        with working(f"loading {target}"):
            import torch

            from thriftnet import api
            from thriftnet.export.measured import measured_accuracy
            from thriftnet.runtime.threads import own_threads
            from thriftnet.serve.limits import Limits
            from thriftnet.serve.server import Address, listen, read_token
            from thriftnet.serve.server import serve as serve_on

            token = None if token_file is None else read_token(token_file)
            address = Address(host, port, token=token, allowed_hosts=tuple(allowed_host or ()))
            limits = Limits(
                body_bytes=int(max_body * 2**20),
                pictures=max_pictures,
                pixels=int(max_pixels * 1e6),
                requests=max_requests,
                answer_seconds=timeout,
            )
            listener = held.enter_context(listen(address))  # before loading the network
            # As serve/workers.py asks; runtimes of ONNX keep the number that they are opened with.
            with own_threads(torch.get_num_threads() if found.is_onnx else 1):
                classifier = api.load_model(
                    target,
                    tta=tta,
                    device=device,
                    precision=precision,
                    at_least=at_least,
                    reject_outliers=reject_outliers,
                    runtime=runtime,
                )
            model = getattr(classifier, "model", None)  # of an ONNX file, none
            measured = None
            if model is not None:
                measured = measured_accuracy(model, found.run, classifier.tta)
        with suppress(KeyboardInterrupt):  # Ctrl-C ends the service
            serve_on(
                classifier,
                listener,
                name=found.title,
                address=address,
                limits=limits,
                measured=measured,
            )
