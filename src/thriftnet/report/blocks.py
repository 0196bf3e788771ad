"""Splits a network into blocks by running one image through it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Any

import torch
from torch import Tensor, nn

from thriftnet.models.describe import Layer, layer_table

_CONTAINERS = (nn.Sequential, nn.ModuleList)


@dataclass(frozen=True)
class Block:
    """Layers of one part: a residual block, a group, the stem or the head."""

    name: str
    """Path of the module, as in `thriftnet describe`."""
    content: str
    """Its convolutions and linear layers, in order."""
    output_shape: tuple[int, ...]
    """Without the batch dimension."""
    parameters: int
    """Number of trainable parameters."""
    macs: int
    """Multiply-accumulates for one image."""


def block_table(network: nn.Module, *, image_size: int = 32) -> list[Block]:
    """The blocks in the order of the forward pass; they cover all layers."""
    layers = layer_table(network, image_size=image_size)
    modules = dict(network.named_modules())
    names = [_block_of(layer.name, modules) for layer in layers]
    shapes = _output_shapes(network, set(names), image_size=image_size)
    blocks: list[Block] = []
    pairs = zip(names, layers, strict=True)
    for name, members in groupby(pairs, key=lambda pair: pair[0]):
        group = [layer for _, layer in members]
        blocks.append(
            Block(
                name=name,
                content=_content(modules[name], group, modules),
                output_shape=shapes.get(name, group[-1].output_shape),
                parameters=sum(layer.parameters for layer in group),
                macs=sum(layer.macs for layer in group),
            )
        )
    return blocks


def _block_of(name: str, modules: dict[str, nn.Module]) -> str:
    """The outermost module around a layer that is not a plain list; else its top level."""
    parts = name.split(".")
    for length in range(1, len(parts)):
        path = ".".join(parts[:length])
        if not isinstance(modules[path], _CONTAINERS):
            return path
    return parts[0]


def _output_shapes(
    network: nn.Module, names: set[str], *, image_size: int
) -> dict[str, tuple[int, ...]]:
    """Output shape of each named module for one image."""
    shapes: dict[str, tuple[int, ...]] = {}

    def note(name: str) -> Any:
        def hook(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
            shapes[name] = tuple(output.shape[1:])

        return hook

    modules = dict(network.named_modules())
    handles = [modules[name].register_forward_hook(note(name)) for name in names]
    training = network.training
    try:
        with torch.no_grad():
            network.eval()(torch.zeros(1, 3, image_size, image_size))
    finally:
        network.train(training)
        for handle in handles:
            handle.remove()
    return shapes


def _content(block: nn.Module, layers: list[Layer], modules: dict[str, nn.Module]) -> str:
    """Content of a block, such as `2 × conv 3×3 + shortcut`; without norms; `/2` is a stride."""
    inside = [layer.name for layer in layers if ".shortcut." not in layer.name]
    around = [layer.name for layer in layers if ".shortcut." in layer.name]
    text = _count_same([_words(modules[name]) for name in inside])
    # Both families use these names.
    if hasattr(block, "shortcut") or getattr(block, "residual", False):
        text += f" + shortcut {_count_same([_words(modules[name]) for name in around])}"
    return text.strip()


def _count_same(words: list[str]) -> str:
    told = [(word, len(list(same))) for word, same in groupby(word for word in words if word)]
    return ", ".join(f"{count} × {word}" if count > 1 else word for word, count in told)


def _words(layer: nn.Module) -> str:
    if isinstance(layer, nn.Conv2d):
        stride = f" /{layer.stride[0]}" if layer.stride[0] > 1 else ""
        frozen = "" if layer.weight.requires_grad else "frozen "
        return f"{frozen}conv {layer.kernel_size[0]}×{layer.kernel_size[1]}{stride}"
    return "linear" if isinstance(layer, nn.Linear) else ""
