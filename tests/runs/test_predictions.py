"""Predictions that are read are of the images, whatever somebody put into the archive."""

import io
from typing import Any

import numpy as np
import pytest

from thriftnet.runs.predictions import Predictions

LABELS = np.array([0, 1, 1])
LOGITS = np.zeros((3, 2), np.float32)


def archive(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def test_sound_ones_are_read():
    found = Predictions.from_bytes(archive(labels=LABELS, logits_none=LOGITS))
    assert found.logits["none"].shape == (3, 2)


@pytest.mark.parametrize(
    ("labels", "logits"),
    [
        (np.int64(1), LOGITS),
        (LABELS[None], LOGITS),
        (LABELS + 1, LOGITS),
        (LABELS - 1, LOGITS),
        (LABELS + np.nan, LOGITS),
        (LABELS, LOGITS + np.nan),
        (LABELS, LOGITS[0]),
        (LABELS, LOGITS[None]),
        (LABELS, np.zeros((3, 0), np.float32)),
        (LABELS, np.array("text")),
        (LABELS, np.float32(1)),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast")
def test_odd_ones_are_damage(labels: Any, logits: Any):
    with pytest.raises(ValueError):  # noqa: PT011
        Predictions.from_bytes(archive(labels=labels, logits_none=logits))
