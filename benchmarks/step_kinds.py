"""What kind of work an operator of a training step does, and how many operations it takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

AUGMENTATION = "augmentation"
"""Name of the range that the profile lays around the augmentation of a batch."""

KINDS: tuple[str, ...] = (
    "convolution forward",
    "convolution backward",
    "batch norm",
    "activation",
    "pooling",
    "loss",
    "optimiser",
    "augmentation",
    "casts and copies",
    "sums",
    "other",
)
"""`sums`: of residual branches, and of gradients. `other`: the linear head among it."""

# The first pattern found in a name, from the operator outwards to what called it, names the kind.
_PATTERNS: tuple[tuple[str, str], ...] = (
    ("aten::copy_", "casts and copies"),
    ("aten::clone", "casts and copies"),
    ("aten::to", "casts and copies"),
    ("ToCopyBackward", "casts and copies"),
    ("aten::add", "sums"),
    ("AccumulateGrad", "sums"),
    ("AddBackward", "sums"),
    ("onvolution_backward", "convolution backward"),
    ("ConvolutionBackward", "convolution backward"),
    ("aten::conv", "convolution forward"),
    ("mkldnn_convolution", "convolution forward"),
    ("batch_norm", "batch norm"),
    ("BatchNorm", "batch norm"),
    ("pool", "pooling"),
    ("Pool", "pooling"),
    ("amax", "pooling"),
    ("Amax", "pooling"),
    ("elu", "activation"),
    ("Elu", "activation"),
    ("ReLU", "activation"),
    ("silu", "activation"),
    ("Silu", "activation"),
    ("cross_entropy", "loss"),
    ("log_softmax", "loss"),
    ("LogSoftmax", "loss"),
    ("nll_loss", "loss"),
    ("NllLoss", "loss"),
)


def kind_of(chain: list[str]) -> str:
    """The kind of an operator's own time.

    Args:
        chain: Its name, then those of the ranges it ran in, from the innermost outwards.
    """
    if AUGMENTATION in chain:
        return "augmentation"
    if any(name.startswith("Optimizer.") for name in chain):
        return "optimiser"
    for name in chain:
        for pattern, kind in _PATTERNS:
            if pattern in name:
                return kind
    return "other"


def convolution_flops(event: Any) -> tuple[str, str, int] | None:
    """What a convolution does.

    Args:
        event: Of a profile with `record_shapes=True`.

    Returns:
        The layer (channels in and out, kernel, side), `forward` or `backward`, and the
        operations, two a multiply-accumulate; none where the event is no convolution's own.
    """
    shapes, values = event.input_shapes, event.concrete_inputs
    if event.name == "aten::mkldnn_convolution":
        data, weight = shapes[0], shapes[1]
        padding, stride, dilation = values[3:6]
        side = _output_side(data[2], weight[2], padding[0], stride[0], dilation[0])
        direction, passes = "forward", 1
    elif event.name == "aten::convolution_backward":
        output, data, weight = shapes[:3]
        side = output[2]
        # A gradient of the weights, and one of the input unless nothing before it learns.
        direction, passes = "backward", sum(bool(wanted) for wanted in values[10][:2])
    else:
        return None
    per_position = weight[0] * weight[1] * weight[2] * weight[3]
    layer = f"{weight[1]}→{weight[0]}, {weight[2]}×{weight[3]}, {data[2]}×{data[3]} in"
    return layer, direction, 2 * passes * data[0] * side * side * per_position


def callers(event: Any) -> Iterator[str]:
    """The event's name and those of the ranges around it, from the innermost outwards."""
    while event is not None:
        yield event.name
        event = event.cpu_parent


def _output_side(size: int, kernel: int, padding: int, stride: int, dilation: int) -> int:
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
