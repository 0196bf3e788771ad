"""Layers shared by network families."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from thriftnet.kernels.norm_act import can_fuse, can_fuse_inference, pool_act
from thriftnet.kernels.norm_act import norm_act as fused_norm_act

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": lambda: nn.ReLU(inplace=True),
    "gelu": nn.GELU,
    "silu": lambda: nn.SiLU(inplace=True),
}


def norm_activate(
    x: Tensor, norm: nn.Module, act: nn.Module, *, residual: Tensor | None = None
) -> Tensor:
    """`act(norm(x) + residual)`, fused if possible; (N, C, H, W) to the same."""
    if can_fuse(x, norm, act):
        return fused_norm_act(x, norm, act, residual=residual)
    x = norm(x)
    return act(x if residual is None else x + residual)


_NO_ACTIVATION = nn.Identity()


class ConvNormAct(nn.Sequential):
    """Convolution, norm and optional activation; (N, C_in, H, W) to (N, C_out, H', W')."""

    def forward(self, input: Tensor) -> Tensor:
        """Apply them in that order."""
        conv, norm, *act = self
        return norm_activate(conv(input), norm, act[0] if act else _NO_ACTIVATION)


def pool_norm_activate(x: Tensor, norm: nn.Module, act: nn.Module) -> Tensor:
    """`act(norm(max_pool2d(x, 2)))`, fused if possible; (N, C, H, W) to (N, C, H // 2, W // 2)."""
    if can_fuse(x, norm, act, pool=True):
        return fused_norm_act(x, norm, act, pool=True)
    if can_fuse_inference(x, norm, act):
        return pool_act(x, act)
    return act(norm(F.max_pool2d(x, 2)))


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
    """Drops residual branches of random images during training (arXiv 1603.09382).

    The kept branches are scaled by 1 / (1 - p), so evaluation needs no factor. Draws come from
    torch's global generator, which the training loop seeds every step.
    """

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability
        self.kept: Tensor | None = None
        """Draw for the next forward pass: (N, 1, 1, 1) bool; None: drawn in the pass."""

    def forward(self, x: Tensor) -> Tensor:
        """Drop each image's branch with the layer's probability; (N, C, H, W) to the same."""
        if not self.training or self.probability == 0:
            return x
        kept = self.draw(len(x), x.device) if self.kept is None else self.kept
        self.kept = None
        return x * (kept / (1 - self.probability)).to(x.dtype)

    def draw(self, count: int, device: torch.device) -> Tensor:
        """Draw which images keep the branch: (count, 1, 1, 1) bool."""
        return torch.rand(count, 1, 1, 1, device=device) < 1 - self.probability

    def extra_repr(self) -> str:
        """Show the probability."""
        return f"probability={self.probability:g}"
