"""inspect: what a data set holds, before anything is trained on it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from thriftnet.cli.app import JsonOption, StrictOption, app, print_json
from thriftnet.commands import command
from thriftnet.errors import DataError


@app.command()
def inspect(
    data: Annotated[
        str, typer.Argument(metavar="DATA", help="Pictures as train --data takes them; or cifar10.")
    ],
    group: Annotated[
        str | None,
        typer.Option(help="What stays in one split: a column, folder, folder:DEPTH or a pattern."),
    ] = None,
    strict: StrictOption = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write a page, too.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Count classes, sizes, near-duplicates and what is left out, before training."""
    from thriftnet.data.inspection import inspect as count
    from thriftnet.data.options import DatasetSpec, SourceOptions
    from thriftnet.data.registry import open_dataset
    from thriftnet.files import write_whole
    from thriftnet.terminal.inspection import print_inspection
    from thriftnet.writable import check_writable

    if output is not None:
        check_writable(output, error=DataError, inputs=[Path(data)])
    spec = DatasetSpec(data, options=SourceOptions(group=group), strict=strict)
    said: list[str] = []
    opened = open_dataset(spec, say=said.append)
    assert opened.collection is not None  # every source has one
    collection = opened.collection()
    found = count(collection)
    if as_json:
        print_json(found.to_json(collection.title))
    else:
        print_inspection(found, collection.title)
    if output is not None:
        from thriftnet.report.inspection import inspection_page
        from thriftnet.report.page import render
        from thriftnet.report.style import figure_style

        with figure_style():
            page = inspection_page(collection, found, shown=command("inspect", data))
        write_whole(output, render(page), error=DataError)
        if not as_json:
            print(f"\nwrote {output}")
