"""Random draws named by what they are for, so that a resumed run draws what it would have."""

from __future__ import annotations

import hashlib

import torch


def derive_seed(seed: int, purpose: str, *counters: int) -> int:
    """A 63-bit seed from the run's seed, a purpose (`order`, `augment`) and counters.

    The counters are what names the draw in time: an epoch, or a step.
    """
    text = ":".join([str(seed), purpose, *map(str, counters)])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def generator(seed: int, purpose: str, *counters: int) -> torch.Generator:
    """A CPU generator at the start of the named stream."""
    return torch.Generator().manual_seed(derive_seed(seed, purpose, *counters))
