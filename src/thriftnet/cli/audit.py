"""audit: labels that are probably wrong, and unusable pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from thriftnet.cli.app import JsonOption, SetOption, app, print_json
from thriftnet.cli.options.panels import OUTPUT, PREPARE, RECIPE, option
from thriftnet.commands import command
from thriftnet.plain import to_stderr
from thriftnet.terminal.text import print_facts, print_whole
from thriftnet.terminal.work import working

_WEAK = 0.5
"""Accuracy below which networks are too weak to judge labels."""


@app.command(rich_help_panel=PREPARE)
def audit(
    data: Annotated[
        str,
        typer.Argument(metavar="DATA", help="Pictures in any format of train --data, or cifar10."),
    ],
    recipe: Annotated[
        str, option(RECIPE, "RECIPE", "Recipe of the networks.", "--recipe")
    ] = "quick",
    folds: Annotated[
        int,
        option(
            RECIPE,
            "N",
            "Folds of the cross-validation: one network is trained for each.",
        ),
    ] = 5,
    output: Annotated[
        Path | None, option(OUTPUT, "DIR", "Default: audits/NAME. Resumable.", "--output", "-o")
    ] = None,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find labels that are probably wrong, by cross-validation."""
    from thriftnet.data.registry import check_dataset
    from thriftnet.recipe import load_recipe

    check_dataset(data)
    changes = ["data.val_ratio=0", "train.select=final", *(overrides or ())]
    loaded = load_recipe(recipe, changes)  # what is wrong is refused before PyTorch is loaded
    name = Path(data).resolve().name if data != "cifar10" else data
    folder = output or Path("audits") / name
    with working(f"reading {data}") as doing:
        from thriftnet.audit.run import DECISIONS, PAGE
        from thriftnet.audit.run import audit as find
        from thriftnet.terminal.training import TrainingProgress

        found = find(
            data,
            recipe=loaded,
            folder=folder,
            folds=folds,
            progress=lambda: TrainingProgress(doing, quiet=as_json, then="scoring the labels"),
        )
    if found is None:
        options: list[str | Path] = ["--recipe", recipe, "--folds", str(folds), "--output", folder]
        options += [word for each in overrides or () for word in ("--set", each)]
        to_stderr(f"interrupted; resume with: {command('audit', data, *options)}")
        raise typer.Exit(130)
    if as_json:
        print_json(found.to_json())
        return
    print()
    print_whole(
        f"{found.pictures:,} pictures; out-of-fold predictions agree with {found.accuracy:.1%} "
        "of the labels"
    )
    if found.accuracy < _WEAK:
        print_whole(
            "with so little agreement, the list below is unreliable; train longer "
            "(--set train.epochs=...), or give more pictures"
        )
    print(f"{len(found.suspects):,} to review:")
    print_facts([(f"  {count:>6,}", why) for why, count in found.counts().items()], left=10)
    print()
    print_whole(f"open {folder / PAGE}, decide, save {DECISIONS} into {folder}, and then:")
    print(command("train", "--data", data, "--decisions", folder / DECISIONS))
