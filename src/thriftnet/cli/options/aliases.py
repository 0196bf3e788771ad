"""Short options of `train` for `--set`, with common names."""

from __future__ import annotations

from typing import Annotated

import typer

from thriftnet.cli.options.panels import RECIPE, option

KEYS = {
    "--epochs": "train.epochs",
    "--lr": "optim.lr",
    "--batch-size": "train.batch_size",
    "--device": "train.device",
}

EpochsOption = Annotated[
    str | None, option(RECIPE, "N", "Short for --set train.epochs=N.", "--epochs")
]
LrOption = Annotated[
    str | None,
    option(RECIPE, "RATE", "Short for --set optim.lr=RATE; with Muon, of convolutions.", "--lr"),
]
BatchSizeOption = Annotated[
    str | None, option(RECIPE, "N", "Short for --set train.batch_size=N.", "--batch-size")
]
DeviceOption = Annotated[
    str | None,
    option(RECIPE, "NAME", "Short for --set train.device=NAME: cpu, cuda or mps.", "--device"),
]


def with_aliases(overrides: list[str] | None, given: dict[str, str | None]) -> list[str]:
    """`--set`'s values with those of the short options after them.

    Args:
        overrides: `key=value` strings of `--set`.
        given: Values of the short options, by option; None: not given.

    Raises:
        typer.BadParameter: One key is given both ways.
    """
    short = {flag: value for flag, value in given.items() if value is not None}
    for flag in short:
        if any(text.partition("=")[0].strip() == KEYS[flag] for text in overrides or ()):
            raise typer.BadParameter(
                f"{flag} and --set {KEYS[flag]} set the same key; give only one"
            )
    written = [f"{KEYS[flag]}={value}" for flag, value in short.items()]
    return [*(overrides or ()), *written]
