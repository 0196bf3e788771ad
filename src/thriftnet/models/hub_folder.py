"""The layout of a Hugging Face model folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from thriftnet.errors import RunError
from thriftnet.files import read_bounded

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
PROCESSOR = "preprocessor_config.json"
CARD = "README.md"
FILES = (CONFIG, WEIGHTS, PROCESSOR, CARD)

MODEL_TYPE = "thriftnet"
_MOST_BYTES = 2**22


def is_hub_folder(path: Path) -> bool:
    """Whether a folder has that layout and a thriftnet model."""
    return _config(path).get("model_type") == MODEL_TYPE


def find_weights(path: Path) -> Path | None:
    """The model file of such a folder; None if it has another layout.

    Raises:
        RunError: The folder belongs to another library, or its weights are missing.
    """
    config = _config(path)
    if not config:
        return None
    if config.get("model_type") != MODEL_TYPE:
        kind = str(config.get("model_type") or config.get("architecture") or "unknown")[:80]
        raise RunError(
            f"{path} is a model folder of another library ({CONFIG} says {kind}); give a run "
            "folder, or a folder that thriftnet exported"
        )
    if not (path / WEIGHTS).is_file():
        raise RunError(f"{path} lacks {WEIGHTS}; copy or export it again")
    return path / WEIGHTS


def _config(path: Path) -> dict[str, Any]:
    """The content of config.json; empty if it cannot be read."""
    try:
        found = json.loads(read_bounded(path / CONFIG, most=_MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
