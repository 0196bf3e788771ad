"""The paper's training in plain PyTorch, as a reference for ours.

Nothing here is taken from thriftnet. Tests and `paper_parity.py` compare our loop with it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Block(nn.Module):
    """BasicBlock of He et al. 2015."""

    def __init__(self, cin: int, cout: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(cin, cout, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(cout)
        self.conv2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(cout)
        self.shortcut = nn.Sequential()
        if stride != 1 or cin != cout:
            self.shortcut = nn.Sequential(
                nn.Conv2d(cin, cout, 1, stride, bias=False), nn.BatchNorm2d(cout)
            )

    def forward(self, x: Tensor) -> Tensor:
        """(N, cin, H, W) to (N, cout, H / stride, W / stride)."""
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return F.relu(out + self.shortcut(x))


class PlainResNet(nn.Module):
    """The paper's network: stages of blocks; an empty stage is the identity."""

    def __init__(self, blocks: Sequence[int], channels: Sequence[int]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, channels[0], 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels[0])
        layers: list[nn.Module] = []
        cin = channels[0]
        for stage, (count, cout) in enumerate(zip(blocks, channels, strict=True)):
            for index in range(count):
                layers.append(Block(cin, cout, 2 if stage > 0 and index == 0 else 1))
                cin = cout
        self.layers = nn.Sequential(*layers)
        self.linear = nn.Linear(cin, 10)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, 32, 32) to (N, 10)."""
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layers(x)
        return self.linear(x.mean((2, 3)))


def paper_learning_rate(
    epoch: int, *, base: float = 0.01, warmup: int = 5, epochs: int = 50, floor: float = 0.001
) -> float:
    """The report's warm-up and cosine formulas, epoch counted from 0."""
    if epoch < warmup:
        return base * (epoch + 1) / warmup
    low = base * floor
    current, total = epoch - warmup, epochs - warmup
    return low + 0.5 * (base - low) * (1 + math.cos(math.pi * current / total))


def plain_losses(
    model: nn.Module, batches: Iterable[tuple[int, Tensor, Tensor]], *, weight_decay: float = 0.001
) -> list[float]:
    """Train in fp32 with AdamW at the paper's learning rate; returns the loss of each step.

    Args:
        model: Changed in place.
        batches: (epoch, images (N, 3, H, W) float32, labels (N,)).
        weight_decay: On everything, as `torch.optim.AdamW` does by default.
    """
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=weight_decay)
    model.train()
    losses: list[float] = []
    for epoch, images, labels in batches:
        for group in optimiser.param_groups:
            group["lr"] = paper_learning_rate(epoch)
        optimiser.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses


def copy_weights(source: nn.Module, target: nn.Module) -> None:
    """Copy parameters and buffers by position: both define the same layers in the same order."""
    ours, theirs = list(source.state_dict().values()), target.state_dict()
    for (name, value), origin in zip(theirs.items(), ours, strict=True):
        if value.shape != origin.shape:
            raise ValueError(f"{name}: {tuple(value.shape)} against {tuple(origin.shape)}")
        value.copy_(origin)
