"""A training step on an accelerator that is not there: what it launches, and where it waits.

PyTorch's `meta` device has shapes and no values. Operations on it take no time and are counted; who
asks for a value would wait for an accelerator until all that was launched is done, and is given
zeros here. Casts of mixed precision are not counted, as the device has none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from thriftnet.bench.speed import noise_training
from thriftnet.optim.build import build_optimisers
from thriftnet.recipe import Recipe
from thriftnet.recipe.epochs import Epochs
from thriftnet.runtime.device import Compute
from thriftnet.training.loop import train_step
from thriftnet.training.objective import build_objective
from thriftnet.training.setup import Plan
from thriftnet.training.sizes import Sizes
from thriftnet.training.state import TrainingState
from thriftnet.training.update import Update

_META = torch.device("meta")
_COPIES = {torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default}
_VALUE = torch.ops.aten._local_scalar_dense.default


class _MetaCompute(Compute):
    def autocast(self) -> AbstractContextManager[object]:
        return nullcontext()


@dataclass
class StepCost:
    """What a step asks of an accelerator."""

    launches: Counter[str] = field(default_factory=Counter[str])
    """Operations other than views, by part of the step."""
    copies: int = 0
    """From the CPU to the device."""
    waits: list[str] = field(default_factory=list[str])
    """Parts of the step in which it is waited for."""


def step_cost(recipe: Recipe) -> StepCost:
    """Count a step of a recipe at full image size, after one that sets up the optimisers' state."""
    plan, state = _meta_training(recipe)
    batch, cost = torch.arange(plan.batch_size), StepCost()
    for counted in (StepCost(), cost):
        with _Counting(counted) as counting:
            watched = replace(plan, update=_Parts(plan.update, counting))
            train_step(watched, state, batch, epoch=plan.sizes.first_whole_epoch)
    return cost


def _meta_training(recipe: Recipe) -> tuple[Plan, TrainingState]:
    with patch.object(Compute, "prefers_small", False):
        plan, state = noise_training(recipe)
    compute = _MetaCompute(_META, "fp32")
    model = state.model.to(_META)
    there = TrainingState(
        model=model,
        optimisers=build_optimisers(model, **recipe.optim.model_dump()),
        average=None,
        interpolation=None,
        total_steps=plan.total_steps,
        losses=state.losses,
        visits=state.visits,
    )
    for group in (group for optimiser in there.optimisers for group in optimiser.param_groups):
        if "foreach" in group:
            group["foreach"] = True  # PyTorch's default on CUDA
    moved = {name: getattr(plan, name).to(_META) for name in ("images", "labels")}
    objective = build_objective(recipe.train, compute, None)
    # A step between two points of the loss curve: a point's gradient norm is a wait of its own.
    plan = replace(plan, total_steps=10**6)
    return replace(plan, compute=compute, objective=objective, **moved), there


class _Counting(TorchDispatchMode):
    """Counts operations on the device that is not there."""

    def __init__(self, cost: StepCost) -> None:
        super().__init__()
        self.part = "augmentation"
        self._cost = cost

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        named = dict(kwargs or {})
        there = [t.device == _META for t in _tensors((args, named))]
        if func is _VALUE and any(there):
            self._cost.waits.append(self.part)
            return 0
        if func in _COPIES and any(there) and torch.device(named.get("device", _META)) != _META:
            self._cost.waits.append(self.part)
            return torch.zeros(args[0].shape, dtype=named.get("dtype") or args[0].dtype)
        found = func(*args, **named)
        there += [t.device == _META for t in _tensors(found)]
        if any(there) and not all(there) and func in _COPIES:
            self._cost.copies += 1
            if not named.get("non_blocking") and True not in args[2:]:
                self._cost.waits.append(self.part)
        elif any(there) and not func.is_view:
            self._cost.launches[self.part] += 1
        return found


@dataclass(frozen=True)
class _Parts:
    """An update that tells where the passes through the network begin and end."""

    update: Update
    counting: _Counting

    def __call__(self, state: TrainingState, gradients: Callable[[], None]) -> None:
        def told() -> None:
            self.counting.part = "passes"
            gradients()
            self.counting.part = "update"

        self.update(state, told)
        self.counting.part = "losses"

    def operations(self, sizes: Sizes, epochs: Epochs, steps: int) -> int:
        return self.update.operations(sizes, epochs, steps)


def _tensors(tree: Any) -> Iterator[Tensor]:
    return (leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor))
