"""inspect: what a data set holds, before anything is trained on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

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
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="A recipe key of data, such as data.image_size=64."
        ),
    ] = None,
    strict: StrictOption = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write a page, too.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Count classes, sizes, near-duplicates and what is left out, before training."""
    from thriftnet.data.inspection import inspect as count
    from thriftnet.data.registry import open_dataset
    from thriftnet.files import write_whole
    from thriftnet.recipe import build_recipe
    from thriftnet.recipe.overrides import merge_override, parse_override
    from thriftnet.terminal.inspection import print_inspection
    from thriftnet.training.data import data_spec
    from thriftnet.writable import check_writable

    if output is not None:
        check_writable(output, error=DataError, inputs=[Path(data)])
    tree: dict[str, Any] = {"name": "inspect", "data": {"dataset": data, "group": group}}
    for key, value in map(parse_override, overrides or ()):
        if not key.startswith("data."):
            raise typer.BadParameter(f"--set {key} is no key of data, such as data.image_size")
        merge_override(tree, key, value)
    spec = replace(data_spec(build_recipe(tree).data), strict=strict)
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
