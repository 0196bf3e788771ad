"""What no training wrote into a line is left out of it, and what one wrote stays."""

from typing import Any

import pytest

from thriftnet.runs.clean_lines import cleaned

LINES: list[dict[str, Any]] = [
    {"kind": "start", "step": 0, "classes": ["a"], "parameters": 7, "macs": 9, "train_images": 4},
    {"kind": "epoch", "epoch": 1, "epochs": 2.5, "step": 4, "train_loss": -0.5, "val_loss": None},
    {"kind": "epoch", "steps": {"step": [1]}, "images_per_second": 3.5, "memory_bytes": None},
    {"kind": "end", "step": 4, "seconds": 1, "pflop": 0.1, "best_epoch": None, "selected": "best"},
    {"kind": "test", "tta": "none", "accuracy": 0.5, "accuracy_interval": [0.4, 0.6]},
    {"kind": "robustness", "data": "test", "mean": 0.5, "corruptions": {"fog": [0.5]}},
    {"kind": "environment", "step": 4, "threads": 2, "precision": None, "source": {}},
    {"kind": "failed", "step": 3, "reason": "nan"},
    {"later": [1], "other": None},
]


@pytest.mark.parametrize("line", LINES, ids=str)
def test_what_a_training_wrote_stays(line: dict[str, Any]):
    assert cleaned(line) == line


@pytest.mark.parametrize("odd", ["x", True, [], [1, "x"], {}, -1, 1e18, float("nan"), 10**400])
def test_what_none_wrote_is_left_out(odd: Any):
    for key in ("step", "train_images", "images_per_second", "accuracy_interval", "tta", "kind"):
        assert cleaned({key: odd, "other": 1}) in ({"other": 1}, {key: "x", "other": 1})
    assert cleaned({"step": None, "loss": None, "kind": None}) == {}
    assert cleaned({"kind": "environment", "step": "x", "threads": "x"}).keys() == {
        "kind",
        "threads",
    }
