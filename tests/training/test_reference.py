"""Our loop against the paper's training written in plain PyTorch, on real images.

A few steps here; `benchmarks/paper_parity.py` does hundreds and keeps the result.
"""

from __future__ import annotations

from paper_parity import parity
from small import opened
from thriftnet.data import Dataset
from thriftnet.recipe import load_recipe


def test_same_losses_as_a_plain_loop(cifar10: tuple[Dataset, Dataset]) -> None:
    recipe = load_recipe(
        "paper", ["train.precision=fp32", "train.device=cpu", "train.batch_size=2"]
    )
    ours, plain = parity(recipe, opened(cifar10[0]), steps=4)
    assert max(abs(a - b) for a, b in zip(ours, plain, strict=True)) < 1e-4
    assert len(set(ours)) == len(ours)
