"""The paper's network against a plain loop: what is timed is a whole batch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from paper_speed import our_steps
from thriftnet.data import CIFAR10_CLASSES, Dataset
from thriftnet.training.state import TrainingState


def test_every_step_is_of_a_whole_batch_however_many_are_taken(monkeypatch: pytest.MonkeyPatch):
    seen: list[int] = []

    def keep(_plan: object, state: TrainingState, batch: torch.Tensor, **_: int) -> None:
        state.step += 1
        seen.append(len(batch))

    monkeypatch.setattr("paper_speed.train_step", keep)
    labels = np.arange(400, dtype=np.int64) % 10
    step = our_steps(Dataset(np.zeros((400, 32, 32, 3), np.uint8), labels, CIFAR10_CLASSES))
    for _ in range(5):  # 360 images to train on are two batches and a part of one
        step()
    assert seen == [128] * 5
