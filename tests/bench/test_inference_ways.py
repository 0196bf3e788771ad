"""Every way of reading that is timed beside the others reads the same network."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import inference
from inference import BASELINE, Pictures, compared, is_wrong, timed
from support.inference_baseline import elsewhere
from support.inference_variants import PREDICTOR, make_batch, torch_variants
from thriftnet.models.build import build_model
from thriftnet.models.saved import SavedModel

MODEL = SavedModel(
    network=build_model(family="speednet", classes=3, blocks=[1, 2], channels=[24, 32], seed=1),
    architecture={},
    classes=("a", "b", "c"),
    mean=(0.5, 0.4, 0.3),
    std=(0.2, 0.3, 0.4),
)
PIXELS = np.random.default_rng(0).integers(0, 256, (129, 32, 32, 3), np.uint8)


@torch.no_grad()
def test_every_way_says_what_the_baseline_says(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(inference, "LARGE", 128)  # still two pieces of 64, and one image is left
    labels = np.zeros(129, np.int64)
    with elsewhere(MODEL.network) as baseline:
        ways = {BASELINE: baseline, **torch_variants(MODEL)}
        said = compared(ways, MODEL, Pictures(PIXELS, PIXELS, labels, held_out=True))
        speeds = timed(ways, make_batch(MODEL, PIXELS[:2]), rounds=2, calls=3)
    assert PREDICTOR in said
    for name, found in said.items():
        gap, accuracy = found["largest_difference"], found["validation_accuracy"]
        assert gap is not None
        assert accuracy is not None
        assert gap < (1e-5 if "fp32" in name else 0.02), name
        assert accuracy == pytest.approx(said[BASELINE]["validation_accuracy"], abs=0.05), name
        assert not is_wrong(name, found, trained=False)
    for found in speeds.values():
        assert 0 < found["latency_ms"] <= found["latency_p95_ms"] * 1.0001
        assert found["images_per_second"] == pytest.approx(2e3 / found["latency_ms"])


@pytest.mark.parametrize(
    ("name", "gap", "equal", "trained", "wrong"),
    [
        ("fp32 by an engine", 0.2, 1.0, True, True),
        ("fp32 by an engine", 1e-6, 0.9, False, False),
        ("int8 by an engine", 0.2, 0.999, True, False),
        ("int8 by an engine", 0.2, 0.5, True, True),
        ("int8 by an engine", 0.2, 0.5, False, False),
    ],
)
def test_a_way_that_reads_something_else_is_called_wrong(
    name: str, gap: float, equal: float, trained: bool, wrong: bool
):
    found = {"largest_difference": gap, "equal_top1": equal, "validation_accuracy": None}
    assert is_wrong(name, found, trained=trained) is wrong
