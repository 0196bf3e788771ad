"""watch: a training followed in the terminal and in the browser."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Annotated

import typer

from thriftnet.cli.app import DataOption, app


@app.command()
def watch(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            help="Also serve the report on this port of this machine, updating; 0: a free one.",
        ),
    ] = None,
    data: DataOption = None,
) -> None:
    """Follow a training until it ends; with --port, until Ctrl-C."""
    if data is not None and port is None:
        raise typer.BadParameter("--data is for the page's pictures; add --port, or leave it out")

    from thriftnet.terminal.watch import follow

    try:
        if port is None:
            follow(run)
            return

        from thriftnet.report.server import LiveServer

        with LiveServer(run, port=port, data=data) as server:
            print(f"the report of {run}, updating: {server.address}  (Ctrl-C ends it)", flush=True)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            try:
                follow(run, stay=True)
            finally:
                server.shutdown()
    except KeyboardInterrupt:
        pass  # Ctrl-C ends the display
