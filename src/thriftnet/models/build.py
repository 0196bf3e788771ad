"""Builds a network from keyword arguments, as in a recipe's model section."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from thriftnet.errors import RecipeError
from thriftnet.models.describe import count_macs, count_parameters
from thriftnet.models.resnet import ResNet
from thriftnet.models.speednet import SpeedNet
from thriftnet.runtime.layout import with_layout

FAMILIES: dict[str, Callable[..., nn.Module]] = {"resnet": ResNet, "speednet": SpeedNet}


MOST_BLOCKS = 1_000
"""Sum over stages; building a block takes a millisecond."""
_MOST_CHANNELS = 2**16
_MOST_PARAMETERS = 2**30
_COUNTED = 4_096
"""Networks whose counts a process keeps; outlining one takes ten milliseconds."""


def outline_model(*, family: str, classes: int, **options: Any) -> nn.Module:
    """A network on the meta device, without memory for weights, to count or to load.

    Raises:
        RecipeError: It has an unreasonable number of blocks or channels.
    """
    for key, most, value in (
        ("blocks", MOST_BLOCKS, sum(options["blocks"])),
        ("channels", _MOST_CHANNELS, max(options["channels"])),
    ):
        if value > most:
            raise RecipeError(f"model.{key} asks for {value:,} {key}; use at most {most:,}")
    with torch.device("meta"):
        return FAMILIES[family](classes=classes, **options)


def count_network(*, classes: int, image_size: int = 32, **options: Any) -> tuple[int, int]:
    """Trainable parameters and MACs per image of a network, without building it.

    Args:
        classes: Number of classes.
        image_size: Height and width of the image in pixels.
        options: As those of `outline_model`, which raises the errors.
    """
    key = _key(classes=classes, **options)
    return _parameters_of(key), _macs_of(key, image_size)


def _key(**network: Any) -> str:
    """A network as text, by which caches find it."""
    return json.dumps(network, sort_keys=True)


@functools.lru_cache(_COUNTED)
def _parameters_of(key: str) -> int:
    return count_parameters(_outline_of(key))


@functools.lru_cache(_COUNTED)
def _macs_of(key: str, image_size: int) -> int:
    return count_macs(_outline_of(key), image_size=image_size)


@functools.lru_cache(1)
def _outline_of(key: str) -> nn.Module:
    return outline_model(**json.loads(key))


def build_model(
    *, family: str, classes: int, seed: int = 0, max_parameters: int | None = None, **options: Any
) -> nn.Module:
    """Build a channels-last network with weights initialised from `seed`.

    Args:
        family: A key of `FAMILIES`.
        classes: Number of classes.
        seed: Seed of the initial weights; the global generator is not changed.
        max_parameters: Upper limit of trainable parameters.
        options: Passed on to the family.

    Raises:
        RecipeError: The network has more than `max_parameters`; checked before allocating any.
    """
    parameters = _parameters_of(_key(family=family, classes=classes, **options))
    check_budget(parameters, min(max_parameters or _MOST_PARAMETERS, _MOST_PARAMETERS), options)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        model = FAMILIES[family](classes=classes, **options)
    return with_layout(model, torch.channels_last)


def check_budget(parameters: int, budget: int | None, options: Mapping[str, Any]) -> None:
    """Refuse a network over its budget.

    Raises:
        RecipeError: The network is over its budget.
    """
    if budget is not None and parameters > budget:
        raise RecipeError(
            f"the network of model.blocks={list(options['blocks'])} and "
            f"model.channels={list(options['channels'])} has {parameters:,} parameters, "
            f"{parameters - budget:,} over max_parameters {budget:,}; "
            "lower model.channels or model.blocks, or raise max_parameters"
        )
