"""Layer table of a network: output shapes, parameters and multiply-accumulates."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.hooks import RemovableHandle


@dataclass(frozen=True)
class Layer:
    """One layer with parameters, in order of the forward pass."""

    name: str
    kind: str
    output_shape: tuple[int, ...]
    """Without the batch dimension."""
    parameters: int
    """Trainable parameters."""
    macs: int
    """Multiply-accumulates per image; one MAC is two FLOPs."""


def _larger(*operands: Any, **_: Any) -> Tensor:
    """The operand that has the shape of an elementwise function's result."""
    return max((each for each in operands[:2] if isinstance(each, Tensor)), key=Tensor.numel)


def _linear(x: Tensor, weight: Tensor, *_: Any) -> Tensor:
    return x.new_empty(*x.shape[:-1], len(weight))


def _conv2d(
    x: Tensor,
    weight: Tensor,
    _bias: Any = None,
    stride: Any = (1, 1),
    padding: Any = (0, 0),
    *_: Any,
) -> Tensor:
    """Not dilated, as in the networks here."""
    places = zip(x.shape[2:], weight.shape[2:], stride, padding, strict=True)
    return x.new_empty(len(x), len(weight), *((n + 2 * p - k) // s + 1 for n, k, s, p in places))


def _max_pool2d(x: Tensor, side: int, **_: Any) -> Tensor:
    return x.new_empty(*x.shape[:2], *(n // side for n in x.shape[2:]))


def _reduced(x: Tensor, dim: tuple[int, ...]) -> Tensor:
    return x.new_empty([n for at, n in enumerate(x.shape) if at not in dim])


_SAME_SHAPE: dict[Any, Callable[..., Tensor]] = {
    **dict.fromkeys((F.batch_norm, F.gelu, F.relu, F.silu, torch.relu, torch.sigmoid), _larger),
    **dict.fromkeys((Tensor.add, Tensor.div, Tensor.mul), _larger),
    **dict.fromkeys((Tensor.mean, torch.mean, torch.amax), _reduced),
    F.linear: _linear,
    F.conv2d: _conv2d,
    F.max_pool2d: _max_pool2d,
}


class _ShapesOnly(TorchFunctionMode):
    """Makes a pass on the meta device cheap, where only shapes count.

    PyTorch finds the shapes of some functions in Python, and imports torch._dynamo or sympy for it,
    which take a second and half of one.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call a function, or on the meta device one whose result has the same shape."""
        if args and isinstance(args[0], Tensor) and args[0].is_meta:
            func = _SAME_SHAPE.get(func, func)
        return func(*args, **(kwargs or {}))


def count_parameters(model: nn.Module) -> int:
    """Trainable parameters. Frozen ones, as in a whitening stem, are not counted."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def layer_table(model: nn.Module, *, image_size: int = 32) -> list[Layer]:
    """Run one image through the network and record each layer with parameters.

    Only convolutions and linear layers count MACs; norms, activations and pooling do not, as usual.
    """
    layers: list[Layer] = []
    handles: list[RemovableHandle] = []
    device = next(model.parameters()).device

    def record(name: str, module: nn.Module) -> None:
        def hook(module: nn.Module, _inputs: Any, output: Tensor) -> None:
            own = sum(p.numel() for p in module.parameters(recurse=False) if p.requires_grad)
            kind = "Conv2d" if isinstance(module, nn.Conv2d) else type(module).__name__
            layers.append(Layer(name, kind, tuple(output.shape[1:]), own, _macs(module, output)))

        handles.append(module.register_forward_hook(hook))

    for name, module in model.named_modules():
        if next(module.parameters(recurse=False), None) is not None:
            record(name, module)
    training = model.training
    try:
        with torch.no_grad(), _ShapesOnly():
            model.eval()(torch.zeros(1, 3, image_size, image_size, device=device))
    finally:
        model.train(training)
        for handle in handles:
            handle.remove()
    return layers


def count_macs(model: nn.Module, *, image_size: int = 32) -> int:
    """Multiply-accumulates of a forward pass for one image."""
    return sum(layer.macs for layer in layer_table(model, image_size=image_size))


def largest_features(model: nn.Module, *, image_size: int) -> int:
    """Elements of the largest layer output for one image."""
    return max(math.prod(layer.output_shape) for layer in layer_table(model, image_size=image_size))


def training_flops(macs: int, images: int) -> int:
    """Operations of training on some images: 2 per MAC, three passes with the backward."""
    return 6 * macs * images


def _macs(module: nn.Module, output: Tensor) -> int:
    if isinstance(module, nn.Conv2d):
        kernel = module.kernel_size[0] * module.kernel_size[1]
        return output[0].numel() * module.in_channels // module.groups * kernel
    if isinstance(module, nn.Linear):
        return output[0].numel() * module.in_features
    return 0
