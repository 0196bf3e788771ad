"""audit: labels that are probably wrong, and pictures that teach nothing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from thriftnet.cli.app import JsonOption, SetOption, app, print_json
from thriftnet.cli.options.panels import OUTPUT, PREPARE, RECIPE
from thriftnet.commands import command
from thriftnet.terminal.work import working


@app.command(rich_help_panel=PREPARE)
def audit(
    data: Annotated[
        str, typer.Argument(metavar="DATA", help="Pictures as train --data takes them; or cifar10.")
    ],
    recipe: Annotated[
        str,
        typer.Option(
            "--recipe",
            metavar="RECIPE",
            help="Trains the networks that judge.",
            rich_help_panel=RECIPE,
        ),
    ] = "quick",
    folds: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="Networks; each judges what it did not see.",
            rich_help_panel=RECIPE,
        ),
    ] = 5,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="Default: audits/NAME. Resumable.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find labels that are probably wrong by networks that never saw their pictures."""
    name = Path(data).resolve().name if data != "cifar10" else data
    folder = output or Path("audits") / name
    with working(f"reading {data}") as doing:
        from thriftnet.audit.run import DECISIONS, PAGE
        from thriftnet.audit.run import audit as find
        from thriftnet.recipe import load_recipe
        from thriftnet.terminal.training import TrainingProgress

        changes = ["data.val_ratio=0", "train.select=final", *(overrides or ())]
        found = find(
            data,
            recipe=load_recipe(recipe, changes),
            folder=folder,
            folds=folds,
            progress=lambda: TrainingProgress(doing, quiet=as_json, then="judging the labels"),
        )
    if found is None:
        options = ["--recipe", recipe, "--folds", str(folds), "--output", str(folder)]
        options += [word for each in overrides or () for word in ("--set", each)]
        print(f"interrupted; resume with: {command('audit', data, *options)}", file=sys.stderr)
        raise typer.Exit(130)
    if as_json:
        print_json(found.to_json())
        return
    print(f"\n{found.pictures:,} pictures; networks that never saw them are right on ", end="")
    print(f"{found.accuracy:.1%}\n{len(found.suspects):,} to look at:")
    for reason, count in found.counts().items():
        print(f"  {count:>6,}  {reason}")
    print(f"\nopen {folder / PAGE}, decide, save {DECISIONS} into {folder}, and then:")
    print(command("train", "--data", data, "--decisions", folder / DECISIONS))
