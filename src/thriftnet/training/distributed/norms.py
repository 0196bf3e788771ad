"""Replaces the batch norms of a network by others with the same weights."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import nn

from thriftnet.training.distributed.micro_batch_norm import MicroBatchNorm
from thriftnet.training.distributed.sync_batch_norm import SyncBatchNorm


def synchronise(model: nn.Module) -> None:
    """Make every batch norm one over the images of all processes."""
    _replace(model, SyncBatchNorm)


def split(model: nn.Module, micro_batch: int) -> None:
    """Make every batch norm one over each `micro_batch` images of a batch."""
    _replace(model, partial(MicroBatchNorm, micro_batch=micro_batch))


def _replace(model: nn.Module, make: Callable[..., nn.BatchNorm2d]) -> None:
    for module in list(model.modules()):
        for name, norm in module.named_children():
            if isinstance(norm, nn.BatchNorm2d):
                found = make(norm.num_features, eps=norm.eps, momentum=norm.momentum)
                found.weight, found.bias = norm.weight, norm.bias
                found.running_mean, found.running_var = norm.running_mean, norm.running_var
                found.num_batches_tracked = norm.num_batches_tracked
                setattr(module, name, found.train(norm.training))
