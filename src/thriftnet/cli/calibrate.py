"""calibrate: probabilities that say how often they are right."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from thriftnet.cli.app import (
    DeviceOption,
    JsonOption,
    PrecisionOption,
    TargetArgument,
    app,
    find_target,
    print_json,
)
from thriftnet.cli.options.panels import OUTPUT, PICTURES, TRAIN
from thriftnet.errors import RunError
from thriftnet.terminal.work import working
from thriftnet.writable import check_writable


@app.command(rich_help_panel=TRAIN)
def calibrate(
    target: TargetArgument,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            metavar="PATH",
            help="Labelled images that it never saw.",
            rich_help_panel=PICTURES,
        ),
    ] = None,
    companion: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN",
            help="A run of the same recipe that held images out.",
            rich_help_panel=PICTURES,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write another model file.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    remove: Annotated[
        bool,
        typer.Option("--remove", help="Take the calibration away instead.", rich_help_panel=OUTPUT),
    ] = False,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Make probabilities say how often they are right, by images held out from training."""
    if remove and (data or companion):
        raise typer.BadParameter("--remove needs no images; leave out --data and --companion")
    if output is not None:
        check_writable(output, error=RunError)
    if remove:
        from thriftnet.evaluation.calibrate import remove_calibration

        path = remove_calibration(target, output)
        if as_json:
            print_json({"file": str(path)})
        else:
            print(f"took the calibration away from {path}")
        return
    find_target(target)

    with working(f"loading {target}") as doing:
        from thriftnet import api
        from thriftnet.terminal.calibration import print_calibration

        found = api.calibrate(
            target,
            data=data,
            companion=companion,
            output=output,
            device=device,
            precision=precision,
            on_progress=doing.counting("held-out images"),
        )
    if as_json:
        print_json(found.to_json())
    else:
        print_calibration(target, found)
