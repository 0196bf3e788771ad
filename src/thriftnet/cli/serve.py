"""serve: a network as an HTTP service."""

from __future__ import annotations

from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from thriftnet.cli.app import (
    AtLeastOption,
    DeviceOption,
    PrecisionOption,
    RuntimeOption,
    TargetArgument,
    TtaOption,
    app,
    find_target,
)
from thriftnet.cli.options.panels import ACCESS, LIMITS, USE
from thriftnet.errors import RunError
from thriftnet.terminal.work import working

_PACKAGES = ("fastapi", "httptools", "prometheus_client", "python_multipart", "uvicorn")
"""Of the extra."""


@app.command(rich_help_panel=USE)
def serve(
    target: TargetArgument,
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="Address to listen at. Default: this machine alone.",
            rich_help_panel=ACCESS,
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=0,
            max=65535,
            help="Port to listen at; 0: a free one.",
            rich_help_panel=ACCESS,
        ),
    ] = 8000,
    token_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Ask each client for the token in this file.",
            rich_help_panel=ACCESS,
        ),
    ] = None,
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A name that clients may use; may be repeated.",
            rich_help_panel=ACCESS,
        ),
    ] = None,
    max_body: Annotated[
        float,
        typer.Option(metavar="MIB", min=0.01, help="Of a request.", rich_help_panel=LIMITS),
    ] = 32,
    max_pictures: Annotated[
        int, typer.Option(metavar="N", min=1, help="In a request.", rich_help_panel=LIMITS)
    ] = 128,
    max_pixels: Annotated[
        float,
        typer.Option(metavar="MEGAPIXELS", min=0.01, help="Of a picture.", rich_help_panel=LIMITS),
    ] = 50,
    max_requests: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=1,
            help="That wait at a time; others are told to come again.",
            rich_help_panel=LIMITS,
        ),
    ] = 256,
    timeout: Annotated[
        float,
        typer.Option(metavar="SECONDS", min=0.1, help="For an answer.", rich_help_panel=LIMITS),
    ] = 30,
    at_least: AtLeastOption = None,
    tta: TtaOption = None,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    runtime: RuntimeOption = None,
) -> None:
    """Answer pictures with predictions over HTTP, until Ctrl-C or SIGTERM."""
    find_target(target)
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        raise RunError(f"serving needs {missing[0]}; pip install 'thriftnet[serve]'")

    with working(f"loading {target}"):
        from thriftnet import api
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
        listener = listen(address)  # before loading the network
        classifier = api.load_model(
            target,
            tta=tta,
            device=device,
            precision=precision,
            at_least=at_least,
            runtime=runtime,
        )
    with suppress(KeyboardInterrupt):  # Ctrl-C ends the service
        serve_on(classifier, listener, name=Path(target).name, address=address, limits=limits)
