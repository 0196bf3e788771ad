"""Short options of `train` for `--set`, with common names."""

from __future__ import annotations

from typing import Annotated

import typer

from thriftnet.cli.options.panels import RECIPE

KEYS = {
    "--epochs": "train.epochs",
    "--lr": "optim.lr",
    "--batch-size": "train.batch_size",
    "--device": "train.device",
}

EpochsOption = Annotated[
    str | None,
    typer.Option(
        "--epochs",
        metavar="N",
        help="Short for --set train.epochs=N.",
        rich_help_panel=RECIPE,
    ),
]
LrOption = Annotated[
    str | None,
    typer.Option(
        "--lr", metavar="RATE", help="Short for --set optim.lr=RATE.", rich_help_panel=RECIPE
    ),
]
BatchSizeOption = Annotated[
    str | None,
    typer.Option(
        "--batch-size",
        metavar="N",
        help="Short for --set train.batch_size=N.",
        rich_help_panel=RECIPE,
    ),
]
DeviceOption = Annotated[
    str | None,
    typer.Option(
        "--device",
        metavar="NAME",
        help="Short for --set train.device=NAME: cpu, cuda or mps.",
        rich_help_panel=RECIPE,
    ),
]


def with_aliases(overrides: list[str] | None, given: dict[str, str | None]) -> list[str]:
    """`--set`'s values with those of the short options after them.

    Args:
        overrides: `key=value` strings of `--set`.
        given: Values of the short options, by option; None: not given.

    Raises:
        typer.BadParameter: One key is given both ways.
    """
    short = {option: value for option, value in given.items() if value is not None}
    for option in short:
        if any(text.partition("=")[0].strip() == KEYS[option] for text in overrides or ()):
            raise typer.BadParameter(f"{option} and --set {KEYS[option]} are one key; give one")
    written = [f"{KEYS[option]}={value}" for option, value in short.items()]
    return [*(overrides or ()), *written]
