"""A page of a received run, whatever its lines hold in place of figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO, Any

import pytest
from matplotlib.figure import Figure

from made_runs import make_run
from thriftnet.report.record import read_record
from thriftnet.report.single import single_page

LINES: list[dict[str, Any]] = [
    {"kind": "start", "step": 0, "parameters": 7, "macs": 9, "train_images": 45_000, "steps": 360},
    *(
        {
            **{"kind": "epoch", "epoch": n, "epochs": 2, "step": 180 * n, "seconds": 9.0 * n},
            **{"train_loss": 2.0, "train_cross_entropy": 2.0, "train_accuracy": 0.1 * n},
            **{"val_loss": 2.0, "val_accuracy": 0.1 * n, "learning_rate": 0.1},
            **{"images_per_second": 90.0, "cpu_share": 0.9, "cpu_contention": 0.2},
            **{"memory_bytes": 10**9, "memory_share": 0.1},
            "steps": {"step": [180 * n], "loss": [2.0], "gradient_norm": [1.0]},
        }
        for n in (1, 2)
    ),
    {"kind": "environment", "step": 180, "threads": 4, "commit": "a"},
    {"kind": "end", "step": 360, "seconds": 18.0, "pflop": 0.1, "best_val_accuracy": 0.2},
    {"kind": "test", "tta": "flip", "accuracy": 0.6, "loss": 1.0, "accuracy_interval": [0.5, 0.7]},
    {
        **{"kind": "robustness", "data": "test", "tta": "none", "clean": 0.9, "mean": 0.5},
        **{"interval": [0.4, 0.6], "corruptions": {"fog": [0.5] * 5}},
    },
]


def save(_: Figure, file: IO[Any], *, format: str, **__: Any) -> None:
    file.write("<svg></svg>" if format == "svg" else b"")


@pytest.mark.parametrize(
    "odd", ["x", None, [], {}, [1, "x"], True, 0, -1, 0.5, 1e17, 1e999], ids=str
)
def test_it_is_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, odd: Any) -> None:
    """Half of the keys, then the others; figures are laid out and not drawn."""
    monkeypatch.setattr(Figure, "savefig", save)
    run = make_run(tmp_path / "run", predictions=False)
    run.model_path.unlink()
    keys = sorted({key for line in LINES for key in line} - {"kind"})
    for some in (keys[::2], keys[1::2]):
        lines = [{k: odd if k in some else v for k, v in line.items()} for line in LINES]
        run.metrics_path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
        assert single_page(read_record(run.path), data=None).facts
