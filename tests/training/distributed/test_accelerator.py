"""A step on an accelerator, as counted on a device without data."""

from __future__ import annotations

import pytest

from support.accelerator import step_cost
from thriftnet.recipe import load_recipe

_SMALL = (
    "model.blocks=[1, 1, 1]",
    "model.channels=[24, 32, 32]",
    "train.batch_size=64",
    "train.micro_batch=16",
)


@pytest.mark.parametrize(
    "changes",
    [
        (),
        ("augment.policy=trivialaugment", "augment.cutout=8"),
        ("augment.policy=autoaugment", "augment.rotation=10", "augment.quarter_turns=true"),
        ("augment.brightness=0.3", "augment.contrast=0.3", "augment.saturation=0.2"),
        ("augment.flip=random", "augment.cutmix=1", "augment.mixup=0.2"),
        ("augment.noise=0.5", "augment.jpeg=0.5", "augment.augmix=0.5", "augment.prime=0.5"),
        ("augment.augmix=0.5", "train.consistency=6"),
        ("train.sizes=[]", "train.stem_epochs=0", "model.residual=false"),
    ],
)
def test_a_step_waits_for_an_accelerator_once(changes: tuple[str, ...]) -> None:
    """Where the losses are read, with everything else launched."""
    cost = step_cost(load_recipe("quick", [*_SMALL, *changes]))
    assert cost.waits == ["losses"]
    assert min(cost.launches[part] for part in ("augmentation", "passes", "update")) > 10
