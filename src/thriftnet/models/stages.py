"""Stem and stages of a network, and their costs."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

from thriftnet.models.resnet import ResNet
from thriftnet.models.speednet import SpeedNet


def has_stages(model: nn.Module) -> bool:
    """Whether the stages of a network's family are known."""
    return isinstance(model, ResNet | SpeedNet)


def network_stages(model: nn.Module) -> dict[str, nn.Module]:
    """Stem and stages by name, `stem`, `stage 1`, ..., without empty stages.

    Raises:
        TypeError: The family is not known.
    """
    if isinstance(model, ResNet):
        stem, stages = model.stem, list(model.stages)
    elif isinstance(model, SpeedNet):
        stem, stages = model.act, list(model.groups)
    else:
        raise TypeError(f"{type(model).__name__} has no known stages")
    parts = {f"stage {number}": stage for number, stage in enumerate(stages, start=1)}
    return {
        "stem": stem,
        **{name: part for name, part in parts.items() if len(list(part.children()))},
    }


def costs_of_stages(
    stages: Mapping[str, nn.Module], model: nn.Module, layers: Mapping[str, tuple[int, int]]
) -> dict[str, tuple[int, int]]:
    """Parameters and MACs per stage, from those of the layers by name."""
    names = {id(module): name for name, module in model.named_modules()}
    found: dict[str, tuple[int, int]] = {}
    for stage, part in stages.items():
        start = names[id(part)]
        own = [
            cost for name, cost in layers.items() if name == start or name.startswith(start + ".")
        ]
        found[stage] = sum(cost[0] for cost in own), sum(cost[1] for cost in own)
    return found
