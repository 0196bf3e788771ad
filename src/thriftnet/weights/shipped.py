"""The files of shipped weights. Imports nothing, so that a list of their names costs nothing."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent
"""Folder of the weights of this installation."""

SUFFIX = ".safetensors"


def shipped_weights(folder: Path = FOLDER) -> tuple[str, ...]:
    """Names of the weights that come with the package."""
    return tuple(sorted(path.stem for path in folder.glob(f"*{SUFFIX}")))


def weights_file(name: str, folder: Path = FOLDER) -> Path:
    """Path of the shipped weights of a name, which need not exist."""
    return folder / f"{name}{SUFFIX}"
