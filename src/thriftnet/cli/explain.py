"""explain: where in a picture the network found its answer, and the nearest training images."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from thriftnet.cli.app import (
    DeviceOption,
    JsonOption,
    PrecisionOption,
    TargetArgument,
    TtaOption,
    app,
    find_target,
    print_json,
)
from thriftnet.cli.options.panels import OUTPUT, PICTURES, USE, option
from thriftnet.errors import RunError
from thriftnet.files import open_regular
from thriftnet.plain import plain, to_stderr
from thriftnet.terminal.text import print_whole
from thriftnet.terminal.work import working
from thriftnet.writable import check_folder, check_writable, is_page

_MARK = "thriftnet explain"
"""In each map, which tells it from pictures."""
_HEAD_BYTES = 2**10
_LONGEST = 200
"""Bytes of a picture's name in that of its map."""


@app.command(rich_help_panel=USE)
def explain(
    target: TargetArgument,
    inputs: Annotated[
        list[Path], typer.Argument(metavar="IMAGE_OR_FOLDER...", help="Image files and folders.")
    ],
    output: Annotated[Path, option(OUTPUT, "FILE", "The page to write.", "--output", "-o")] = Path(
        "explanation.html"
    ),
    maps: Annotated[
        Path | None, option(OUTPUT, "DIR", "Also write each map as a PNG there.")
    ] = None,
    nearest: Annotated[
        int, option(PICTURES, "N", "Training images to show for each picture; 0: none.", min=0)
    ] = 5,
    data: Annotated[
        Path | None,
        option(PICTURES, "PATH", "Path of the training images, if they were moved.", "--data"),
    ] = None,
    tta: TtaOption = None,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Write a page that explains predictions: class-activation maps and nearest training images."""
    if data is not None and not nearest:
        raise typer.BadParameter("--data is for the training images, which --nearest 0 leaves out")
    check_writable(output, error=RunError, inputs=inputs, ours=partial(is_page, of="explain"))
    if maps is not None:
        _check_maps(maps, inputs)
    find_target(target)
    from thriftnet.data.pictures import check_there

    check_there(*inputs)  # before a network is loaded

    with working(f"loading {target}, its training images and the pictures") as work:
        from thriftnet.explain.page import explanation_page
        from thriftnet.explain.run import explain as find
        from thriftnet.files import write_whole
        from thriftnet.html.pictures import png_bytes
        from thriftnet.terminal.explain import print_explanations

        explained = find(
            target,
            inputs,
            data=data,
            count=nearest,
            tta=tta,
            device=device,
            precision=precision,
            on_progress=work.counting("training images"),
        )
    for line in explained.unreadable:
        to_stderr(f"thriftnet: {line}")
    found = explained.pictures
    if found:
        write_whole(output, explanation_page(target, explained), error=RunError)
        for number, each in enumerate(found if maps is not None else (), start=1):
            assert maps is not None
            maps.mkdir(parents=True, exist_ok=True)
            name = f"{number:03d}-{_shortened(each.path.stem)}.png"
            write_whole(maps / name, png_bytes(each.overlay, made_by=_MARK), error=RunError)
    if as_json:
        print_json([each.to_json() for each in found])
    elif found:
        print_explanations(found)
        also = f" and {plain(str(maps))}" if maps else ""
        print_whole(f"wrote {plain(str(output))}{also}")
    if explained.unreadable:
        raise typer.Exit(2)


def _shortened(name: str) -> str:
    """A name that leaves room for what is added to it: file systems allow 255 bytes."""
    return os.fsencode(name)[:_LONGEST].decode("utf-8", "ignore")


def _check_maps(maps: Path, inputs: list[Path]) -> None:
    """Check that the maps replace no picture and do not come among those to explain.

    Raises:
        RunError: They would, or the folder cannot be written.
    """
    check_folder(maps, error=RunError)
    for each in inputs:
        if each.is_dir() and maps.resolve().is_relative_to(each.resolve()):
            raise RunError(f"{maps} is inside {each}, which has the pictures; choose another")
    if maps.is_dir() and not all(map(_is_map, maps.iterdir())):
        raise RunError(f"{maps} has files that are not maps; give --maps another folder")


def _is_map(path: Path) -> bool:
    try:
        with open_regular(path) as file:
            return _MARK.encode() in file.read(_HEAD_BYTES)
    except OSError:
        return False
