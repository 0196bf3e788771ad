"""The exports' figures: which target is reached, and how the document shows them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from documents.export_blocks import exports as export_tables
from exports import FP32, INT8, OPENVINO, PREDICTOR, evaluated, reached, timed


def network(*, gap: float = 1e-6, lost: float = 0.001, mb: float = 2.0, faster: float = 2.0) -> Any:
    made = {"bytes": mb * 1e6, "pictures": 2000, "equal_answers": 1.0}
    made["largest_difference"] = {"1": gap, "7": 0.0, "64": 0.0}
    test = {"accuracy_interval": (0.9, 0.95), "equal_to_fp32": 1.0}
    speed = {"milliseconds_at_1_p95": 3.0, "images_per_second_at_64": 1000.0}
    return {
        "exports": dict.fromkeys(("onnx", "onnx-int8", "torch-export"), made),
        "test": {FP32: {"accuracy": 0.93, **test}, INT8: {"accuracy": 0.93 - lost, **test}},
        "speed": {
            PREDICTOR: {**speed, "milliseconds_at_1": 1.0},
            FP32: {**speed, "milliseconds_at_1": faster},
            INT8: {**speed, "milliseconds_at_1": 1.0},
            OPENVINO: {**speed, "milliseconds_at_1": 1.0, "images_per_second_at_64": 1400.0},
        },
    }


@pytest.mark.parametrize(
    ("change", "missed"),
    [
        ({}, set[str]()),
        ({"gap": 2e-5}, {"largest difference in fp32"}),
        ({"lost": 0.004}, {"points lost by int8"}),
        ({"mb": 2.3}, {"MB in int8"}),
        ({"faster": 1.5}, {"times as fast as fp32, int8 at batch 1"}),
    ],
    ids=str,
)
def test_a_target_that_is_missed_says_so(change: dict[str, float], missed: set[str]):
    rows = reached({"quick": network(**change), "best": network()})
    assert {row["what"] for row in rows if not row["reached"]} == missed
    assert {row["network"] for row in rows if "OpenVINO" in row["what"]} == {"best"}


def test_the_tables_show_every_way_and_every_target():
    networks = {"quick": network(), "best": network(lost=0.01)}
    figures = {"networks": networks, "targets": reached(networks), "predictor_precision": "bf16"}
    shown = export_tables(figures)
    assert shown["speed"].count("thriftnet's predictor, bf16") == 2
    assert "| `best` | ONNX Runtime int8 | 92.00% | -1.00 |" in shown["accuracy"]
    assert shown["targets_table"].count("**no**") == 1
    assert shown["compared"] == 2000


def test_ways_are_evaluated_and_timed_on_the_same_images():
    images, labels = np.zeros((600, 4, 4, 3), np.uint8), np.arange(600) % 3
    answers = np.eye(3, dtype=np.float32)

    def always(what: int):
        return lambda shown: answers[[what] * len(shown)]

    runs = {FP32: always(0), INT8: always(1)}
    found = evaluated(runs, images, labels)
    assert (found[FP32]["accuracy"], found[FP32]["equal_to_fp32"]) == (pytest.approx(1 / 3), 1)
    assert found[INT8]["equal_to_fp32"] == 0
    speed = timed(runs, images, rounds=1)
    assert all(value > 0 for way in speed.values() for value in way.values())
