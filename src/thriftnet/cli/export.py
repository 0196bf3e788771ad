"""export, push, pull: a trained network for other programs and other people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from thriftnet.cli.app import JsonOption, TargetArgument, app, find_target, print_json
from thriftnet.cli.options.panels import COMPUTING, OUTPUT, PICTURES, USE, option
from thriftnet.export.kinds import check_kind
from thriftnet.terminal.text import print_whole
from thriftnet.terminal.work import working

ExportTtaOption = Annotated[
    bool, option(COMPUTING, None, "Include the recipe's test-time augmentation.", "--tta")
]


@app.command(rich_help_panel=USE)
def export(
    model: TargetArgument,
    to: Annotated[
        str,
        option(
            OUTPUT,
            "KIND",
            "page or page-fp32: one HTML file that classifies in a browser; onnx or onnx-int8; "
            "torch-export; litert or executorch, for phones; folder, for Hugging Face's hub.",
            "--to",
        ),
    ],
    output: Annotated[
        Path | None,
        option(OUTPUT, "PATH", "Default: the network's name, in this folder.", "--output", "-o"),
    ] = None,
    tta: ExportTtaOption = False,
    reduce_range: Annotated[
        bool,
        option(COMPUTING, None, "7-bit int8 weights, for CPUs without VNNI.", "--reduce-range"),
    ] = False,
    calibration: Annotated[
        Path | None,
        option(
            PICTURES,
            "FOLDER",
            "Pictures for int8 ranges and for the comparison, instead of the training images.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Export a network, for instance as ONNX or an HTML page, and verify the export."""
    check_kind(to)
    find_target(model)
    with working(f"exporting {model} to {to}") as doing:
        from thriftnet import api
        from thriftnet.terminal.exports import print_export

        exported = api.export_model(
            model,
            to=to,
            output=output,
            tta=tta,
            reduce_range=reduce_range,
            calibration=calibration,
            on_progress=doing.counting("predictions compared"),
        )
    if as_json:
        print_json(exported.to_json())
    else:
        print_export(exported)


@app.command(rich_help_panel=USE)
def push(
    model: Annotated[
        str,
        typer.Argument(metavar="MODEL", help="Any model that export takes, or an exported folder."),
    ],
    repo: Annotated[str, typer.Argument(metavar="REPO", help="OWNER/NAME on the hub.")],
    private: Annotated[
        bool, option(None, None, "Make a new repository private.", "--private")
    ] = False,
    message: Annotated[
        str | None, option(None, "TEXT", "Commit message.", "--message", "-m")
    ] = None,
    tta: ExportTtaOption = False,
    as_json: JsonOption = False,
) -> None:
    """Upload a network to Hugging Face's hub as a folder."""
    find_target(model)
    with working(f"exporting and uploading {model}") as doing:
        from thriftnet import api

        counted = doing.counting("predictions compared")
        address = api.push(
            model, repo, private=private, message=message, tta=tta, on_progress=counted
        )
    if as_json:
        print_json({"address": address})
    else:
        print_whole(f"uploaded to {address}")


@app.command(rich_help_panel=USE)
def pull(
    repo: Annotated[str, typer.Argument(metavar="REPO", help="OWNER/NAME on the hub.")],
    output: Annotated[
        Path | None, option(OUTPUT, "FOLDER", "Default: the repository's name.", "--output", "-o")
    ] = None,
    revision: Annotated[
        str | None, option(None, "NAME", "A branch, tag or commit. Default: the newest.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Download a network from Hugging Face's hub."""
    with working(f"downloading {repo}"):
        from thriftnet import api
        from thriftnet.commands import command

        path = api.pull(repo, output=output, revision=revision)
    if as_json:
        print_json({"path": str(path)})
        return
    print_whole(f"wrote {path}")
    print_whole(f"next: {command('predict', path)} IMAGE...")
