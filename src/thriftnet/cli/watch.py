"""watch: a training followed in the terminal and in the browser."""

from __future__ import annotations

import threading
from typing import Annotated

import typer

from thriftnet.cli.app import DataOption, JsonOption, app
from thriftnet.cli.options.completions import model_names
from thriftnet.cli.options.panels import OUTPUT, UNDERSTAND, option
from thriftnet.terminal.text import print_whole
from thriftnet.terminal.work import working


@app.command(rich_help_panel=UNDERSTAND)
def watch(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN",
            help="A run folder, shipped weights or a model file.",
            autocompletion=model_names,
        ),
    ],
    port: Annotated[
        int | None,
        option(
            OUTPUT,
            "N",
            "Also serve a live report on this local port; 0: any free port.",
            min=0,
            max=65535,
        ),
    ] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Follow a training until it ends; with --port, until Ctrl-C."""
    if data is not None and port is None:
        raise typer.BadParameter(
            "--data is for the pictures of the page; add --port, or leave it out"
        )

    if as_json and port is not None:
        raise typer.BadParameter("--json prints only the lines of a run; leave out --port")

    from thriftnet.terminal.watch import follow, follow_json
    from thriftnet.weights.adopt import find_or_adopt

    path = find_or_adopt(run)
    try:
        if port is None:
            (follow_json if as_json else follow)(path)
            return

        with working("starting the page"):
            from thriftnet.report.server import LiveServer

        with LiveServer(path, port=port, data=data) as server:
            print_whole(f"live report of {run}: {server.address}  (Ctrl-C ends it)")
            threading.Thread(target=server.serve_forever, daemon=True).start()
            try:
                follow(path, stay=True)
            finally:
                server.shutdown()
    except KeyboardInterrupt:
        pass  # Ctrl-C ends the display
