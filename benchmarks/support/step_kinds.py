"""Times the operators of a training step by kind of work, and counts their operations.

A dispatch mode times them, not torch's profiler: the profiler's allocations fragment the memory
between steps, and the cost of fresh pages would be charged to the operators.
"""

from __future__ import annotations

import time
from collections import defaultdict
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode

KINDS: tuple[str, ...] = (
    "convolution forward",
    "convolution backward",
    "compiled convolutions",
    "fused pooling, norm, activation",
    "batch norm",
    "activation",
    "pooling",
    "loss",
    "optimiser",
    "augmentation",
    "casts and copies",
    "sums",
    "other",
    "between operators",
)
"""`compiled` and `fused`: calls of `winograd.c` and `fused.c`, which are not operators. `sums`: of
residual branches and gradients. `other`: including the linear head."""

_KIND_OF: dict[str, str] = {
    "convolution": "convolution forward",
    "convolution_backward": "convolution backward",
    "native_batch_norm": "batch norm",
    "native_batch_norm_backward": "batch norm",
    "max_pool2d_with_indices": "pooling",
    "max_pool2d_with_indices_backward": "pooling",
    "amax": "pooling",
    "eq": "pooling",  # of the gradient of amax
    "relu_": "activation",
    "relu": "activation",
    "threshold_backward": "activation",
    "gelu": "activation",
    "gelu_backward": "activation",
    "silu_": "activation",
    "silu": "activation",
    "silu_backward": "activation",
    "_log_softmax": "loss",
    "_log_softmax_backward_data": "loss",
    "nll_loss_forward": "loss",
    "nll_loss_backward": "loss",
    "_to_copy": "casts and copies",
    "copy_": "casts and copies",
    "clone": "casts and copies",
    "add": "sums",
    "add_": "sums",
}


class StepClock(TorchDispatchMode):
    """Times every operator while active; nested operators count for the outer one."""

    def __init__(self) -> None:
        super().__init__()
        self._part: str | None = None
        self.clear()

    def clear(self) -> None:
        """Forget what was timed."""
        self.seconds = dict.fromkeys(KINDS, 0.0)
        self.flops: dict[tuple[str, str], int] = defaultdict(int)
        """Operations of convolutions by layer and direction, like `spent`."""
        self.spent: dict[tuple[str, str], float] = defaultdict(float)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Run the operator and add its time to its kind."""
        began = time.perf_counter()
        result = func(*args, **(kwargs or {}))
        took = time.perf_counter() - began
        name = func.overloadpacket.__name__
        self.seconds[self._part or _KIND_OF.get(name, "other")] += took
        convolution = convolution_flops(name, args, result)
        if convolution:
            layer, direction, operations = convolution
            self.flops[layer, direction] += operations
            self.spent[layer, direction] += took
        return result

    def timed(self, library: Any, kind: str) -> Any:
        """Wrap a library of compiled operations so that calls are timed as a kind."""
        clock = self

        class TimedLibrary:
            def __getattr__(self, name: str) -> Any:
                function = getattr(library, name)

                def call(*arguments: Any) -> Any:
                    began = time.perf_counter()
                    answer = function(*arguments)
                    clock.seconds[kind] += time.perf_counter() - began
                    return answer

                return call

        return TimedLibrary() if library is not None else None

    def enter(self, kind: str) -> None:
        """Assign all operators to one kind, until `leave`."""
        self._part = kind

    def leave(self) -> None:
        """Assign operators to their own kinds again."""
        self._part = None


def convolution_flops(name: str, args: tuple[Any, ...], result: Any) -> tuple[str, str, int] | None:
    """Describe a convolution.

    Args:
        name: Name of an operator.
        args: Its arguments.
        result: Its result.

    Returns:
        The layer (channels in and out, kernel, side), `forward` or `backward`, and the operations,
        two per multiply-accumulate; None for other operators.
    """
    if name == "convolution":
        output, data, weight = result, args[0], args[1]
        direction, passes = "forward", 1
    elif name == "convolution_backward":
        output, data, weight = args[:3]
        # A gradient of the weights, and one of the input unless nothing before it is trained.
        direction, passes = "backward", sum(bool(wanted) for wanted in args[10][:2])
    else:
        return None
    made, taken, height, width = weight.shape
    layer = f"{taken}→{made}, {height}×{width}, {data.shape[2]}×{data.shape[3]} in"
    positions = output.shape[0] * output.shape[2] * output.shape[3]
    return layer, direction, 2 * passes * positions * weight.numel()
