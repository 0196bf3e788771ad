"""Small layers that more than one network family uses."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": lambda: nn.ReLU(inplace=True),
    "gelu": nn.GELU,
    "silu": lambda: nn.SiLU(inplace=True),
}


def conv3x3(in_channels: int, out_channels: int, *, stride: int = 1) -> nn.Conv2d:
    """A 3x3 convolution that keeps the resolution (at stride 1) and has no bias."""
    return nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)


class SqueezeExcitation(nn.Module):
    """Channel gate from globally pooled features (Hu et al. 2018, arXiv 1709.01507).

    Shapes: (N, C, H, W) to the same.
    """

    def __init__(self, channels: int, *, reduction: int) -> None:
        super().__init__()
        hidden = max(1, channels // reduction)
        self.down = nn.Linear(channels, hidden)
        self.up = nn.Linear(hidden, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Scale every channel by a gate in (0, 1)."""
        gate = self.up(torch.relu(self.down(x.mean(dim=(2, 3)))))  # (N, C)
        return x * torch.sigmoid(gate)[:, :, None, None]


class StochasticDepth(nn.Module):
    """Leave a residual branch out for random images while training (arXiv 1603.09382).

    The kept branches are scaled by 1 / (1 - p), so evaluation needs no factor. Draws come from
    torch's global generator, which the training loop seeds every step.
    """

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability
        self.share: tuple[int, slice] | None = None
        """Where processes split a micro-batch: its number of images, and which of them x holds."""

    def forward(self, x: Tensor) -> Tensor:
        """Drop each image's branch with the layer's probability; (N, C, H, W) to the same."""
        if not self.training or self.probability == 0:
            return x
        count, share = self.share or (len(x), slice(None))
        kept = self.draw(count, x.device)[share]
        return x * (kept / (1 - self.probability)).to(x.dtype)

    def draw(self, count: int, device: torch.device) -> Tensor:
        """Whether the branch is kept, for each of `count` images: (count, 1, 1, 1) bool."""
        return torch.rand(count, 1, 1, 1, device=device) < 1 - self.probability

    def extra_repr(self) -> str:
        """Show the probability."""
        return f"probability={self.probability:g}"
