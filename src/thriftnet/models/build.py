"""From a recipe's model section, as plain keyword arguments, to a network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from thriftnet.errors import RecipeError
from thriftnet.models.describe import count_parameters
from thriftnet.models.resnet import ResNet
from thriftnet.models.speednet import SpeedNet

FAMILIES: dict[str, Callable[..., nn.Module]] = {"resnet": ResNet, "speednet": SpeedNet}


MOST_BLOCKS = 1_000
"""Of all stages; each takes a millisecond to make, whatever its width."""
_MOST_CHANNELS = 2**16
_MOST_PARAMETERS = 2**30


def outline_model(*, family: str, classes: int, **options: Any) -> nn.Module:
    """A network whose weights take no memory: on the meta device, to be counted or filled.

    Raises:
        RecipeError: It has more blocks or channels than anyone means.
    """
    for key, most, value in (
        ("blocks", MOST_BLOCKS, sum(options["blocks"])),
        ("channels", _MOST_CHANNELS, max(options["channels"])),
    ):
        if value > most:
            raise RecipeError(f"model.{key} asks for {value:,} {key}; use at most {most:,}")
    with torch.device("meta"):
        return FAMILIES[family](classes=classes, **options)


def build_model(
    *, family: str, classes: int, seed: int = 0, max_parameters: int | None = None, **options: Any
) -> nn.Module:
    """Build a network with weights drawn from `seed`, laid out channels-last.

    Args:
        family: A key of `FAMILIES`.
        classes: Length of the output.
        seed: Names the initial weights; the global generator is left as it was.
        max_parameters: Largest number of trainable parameters allowed.
        options: Passed on to the family.

    Raises:
        RecipeError: The network has more than `max_parameters`, known before any is made.
    """
    parameters = count_parameters(outline_model(family=family, classes=classes, **options))
    check_budget(parameters, min(max_parameters or _MOST_PARAMETERS, _MOST_PARAMETERS), options)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = FAMILIES[family](classes=classes, **options)
    return model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


def check_budget(parameters: int, budget: int | None, options: Mapping[str, Any]) -> None:
    """Refuse a network over its budget.

    Raises:
        RecipeError: Says by how much, and what to lower.
    """
    if budget is not None and parameters > budget:
        raise RecipeError(
            f"the network of model.blocks={list(options['blocks'])} and "
            f"model.channels={list(options['channels'])} has {parameters:,} parameters, "
            f"{parameters - budget:,} over max_parameters {budget:,}; "
            "lower model.channels or model.blocks, or raise max_parameters"
        )
