"""inspect: what a data set holds, before anything is trained on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from thriftnet.cli.app import GroupOption, JsonOption, StrictOption, app, print_json
from thriftnet.cli.options.panels import OUTPUT, PICTURES, PREPARE, option
from thriftnet.commands import command
from thriftnet.errors import DataError
from thriftnet.terminal.text import print_whole
from thriftnet.terminal.work import working

if TYPE_CHECKING:
    from thriftnet.data.inspection import Collection, Inspection


@app.command(rich_help_panel=PREPARE)
def inspect(
    data: Annotated[
        str,
        typer.Argument(metavar="DATA", help="Pictures in any format of train --data, or cifar10."),
    ],
    group: GroupOption = None,
    overrides: Annotated[
        list[str] | None,
        option(PICTURES, "KEY=VALUE", "A recipe key of data, such as data.image_size=64.", "--set"),
    ] = None,
    strict: StrictOption = False,
    output: Annotated[
        Path | None, option(OUTPUT, "FILE", "Also write an HTML page.", "--output", "-o")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Count classes, sizes, near-duplicates and omitted files of a data set."""
    from thriftnet.data.registry import check_dataset
    from thriftnet.recipe.overrides import merge_override, parse_override
    from thriftnet.terminal.inspection import print_inspection
    from thriftnet.writable import check_writable, is_page

    check_dataset(data)
    if output is not None:
        check_writable(
            output, error=DataError, inputs=[Path(data)], ours=partial(is_page, of="inspect")
        )
    tree: dict[str, Any] = {"name": "inspect", "data": {"dataset": data, "group": group}}
    for key, value in map(parse_override, overrides or ()):
        if not key.startswith("data."):
            raise typer.BadParameter(f"--set {key}: only keys of data, such as data.image_size")
        merge_override(tree, key, value)
    with working(f"reading {data}"):
        collection, found = _count(tree, strict=strict)
    if as_json:
        print_json(found.to_json(collection.title))
    else:
        print_inspection(found, collection.title)
    if output is not None:
        with working("drawing the page"):
            _write_page(output, collection, found, shown=command("inspect", data))
        if not as_json:
            print()
            print_whole(f"wrote {output}")
    if not as_json:
        print()
        print_whole(f"next: {_training(data, group, overrides or ())}")


def _training(data: str, group: str | None, overrides: Sequence[str]) -> str:
    """The command that trains on what was inspected."""
    from thriftnet.data.registry import DATASETS

    settings = [*overrides, *([] if group is None else [f"data.group={group}"])]
    if data in DATASETS and data != "cifar10":  # that of the shipped recipes
        settings.insert(0, f"data.dataset={data}")
    own = [] if data in DATASETS else ["--data", data]
    return command("train", *own, *(word for each in settings for word in ("--set", each)))


def _count(tree: dict[str, Any], *, strict: bool) -> tuple[Collection, Inspection]:
    """The pictures that a recipe names, and what they hold."""
    from thriftnet.data.inspection import inspect as count
    from thriftnet.data.registry import open_dataset
    from thriftnet.recipe import build_recipe
    from thriftnet.training.data import data_spec

    said: list[str] = []  # of what is left out, which is counted
    opened = open_dataset(
        replace(data_spec(build_recipe(tree).data), strict=strict), say=said.append
    )
    assert opened.collection is not None  # every source has one
    collection = opened.collection()
    return collection, count(collection)


def _write_page(output: Path, collection: Collection, found: Inspection, *, shown: str) -> None:
    from thriftnet.files import write_whole
    from thriftnet.report.inspection import inspection_page
    from thriftnet.report.page import render
    from thriftnet.report.style import figure_style

    with figure_style():
        page = inspection_page(collection, found, shown=shown)
    write_whole(output, render(page), error=DataError)
