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
from thriftnet.cli.options.panels import OUTPUT, PICTURES, TRAIN, option
from thriftnet.errors import RunError
from thriftnet.terminal.text import print_whole
from thriftnet.terminal.work import working
from thriftnet.writable import check_writable


@app.command(rich_help_panel=TRAIN)
def calibrate(
    target: TargetArgument,
    data: Annotated[
        Path | None,
        option(PICTURES, "PATH", "Labelled images that MODEL was not trained on.", "--data"),
    ] = None,
    companion: Annotated[
        Path | None, option(PICTURES, "RUN", "A run of the same recipe with images held out.")
    ] = None,
    output: Annotated[
        Path | None,
        option(OUTPUT, "FILE", "Write the calibrated model to this file.", "--output", "-o"),
    ] = None,
    remove: Annotated[
        bool, option(OUTPUT, None, "Remove the calibration instead.", "--remove")
    ] = False,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Calibrate the probabilities of a network on held-out images."""
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
            print_whole(f"removed the calibration from {path}")
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
        print_calibration(target, found, output=output)
