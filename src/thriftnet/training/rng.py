"""Random streams named by purpose and step, so that a resumed run continues them exactly."""

from __future__ import annotations

import hashlib

import torch


def derive_seed(seed: int, purpose: str, *counters: int) -> int:
    """A 63-bit seed from the run's seed, a purpose such as `order`, and an epoch or step."""
    text = ":".join([str(seed), purpose, *map(str, counters)])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def seed_network(seed: int, device: torch.device) -> None:
    """Seed the default generators, of which a network draws on a device.

    `torch.manual_seed` also notes the traceback for devices that are not in use, which takes longer
    than a layer.
    """
    if device.type == "cpu":
        torch.default_generator.manual_seed(seed)
    else:
        torch.manual_seed(seed)


def generator(seed: int, purpose: str, *counters: int) -> torch.Generator:
    """A CPU generator at the start of the named stream."""
    return torch.Generator().manual_seed(derive_seed(seed, purpose, *counters))
