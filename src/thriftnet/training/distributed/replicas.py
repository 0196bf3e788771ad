"""Micro-batches of one step that do not wait for each other.

Batch norm's running statistics and stochastic depth's draws tie each micro-batch to the one before.
Here every micro-batch starts from the running statistics of the step's beginning and from draws
made beforehand; its own statistics are noted and taken in, in order, when all are done. So a step
gives the same bits in whatever order, thread or process its micro-batches are trained.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from thriftnet.models.layers import StochasticDepth


class Replicas:
    """Networks with the parameters of one and buffers of their own; kept between steps."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self._idle: list[nn.Module] = []

    @contextmanager
    def borrow(self) -> Iterator[nn.Module]:
        """One that nobody else uses meanwhile, in training mode; any thread may ask."""
        try:
            replica = self._idle.pop()
        except IndexError:
            replica = self._make()
        try:
            yield replica
        finally:
            self._idle.append(replica)

    def _make(self) -> nn.Module:
        shared = {id(parameter): parameter for parameter in self.model.parameters()}
        replica = copy.deepcopy(self.model, shared).train()
        for norm in _norms(replica):
            norm.momentum = 1.0  # running statistics are then those of the last forward pass
        return replica


class RunningStatistics:
    """Batch norm's running statistics over a step: told to each micro-batch, and moved by all.

    Args:
        model: Whose running statistics they are.
        micro_batches: Of the step.
    """

    def __init__(self, model: nn.Module, micro_batches: int) -> None:
        self._norms = _norms(model)
        self._before = _buffers(self._norms)
        flat = [buffer.reshape(-1) for buffer in self._before]
        self.seen = torch.stack([torch.cat(flat)] * micro_batches) if flat else torch.empty(0)
        """(micro-batches, all running means and variances): zero until noted."""
        self.seen.zero_()

    @torch.no_grad()
    def tell(self, replica: nn.Module) -> None:
        """Give a replica the statistics of the step's beginning, which fused sums are around."""
        for buffer, before in zip(_buffers(_norms(replica)), self._before, strict=True):
            buffer.copy_(before)

    def note(self, number: int, replica: nn.Module) -> None:
        """Keep what micro-batch `number` has left in a replica."""
        if self._before:
            torch.cat(_buffers(_norms(replica)), out=self.seen[number])

    @torch.no_grad()
    def fold(self) -> None:
        """Move the model's statistics by each micro-batch in turn."""
        sizes = [len(buffer) for buffer in self._before]
        for statistics in self.seen:
            for number, found in enumerate(statistics.split(sizes)):
                share = self._norms[number // 2].momentum or 0.0
                self._before[number].mul_(1 - share).add_(found, alpha=share)
        for norm in self._norms:
            if norm.num_batches_tracked is not None:
                norm.num_batches_tracked += len(self.seen)


def draw_depths(model: nn.Module, sizes: Sequence[int]) -> list[list[Tensor]]:
    """Every draw of stochastic depth in a step, in the order of forward passes in turn."""
    depths = [depth for depth in _depths(model) if depth.probability > 0]
    device = next(model.parameters()).device
    return [[depth.draw(size, device) for depth in depths] for size in sizes]


def set_depths(network: nn.Module, drawn: Sequence[Tensor], own: slice) -> None:
    """Let the next forward pass take the draws of a micro-batch's own images."""
    depths = (depth for depth in _depths(network) if depth.probability > 0)
    for depth, kept in zip(depths, drawn, strict=True):
        depth.kept = kept[own]


def _norms(model: nn.Module) -> list[nn.BatchNorm2d]:
    return [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]


def _depths(model: nn.Module) -> list[StochasticDepth]:
    return [module for module in model.modules() if isinstance(module, StochasticDepth)]


def _buffers(norms: Sequence[nn.BatchNorm2d]) -> list[Tensor]:
    pairs = ((norm.running_mean, norm.running_var) for norm in norms)
    return [buffer for pair in pairs for buffer in pair if buffer is not None]
