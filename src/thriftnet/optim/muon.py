"""Muon for convolutions: momentum with orthogonalised updates (K. Jordan 2024).

`torch.optim.Muon` supports matrices only; here a convolution (out, in, kh, kw) is flattened to
(out, in * kh * kw), as in cifar10-airbench.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, overload

import torch
from torch import Tensor

from thriftnet.optim.eager import Eager
from thriftnet.runtime.device import has_fast_bf16
from thriftnet.runtime.threads import deal

_QUINTIC = (3.4445, -4.7750, 2.0315)
"""Coefficients with the steepest slope at 0; singular values end in about [0.7, 1.2]."""


def orthogonalise(update: Tensor, *, steps: int = 3) -> Tensor:
    """Approximate the nearest semi-orthogonal matrix by a quintic Newton-Schulz iteration.

    Args:
        update: (rows, columns), any floating type.
        steps: Iterations. Three are enough for training (airbench); five for a close result.

    Returns:
        (rows, columns) float32. Only relative size matters, so the iteration runs in bfloat16 where
        the hardware has it, and in float32 elsewhere.
    """
    a, b, c = _QUINTIC
    wide = update.T if update.shape[0] > update.shape[1] else update
    x = wide.bfloat16() if has_fast_bf16(wide.device.type) else wide.float()
    # The largest singular value becomes at most 1; a zero matrix stays zero.
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.T if wide is not update else x).float()


def orthogonalise_each(updates: Sequence[Tensor]) -> Sequence[Tensor]:
    """Orthogonalise (rows, columns) matrices of one shape, several by the launches of one."""
    if len(updates) == 1:
        return [orthogonalise(updates[0])]
    return torch.vmap(orthogonalise)(torch.stack(list(updates))).unbind()


class Muon(Eager):
    """Orthogonalised Nesterov momentum on weights of fixed norm.

    Before each update a weight is scaled to Frobenius norm sqrt(out_channels): with a batch norm
    after every convolution only its direction matters, and with a fixed norm the learning rate is
    an angle. Weight decay would have no effect and is not offered.

    Args:
        params: Convolution weights (out, in, kh, kw) or matrices (out, in).
        lr: Size of an update relative to the weight.
        momentum: In [0, 1).
    """

    def __init__(self, params: Iterable[Any], *, lr: float, momentum: float = 0.6) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Make one update of every parameter that has a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            self._update_all(group)
        return loss

    def _update_all(self, group: dict[str, Any]) -> None:
        weights = [weight for weight in group["params"] if weight.grad is not None]
        for weight in weights:
            if "momentum_buffer" not in self.state[weight]:
                self.state[weight]["momentum_buffer"] = torch.zeros_like(weight)

        def update(same: Sequence[Tensor]) -> None:
            self._update(same, group["lr"], group["momentum"])

        if all(weight.device.type == "cpu" for weight in weights):
            for _ in deal(update, [[weight] for weight in weights]):
                pass
        else:  # an accelerator takes longer to be asked than to answer
            shapes = dict.fromkeys(weight.shape for weight in weights)
            for shape in shapes:
                update([weight for weight in weights if weight.shape == shape])

    def _update(self, weights: Sequence[Tensor], lr: float, momentum: float) -> None:
        """Update weights of one shape."""
        ahead: list[Tensor] = []
        for weight in weights:
            assert weight.grad is not None
            buffer = self.state[weight]["momentum_buffer"].mul_(momentum).add_(weight.grad)
            look_ahead = torch.add(weight.grad, buffer, alpha=momentum)
            ahead.append(look_ahead.reshape(len(weight), -1))
        for weight, direction in zip(weights, orthogonalise_each(ahead), strict=True):
            weight.mul_(len(weight) ** 0.5 / weight.norm())
            weight.add_(direction.view(weight.shape), alpha=-lr)
