"""The paper's family: BasicBlock residual networks for 32x32 images (arXiv 1512.03385).

Notation in shape comments: N images, C channels, H x W pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from thriftnet.kernels.conv import Conv3x3
from thriftnet.kernels.pointwise import StridedPointwise
from thriftnet.models.layers import (
    ACTIVATIONS,
    ConvNormAct,
    SqueezeExcitation,
    StochasticDepth,
    norm_activate,
)

Shortcut = Literal["projection", "padded"]


class PaddedShortcut(nn.Module):
    """Option A of He et al.: strided identity, zeros for additional channels."""

    def __init__(self, in_channels: int, out_channels: int, *, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.missing = out_channels - in_channels

    def forward(self, x: Tensor) -> Tensor:
        """(N, C_in, H, W) to (N, C_out, H / stride, W / stride)."""
        x = x[:, :, :: self.stride, :: self.stride]
        if self.missing < 0:
            return x[:, : self.missing]
        return F.pad(x, (0, 0, 0, 0, 0, self.missing))


def _shortcut(kind: Shortcut, in_channels: int, out_channels: int, stride: int) -> nn.Module:
    if stride == 1 and in_channels == out_channels:
        return nn.Identity()
    if kind == "padded":
        return PaddedShortcut(in_channels, out_channels, stride=stride)
    return ConvNormAct(
        StridedPointwise(in_channels, out_channels, stride=stride),
        nn.BatchNorm2d(out_channels),
    )


class BasicBlock(nn.Module):
    """Two 3x3 convolutions with batch norm and a shortcut."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        stride: int,
        activation: str,
        shortcut: Shortcut,
        squeeze_excitation: int,
        zero_init_last: bool,
        drop_probability: float,
    ) -> None:
        super().__init__()
        self.conv1: nn.Conv2d = Conv3x3(in_channels, out_channels, stride=stride)
        self.norm1: nn.Module = nn.BatchNorm2d(out_channels)
        self.act1 = ACTIVATIONS[activation]()
        self.conv2: nn.Conv2d = Conv3x3(out_channels, out_channels)
        norm2 = nn.BatchNorm2d(out_channels)
        if zero_init_last:
            nn.init.zeros_(norm2.weight)
        self.norm2: nn.Module = norm2
        self.gate = (
            SqueezeExcitation(out_channels, reduction=squeeze_excitation)
            if squeeze_excitation
            else nn.Identity()
        )
        self.drop = StochasticDepth(drop_probability)
        self.shortcut = _shortcut(shortcut, in_channels, out_channels, stride)
        self.act2 = ACTIVATIONS[activation]()

    def forward(self, x: Tensor) -> Tensor:
        """(N, C_in, H, W) to (N, C_out, H / stride, W / stride)."""
        branch = self.conv2(norm_activate(self.conv1(x), self.norm1, self.act1))
        if isinstance(self.gate, nn.Identity) and self.drop.probability == 0:
            return norm_activate(branch, self.norm2, self.act2, residual=self.shortcut(x))
        branch = self.gate(self.norm2(branch))
        return self.act2(self.drop(branch) + self.shortcut(x))


class ResNet(nn.Module):
    """Stem, stages of basic blocks, global average pool, linear head.

    Stage 1 keeps the resolution; every later stage with blocks halves it. A stage without blocks is
    omitted and does not downsample.

    Args:
        blocks: Blocks per stage.
        channels: Channels per stage; the stem has `channels[0]`.
        classes: Number of classes.
        activation: `relu`, `gelu` or `silu`.
        shortcut: `projection` (1x1 convolution and batch norm) or `padded` (no parameters).
        squeeze_excitation: Reduction ratio of the channel gates; 0: no gates.
        zero_init_last: Whether every block starts as the identity (arXiv 1706.02677).
        stochastic_depth: Drop probability of the last block; it rises linearly over the blocks.
    """

    def __init__(
        self,
        *,
        blocks: Sequence[int],
        channels: Sequence[int],
        classes: int,
        activation: str = "relu",
        shortcut: Shortcut = "projection",
        squeeze_excitation: int = 0,
        zero_init_last: bool = False,
        stochastic_depth: float = 0.0,
    ) -> None:
        super().__init__()
        self.stem = ConvNormAct(
            Conv3x3(3, channels[0]), nn.BatchNorm2d(channels[0]), ACTIVATIONS[activation]()
        )
        self.stages = nn.ModuleList()
        width, built, total = channels[0], 0, sum(blocks)
        for stage, (count, out_channels) in enumerate(zip(blocks, channels, strict=True)):
            layers: list[nn.Module] = []
            for index in range(count):
                built += 1
                block = BasicBlock(
                    width,
                    out_channels,
                    stride=2 if stage > 0 and index == 0 else 1,
                    activation=activation,
                    shortcut=shortcut,
                    squeeze_excitation=squeeze_excitation,
                    zero_init_last=zero_init_last,
                    drop_probability=stochastic_depth * built / total,
                )
                layers.append(block)
                width = out_channels
            self.stages.append(nn.Sequential(*layers))
        self.head = nn.Linear(width, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Normalised images (N, 3, H, W) to logits (N, classes)."""
        x = self.stem(images)
        for stage in self.stages:
            x = stage(x)
        return self.head(torch.mean(x, dim=(2, 3)))
