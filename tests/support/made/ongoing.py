"""A training in progress, as its run folder shows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from small import small_recipe
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.new_run import create_run

STATUS = {
    "epoch": 2,
    "epochs": 3,
    "share": 0.5,
    "loss": 1.25,
    "accuracy": 0.5,
    "learning_rate": 0.01,
    "images_per_second": 321.0,
    "seconds_left": 75.0,
}


def epoch_line(epoch: int, **figures: float | None) -> dict[str, Any]:
    told = {"train_loss": 2 / epoch, "train_accuracy": 0.2 * epoch, "val_loss": None}
    rates = {"learning_rate": 0.1 / epoch, "images_per_second": 300.0, "seconds": 20.0 * epoch}
    counts = {"epoch": epoch, "epochs": 3, "step": 10 * epoch}
    return {"kind": "epoch", **counts, **told, "val_accuracy": 0.3 * epoch, **rates, **figures}


@pytest.fixture
def going(tmp_path: Path) -> RunFolder:
    """A training in its second of three epochs."""
    run = create_run(tmp_path / "runs" / "going", small_recipe(), {})
    run.append({"kind": "start", "step": 0, "parameters": 3, "macs": 8, "train_images": 48,
                "val_images": 12, "steps": 9})  # fmt: skip
    run.append(epoch_line(1))
    run.save_status(STATUS)
    return run
