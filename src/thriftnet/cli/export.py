"""export, push, pull: a trained network for other programs and other people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from thriftnet.cli.app import JsonOption, TargetArgument, app, find_target, print_json

ExportTtaOption = Annotated[
    bool, typer.Option("--tta", help="Keep the recipe's views of each picture in the export.")
]


@app.command()
def export(
    model: TargetArgument,
    to: Annotated[
        str,
        typer.Option(
            "--to", metavar="KIND", help="onnx, onnx-int8, page, page-fp32, torch-export or folder."
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="PATH", help="Default: the network's name, here."),
    ] = None,
    tta: ExportTtaOption = False,
    reduce_range: Annotated[
        bool,
        typer.Option("--reduce-range", help="7-bit int8 weights, for CPUs without VNNI."),
    ] = False,
    calibration: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Pictures for int8 ranges and for the comparison, instead of the training images.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Export a network; it runs in its own runtime and is compared before it is kept."""
    find_target(model)

    from thriftnet import api
    from thriftnet.terminal.counting import counting
    from thriftnet.terminal.exports import print_export

    with counting("pictures compared", shown=not as_json) as on_progress:
        exported = api.export_model(
            model,
            to=to,
            output=output,
            tta=tta,
            reduce_range=reduce_range,
            calibration=calibration,
            on_progress=on_progress,
        )
    if as_json:
        print_json(exported.to_json())
    else:
        print_export(exported)


@app.command()
def push(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="What export takes, or a folder that it wrote.")
    ],
    repo: Annotated[str, typer.Argument(metavar="REPO", help="OWNER/NAME on the hub.")],
    private: Annotated[
        bool, typer.Option("--private", help="A new repository is not public.")
    ] = False,
    message: Annotated[str | None, typer.Option("--message", "-m", help="Of the commit.")] = None,
    tta: ExportTtaOption = False,
) -> None:
    """Upload a network to Hugging Face's hub as a folder."""
    find_target(model)

    from thriftnet import api
    from thriftnet.terminal.counting import counting

    with counting("pictures compared") as on_progress:
        address = api.push(
            model, repo, private=private, message=message, tta=tta, on_progress=on_progress
        )
    print(f"uploaded to {address}")


@app.command()
def pull(
    repo: Annotated[str, typer.Argument(metavar="REPO", help="OWNER/NAME on the hub.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FOLDER", help="Default: the repository's name."),
    ] = None,
    revision: Annotated[
        str | None, typer.Option(help="A branch, tag or commit. Default: the newest.")
    ] = None,
) -> None:
    """Download a network from Hugging Face's hub."""
    from thriftnet import api
    from thriftnet.commands import command

    path = api.pull(repo, output=output, revision=revision)
    print(f"wrote {path}\nnext: {command('predict', path)} IMAGE...")
