"""A network that trains fast on small images, after K. Jordan's airbench (arXiv 2404.00498).

A frozen whitening convolution, then groups of 3x3 convolutions that start as the identity and halve
the resolution after their first convolution. Batch-norm scales are fixed at 1, so convolution
weights need no decay.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from thriftnet.kernels.conv import Conv3x3
from thriftnet.models.layers import ACTIVATIONS, norm_activate, pool_norm_activate


def _norm(channels: int) -> nn.BatchNorm2d:
    # Running statistics must follow the few hundred steps of a short run: momentum 0.4.
    norm = nn.BatchNorm2d(channels, momentum=0.4)
    norm.weight.requires_grad_(False)
    return norm


class ConvGroup(nn.Module):
    """Convolution, max pool, norm, activation; then further convolutions at half resolution."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        depth: int,
        activation: str,
        residual: bool,
        padded: bool = True,
    ) -> None:
        super().__init__()
        widths = [in_channels] + [out_channels] * depth
        self.convs = nn.ModuleList(Conv3x3(a, b) for a, b in pairwise(widths))
        if not padded:  # made a second time, as a seed's weights depend on every draw
            self.convs[0] = Conv3x3(in_channels, out_channels, padding=0)
        self.norms = nn.ModuleList(_norm(out_channels) for _ in range(depth))
        self.acts = nn.ModuleList(ACTIVATIONS[activation]() for _ in range(depth))
        self.residual = residual
        for conv in self.convs:
            weight = conv.get_parameter("weight")
            # The first C_in outputs start as the identity.
            nn.init.dirac_(weight.data[: weight.shape[1]])

    def forward(self, x: Tensor) -> Tensor:
        """(N, C_in, H, W) to (N, C_out, H // 2, W // 2)."""
        x = pool_norm_activate(self.convs[0](x), self.norms[0], self.acts[0])
        for conv, norm, act in zip(
            list(self.convs)[1:], list(self.norms)[1:], list(self.acts)[1:], strict=True
        ):
            x = norm_activate(conv(x), norm, act, residual=x if self.residual else None)
        return x


class SpeedNet(nn.Module):
    """Whitening stem, convolution groups, global max pool, linear head.

    Args:
        blocks: Convolutions per group.
        channels: Channels per group.
        classes: Number of classes.
        activation: `relu`, `gelu` or `silu`.
        residual: Whether each convolution after a group's first adds its input back.
        stem_kernel: Side of the whitened patches in pixels.
        stem_channels: Channels of the stem: the patches' principal directions of largest
            variance, each with both signs.
    """

    def __init__(
        self,
        *,
        blocks: Sequence[int],
        channels: Sequence[int],
        classes: int,
        activation: str = "gelu",
        residual: bool = True,
        stem_kernel: int = 2,
        stem_channels: int = 24,
    ) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, stem_channels, stem_kernel)
        self.stem.weight.requires_grad_(False)
        self.act = ACTIVATIONS[activation]()
        widths = [stem_channels, *channels]
        # A 3x3 stem gives 30 pixels and an unpadded convolution 28, which halve to 14 and 7
        # exactly: 6% fewer operations than the grids 31, 15 and 7.
        self.groups = nn.Sequential(
            *(
                ConvGroup(
                    a,
                    b,
                    depth=depth,
                    activation=activation,
                    residual=residual,
                    padded=stem_kernel == 2 or group > 0,
                )
                for group, ((a, b), depth) in enumerate(zip(pairwise(widths), blocks, strict=True))
            )
        )
        self.head = nn.Linear(channels[-1], classes, bias=False)
        if (
            not self.head.weight.is_meta
        ):  # there it would import torch._dynamo, which takes a second
            nn.init.normal_(self.head.weight)

    def forward(self, images: Tensor) -> Tensor:
        """Normalised images (N, 3, H, W) to logits (N, classes)."""
        x = self.act(self.stem(images))
        x = self.groups(x)
        x = torch.amax(x, dim=(2, 3))  # (N, C)
        return self.head(x) / x.shape[1]

    def train_stem(self, trained: bool) -> None:
        """Train or freeze the stem's bias; frozen, its gradient at full resolution is saved."""
        assert self.stem.bias is not None
        self.stem.bias.requires_grad_(trained)

    @torch.no_grad()
    def whiten(self, images: Tensor, *, eps: float = 5e-4) -> None:
        """Set the stem to the principal directions of patches, scaled to unit variance.

        Args:
            images: A few thousand normalised training images, (N, 3, H, W) float32.
            eps: Added to each variance, so that flat patches do not turn into noise.
        """
        kernel, kept = self.stem.weight.shape[-1], len(self.stem.weight) // 2
        patches = F.unfold(images.contiguous(), kernel)  # (N, D = 3 x kernel^2, patches an image)
        patches = patches.transpose(1, 2).reshape(-1, patches.shape[1])  # (all patches, D)
        variances, directions = torch.linalg.eigh(patches.T @ patches / len(patches))
        variances, directions = variances[-kept:], directions[:, -kept:]  # ascending before
        filters = (directions / torch.sqrt(variances + eps)).T.reshape(
            -1, *self.stem.weight.shape[1:]
        )
        self.stem.weight.copy_(torch.cat([filters, -filters]))
