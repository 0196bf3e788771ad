"""A search of seconds: eight candidates of a few thousand parameters on 200 images of 16 pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

TINY: dict[str, Any] = {
    "name": "tiny",
    "base": "smoke",
    "set": {
        "data": {"val_ratio": 0.01, "fraction": 0.004, "image_size": 16},
        "model.channels": [4, 8, 8],
        "schedule.warmup_epochs": 0,
        "train.batch_size": 50,
        "train.precision": "fp32",
    },
    "max_parameters": 5000,
    "grid": {
        "model.blocks": [[1, 1, 0], [1, 0, 1], [1, 1, 1], [3, 3, 3]],
        "optim.lr": [0.05, 0.1],
    },
    "reference": {"model.blocks": [1, 1, 1], "optim.lr": 0.1},
    "halving": {"rungs": [1, 2], "eta": 2, "lag": 2},
    "refinement": {"shifts": 2, "trials": 4, "lag": 2},
    "validation": {"top": 1, "epochs": 3, "seeds": [0, 1, 2]},
    "winner": {"data": {"val_ratio": 0.1}, "train.epochs": 10},
}


def space_file(folder: Path, **changes: Any) -> Path:
    """TINY with keys replaced, written as tiny.yaml; a value of None takes the key away."""
    tree = {key: value for key, value in {**TINY, **changes}.items() if value is not None}
    path = folder / "tiny.yaml"
    path.write_text(yaml.safe_dump(tree), "utf-8")
    return path
