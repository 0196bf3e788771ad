"""The memory layout of a network's weights."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


def with_layout(network: Network, layout: torch.memory_format) -> Network:
    """Convert weights in place, to `torch.channels_last` or `torch.contiguous_format`."""
    # torch accepts it and does not declare it.
    return network.to(memory_format=layout)  # pyrefly: ignore[no-matching-overload]
