"""compare: which of several recipes is better, and whether that can be shown."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from thriftnet.cli.app import JsonOption, app, print_json
from thriftnet.cli.options.completions import model_names
from thriftnet.cli.options.panels import COMPUTING, PICTURES, UNDERSTAND, option
from thriftnet.plain import to_stderr
from thriftnet.terminal.work import working


@app.command(rich_help_panel=UNDERSTAND)
def compare(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN...",
            help="Run folders (those of one recipe are its seeds), shipped weights or model files "
            "(evaluated once).",
            autocompletion=model_names,
        ),
    ],
    tta: Annotated[
        str | None,
        option(
            COMPUTING,
            "VIEWS",
            "Compare with this test-time augmentation. Default: each recipe's own.",
            "--tta",
        ),
    ] = None,
    metric: Annotated[
        str,
        option(
            COMPUTING, "METRIC", "accuracy, or balanced_accuracy: the mean recall of the classes."
        ),
    ] = "accuracy",
    data: Annotated[Path | None, option(PICTURES, "PATH", "Test images of model files.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Compare runs over seeds: intervals, a significance test, a verdict."""
    with working(f"comparing {'1 run' if len(runs) == 1 else f'{len(runs)} runs'}") as doing:
        from thriftnet.comparison.compare import compare
        from thriftnet.terminal.compare import print_comparison

        count = doing.counting("test images")
        found = compare(runs, tta=tta, metric=metric, data=data, on_progress=count)
    if as_json:
        print_json(found.to_json())
    else:
        print_comparison(found)
    for reason in found.left_out:
        to_stderr(f"thriftnet: left out: {reason}")
    if found.incomparable_reason and len(found.groups) > 1:  # of one run the line above says it
        to_stderr(f"thriftnet: not compared: {found.incomparable_reason}")
    if found.left_out or found.incomparable_reason:
        raise typer.Exit(2)
