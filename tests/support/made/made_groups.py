"""Two groups of runs to compare: recipes of several seeds, the second better."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from made_runs import make_run
from thriftnet.comparison.compare import Comparison
from thriftnet.terminal.compare import print_comparison

SMOKE = [0.650, 0.655, 0.648]
BETTER = [0.672, 0.675, 0.669]


def seeds(
    folder: Path, name: str, accuracies: Sequence[float], *, first: int = 0, **options: object
) -> list[Path]:
    """Runs of one recipe, a seed for each accuracy."""
    return [
        make_run(folder / f"{name}{seed}", seed=seed, accuracy=value, **options).path
        for seed, value in enumerate(accuracies, start=first)
    ]


def wider(folder: Path, accuracies: Sequence[float], *, first: int = 0) -> list[Path]:
    return seeds(folder, "wide", accuracies, first=first, overrides=["name=wide", "optim.lr=0.2"])


def text_of(found: Comparison, capsys: pytest.CaptureFixture[str]) -> str:
    """What the terminal shows of a comparison, in one line."""
    print_comparison(found)
    return " ".join(capsys.readouterr().out.split())
