"""Makes the micro-batches of a step independent of each other.

Batch norm's running statistics and stochastic depth's draws would make each micro-batch depend on
the one before. Here every micro-batch starts from the running statistics at the start of the step
and from precomputed draws; its own statistics are recorded and applied in order at the end. So a
step gives the same bits in whatever order, thread or process its micro-batches run.
"""

from __future__ import annotations

import copy
from collections.abc import Generator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from thriftnet.models.layers import StochasticDepth


class Replicas:
    """A pool of networks that share one network's parameters and have separate buffers."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.parameters = list(model.parameters())
        self.depths = _depths(model)
        self._idle: list[nn.Module] = []

    @contextmanager
    def borrow(self) -> Generator[nn.Module]:
        """A replica in training mode for exclusive use; thread-safe."""
        try:
            replica = self._idle.pop()
        except IndexError:
            replica = self._make()
        try:
            yield replica
        finally:
            self._idle.append(replica)

    def _make(self) -> nn.Module:
        shared = {id(parameter): parameter for parameter in self.parameters}
        replica = copy.deepcopy(self.model, shared).train()
        for norm in _norms(replica):
            norm.momentum = 1.0  # running statistics become those of the last forward pass
        return replica


class RunningStatistics:
    """Batch norm's running statistics during a step of several micro-batches.

    Args:
        model: The network whose statistics are updated.
        micro_batches: Number of micro-batches in the step.
    """

    def __init__(self, model: nn.Module, micro_batches: int) -> None:
        self._norms = _norms(model)
        self._before = _buffers(self._norms)
        flat = [buffer.reshape(-1) for buffer in self._before]
        self.recorded = torch.stack([torch.cat(flat)] * micro_batches) if flat else torch.empty(0)
        """(micro-batches, all running means and variances): zero until recorded."""
        self.recorded.zero_()

    @torch.no_grad()
    def load_into(self, replica: nn.Module) -> None:
        """Load the statistics at the start of the step; fused kernels centre their sums on them."""
        for buffer, before in zip(_buffers(_norms(replica)), self._before, strict=True):
            buffer.copy_(before)

    def record(self, number: int, replica: nn.Module) -> None:
        """Record the statistics of micro-batch `number` from its replica."""
        if self._before:
            torch.cat(_buffers(_norms(replica)), out=self.recorded[number])

    @torch.no_grad()
    def apply(self) -> None:
        """Update the model's statistics with each micro-batch in order."""
        sizes = [len(buffer) for buffer in self._before]
        for statistics in self.recorded:
            for number, found in enumerate(statistics.split(sizes)):
                share = self._norms[number // 2].momentum or 0.0
                self._before[number].mul_(1 - share).add_(found, alpha=share)
        for norm in self._norms:
            if norm.num_batches_tracked is not None:
                norm.num_batches_tracked += len(self.recorded)


def draw_depths(replicas: Replicas, sizes: Sequence[int]) -> list[list[Tensor]]:
    """All stochastic depth draws of a step, in the order of sequential forward passes."""
    device = replicas.parameters[0].device
    return [[depth.draw(size, device) for depth in replicas.depths] for size in sizes]


def set_depths(network: nn.Module, drawn: Sequence[Tensor], own: slice, *, views: int = 1) -> None:
    """Set the draws for the next forward pass of a network, the same for each view of an image."""
    if drawn:
        for depth, kept in zip(_depths(network), drawn, strict=True):
            depth.kept = kept[own].repeat(views, 1, 1, 1)


def _norms(model: nn.Module) -> list[nn.BatchNorm2d]:
    return [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]


def _depths(model: nn.Module) -> list[StochasticDepth]:
    depths = (module for module in model.modules() if isinstance(module, StochasticDepth))
    return [depth for depth in depths if depth.probability > 0]


def _buffers(norms: Sequence[nn.BatchNorm2d]) -> list[Tensor]:
    pairs = ((norm.running_mean, norm.running_var) for norm in norms)
    return [buffer for pair in pairs for buffer in pair if buffer is not None]
