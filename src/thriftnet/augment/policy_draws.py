"""Draws operations and magnitudes of AutoAugment and TrivialAugment for a batch."""

from functools import lru_cache
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from thriftnet.augment.operations import NUMBERS
from thriftnet.augment.policies import (
    AUTOAUGMENT_BINS,
    AUTOAUGMENT_CIFAR10,
    AUTOAUGMENT_SCALES,
    TRIVIALAUGMENT_BINS,
    TRIVIALAUGMENT_SCALES,
    Scale,
)

PolicyName = Literal["autoaugment", "trivialaugment"]


class Choice(NamedTuple):
    """One operation per image."""

    numbers: Tensor
    """`(N,)` int64, positions in `OPERATIONS`."""
    magnitudes: Tensor
    """`(N,)` float64, signed, in the unit of each operation."""


def draw_policy(
    policy: PolicyName, count: int, *, height: int, width: int, generator: torch.Generator
) -> list[Choice]:
    """Draw the operations of `count` images of `height` × `width` pixels, first to last."""
    if policy == "autoaugment":
        return draw_autoaugment(count, height=height, width=width, generator=generator)
    return [draw_trivialaugment(count, height=height, width=width, generator=generator)]


def draw_autoaugment(
    count: int, *, height: int, width: int, generator: torch.Generator
) -> list[Choice]:
    """Draw one of the 25 sub-policies per image; skipped steps are the identity."""
    table = _magnitude_table("autoaugment", height, width)
    chosen = torch.randint(len(AUTOAUGMENT_CIFAR10), (count,), generator=generator)
    choices: list[Choice] = []
    for steps in zip(*AUTOAUGMENT_CIFAR10, strict=True):
        numbers = torch.tensor([NUMBERS[step.operation] for step in steps])[chosen]
        bins = torch.tensor([step.bin for step in steps])[chosen]
        probabilities = torch.tensor([step.probability for step in steps])[chosen]
        taken = torch.rand(count, generator=generator) < probabilities
        magnitudes = table[numbers, bins, torch.randint(2, (count,), generator=generator)]
        choices.append(Choice(torch.where(taken, numbers, NUMBERS["Identity"]), magnitudes))
    return choices


def draw_trivialaugment(
    count: int, *, height: int, width: int, generator: torch.Generator
) -> Choice:
    """Draw one operation and magnitude per image."""
    names = torch.tensor([NUMBERS[name] for name in TRIVIALAUGMENT_SCALES])
    numbers = names[torch.randint(len(names), (count,), generator=generator)]
    bins = torch.randint(TRIVIALAUGMENT_BINS, (count,), generator=generator)
    signs = torch.randint(2, (count,), generator=generator)
    table = _magnitude_table("trivialaugment", height, width)
    return Choice(numbers, table[numbers, bins, signs])


@lru_cache(maxsize=8)
def _magnitude_table(policy: PolicyName, height: int, width: int) -> Tensor:
    """Tabulate magnitudes: `(operations, bins, 2)` float64, the last index for the two signs."""
    scales, bins = (
        (AUTOAUGMENT_SCALES, AUTOAUGMENT_BINS)
        if policy == "autoaugment"
        else (TRIVIALAUGMENT_SCALES, TRIVIALAUGMENT_BINS)
    )
    table = torch.zeros(len(NUMBERS), bins, 2, dtype=torch.float64)
    for name, scale in scales.items():
        # Single precision as in the reference implementations: it decides whether 16 pixels become
        # 16 or 15.99…… and are cut to 15 depends on it.
        last = scale.last * _side(name, scale, height, width)
        magnitudes = torch.linspace(scale.first, last, bins, dtype=torch.float32).double()
        table[NUMBERS[name], :, 0] = magnitudes
        table[NUMBERS[name], :, 1] = -magnitudes if scale.signed else magnitudes
    return table


def _side(name: str, scale: Scale, height: int, width: int) -> int:
    """Image side in pixels that relative magnitudes are multiplied by, else 1."""
    if not scale.of_side:
        return 1
    return width if name == "TranslateX" else height
