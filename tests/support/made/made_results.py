"""Results files as benchmarks write them, without a measurement."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from thriftnet.recipe import load_recipe

ROOT = Path(__file__).parents[3]
ORIGIN = {
    "command": "python benchmarks/accuracy.py",
    "commit": "0" * 40,
    "date": "2026-11-23",
    "machine": {"processor": "any", "threads": 2, "torch": "2"},
}
Write = Callable[..., None]
"""Writes a results file: `write("accuracy", runs=[...])`."""


def run_of(recipe: str, seed: int, accuracy: float, **keys: Any) -> dict[str, Any]:
    digest = load_recipe(recipe).digest()
    return {
        "recipe": recipe,
        "seed": seed,
        "digest": digest,
        "accuracy": accuracy,
        "tta": "none",
        "readings": {"none": {"accuracy": accuracy, "loss": 0.2}},
        "parameters": 4_918_602,
        **keys,
    }


def write_file(folder: Path, name: str, **keys: Any) -> None:
    (folder / f"{name}.json").write_text(json.dumps({**ORIGIN, **keys}))


def made_results(folder: Path) -> Path:
    """The results files of the paper's speed and size that the project has."""
    folder.mkdir()
    for name in ("paper_against_resnet18", "paper_parity", "paper_speed"):
        shutil.copy(ROOT / "results" / f"{name}.json", folder)
    return folder
