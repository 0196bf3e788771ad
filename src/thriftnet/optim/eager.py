"""torch.optim's optimisers without the import of `torch._dynamo`, which takes a second.

PyTorch wraps the methods of an optimiser for `torch.compile`, and each wrapper imports the compiler
at its first call. Nothing is compiled here, so every training and every worker of a search would
wait for it in vain. What the wrappers call is called directly; the bits are the same.
"""

from __future__ import annotations

import inspect

import torch
from torch.optim import Optimizer


class Eager(Optimizer):
    """Methods of `Optimizer` without their wrappers; `step` is the subclass's."""

    add_param_group = inspect.unwrap(Optimizer.add_param_group)
    zero_grad = inspect.unwrap(Optimizer.zero_grad)
    state_dict = inspect.unwrap(Optimizer.state_dict)
    load_state_dict = inspect.unwrap(Optimizer.load_state_dict)


class SGD(Eager, torch.optim.SGD):
    """`torch.optim.SGD`."""

    step = torch.no_grad()(inspect.unwrap(torch.optim.SGD.step))


class AdamW(Eager, torch.optim.AdamW):
    """`torch.optim.AdamW`."""

    step = torch.no_grad()(inspect.unwrap(torch.optim.AdamW.step))
