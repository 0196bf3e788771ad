"""What one of several processes does in a test; `torchrun` or `pair` starts it.

parity FOLDER          every recipe of RECIPES, into FOLDER/NAME; then a mistake
SIGNAL STEP COMMAND…   `thriftnet COMMAND…`; process 1 gets SIGNAL at that step
train …                this command
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn

from forked import ForkedProgram, Told
from small import dataset, opened, sitting, small_recipe
from thriftnet.cli import main
from thriftnet.data import Dataset
from thriftnet.recipe import Recipe
from thriftnet.training import loop
from thriftnet.training.automatic.trials import train_quietly
from thriftnet.training.distributed.norms import synchronise
from thriftnet.training.distributed.processes import ALONE, Processes, init_processes
from thriftnet.training.setup import Plan, make_plan, make_state, recipe_network

EVERYTHING = {"flip": "random", "mixup": 0.4, "cutmix": 1.0, "policy": "trivialaugment"}
DEPTH = {"stochastic_depth": 0.5}
SPEEDNET = {"model": {"family": "speednet", "blocks": [1, 2], "channels": [8, 8]}}
MUON = {
    "optim": {"name": "muon", "lr": 0.1, "bias_lr": 0.01, "head_lr": 0.05},
    "schedule": {"name": "linear"},
}
SGD = {"name": "sgd", "lr": 0.05}
TWO_VIEWS = {
    "optim": SGD,
    "augment": {**EVERYTHING, "noise": 0.5, "jpeg": 0.5},
    "train": {"sync_batch_norm": True, "consistency": 2.0},
}


def two_epochs(**sections: Any) -> Recipe:
    return small_recipe(**{**sections, "train": {"epochs": 2, **sections.get("train", {})}})


RECIPES = {
    # 51 images in batches of 16 leave three for the last, which one process has one of.
    "two micro-batches": two_epochs(
        optim=SGD, model=DEPTH, augment=EVERYTHING, train={"micro_batch": 8}
    ),
    "three micro-batches, hard images": two_epochs(
        optim=SGD,
        train={
            "micro_batch": 6,
            "hard_fraction": 0.5,
            "full_epochs": 1,
            "loss_decay": 0.75,
            "epochs": 3,  # the third draws on losses that have decayed
            "select": "best",
        },
    ),
    "muon on a speednet": two_epochs(**SPEEDNET, **MUON, train={"micro_batch": 8}),
    "split": two_epochs(
        optim=SGD, model=DEPTH, augment=EVERYTHING, train={"sync_batch_norm": True}
    ),
    # Of the 300,000 ReLUs of a step, one in several steps is as near to zero as fp32 rounds: it has
    # a gradient in one run and none in the other, which moves the loss by 3e-4. silu has no such
    # kink; `double_weights` has ReLUs.
    "split, two views": two_epochs(**TWO_VIEWS, model={**DEPTH, "activation": "silu"}),
    "split, one image left": two_epochs(
        optim=SGD, model=DEPTH, train={"sync_batch_norm": True, "batch_size": 50}
    ),
    "split, a speednet": two_epochs(
        **SPEEDNET, optim=SGD, train={"micro_batch": 8, "sync_batch_norm": True}
    ),
}
BFLOAT16 = two_epochs(optim=SGD, train={"sync_batch_norm": True, "precision": "bf16"})
CUT = RECIPES["two micro-batches"]
"""Begun by one process and ended by two."""


def images() -> Dataset:
    """61 images, of which 51 are left to train on."""
    return dataset(61)


def torchrun(*arguments: str | Path) -> Told:
    """Two processes as `torchrun --standalone --nproc-per-node 2` starts and ends them.

    Its agent forks them: each would import for seconds.
    """
    return ForkedProgram(_torchrun, *map(str, arguments)).ended()


def _torchrun(*arguments: str) -> None:
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    config = LaunchConfig(
        1, 1, 2, rdzv_backend="c10d", rdzv_endpoint="localhost:0", max_restarts=0,
        run_id=str(uuid.uuid4()), start_method="fork",
    )  # fmt: skip
    elastic_launch(config, _started)(*arguments)


def _started(*arguments: str) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # not the agent's own, as in a new process
    _do(*arguments)


def pair(*arguments: str | Path) -> Told:
    """The same without torchrun's agent."""
    return ForkedProgram(_pair, *map(str, arguments)).ended()


def _pair(*arguments: str) -> None:
    _become_two()
    _do(*arguments)


def _become_two() -> None:
    """Fork both processes from this one, which holds their store as torchrun does, and wait."""
    pipes = [os.pipe() for _ in range(2)]
    for rank, (receives, _) in enumerate(pipes):
        if not os.fork():
            port = os.read(receives, 9).decode()
            os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2"}
            os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
            os.environ["TORCHELASTIC_USE_AGENT_STORE"] = "True"
            return
    store = dist.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    for _, sends in pipes:
        os.write(sends, str(store.port).encode())
    ended = [os.wait()[1] for _ in pipes]
    sys.exit(any(ended))


def normalised(norm: nn.BatchNorm2d, x: Tensor, slope: Tensor) -> list[Tensor]:
    """What a batch norm makes of x, and the gradients of x, weight and bias for a loss's slope."""
    x = x.clone().requires_grad_()
    y = norm(x)
    (y * slope).sum().backward()
    assert x.grad is not None
    assert norm.weight.grad is not None
    assert norm.bias.grad is not None
    return [y.detach(), x.grad, norm.weight.grad, norm.bias.grad]


def batch_norm() -> tuple[nn.BatchNorm2d, Tensor, Tensor]:
    """A batch norm with weights of its own, images far from zero, and a slope."""
    draws = torch.Generator().manual_seed(0)
    norm = nn.BatchNorm2d(3, momentum=0.3)
    nn.init.uniform_(norm.weight, 0.5, 2, draws)
    nn.init.uniform_(norm.bias, -1, 1, draws)
    x, slope = torch.randn(2, 5, 3, 4, 6, generator=draws)
    return norm, (x * torch.tensor([0.1, 1, 10]).view(3, 1, 1) + 20), slope


def _norm(folder: Path, rank: int) -> None:
    norm, x, slope = batch_norm()
    holder = nn.Sequential(norm)
    synchronise(holder)
    own = slice(0, 2) if rank == 0 else slice(2, 5)
    synchronised = cast(nn.BatchNorm2d, holder[0])
    found = normalised(synchronised, x[own], slope[own])
    torch.save([*found, synchronised.running_mean, synchronised.running_var], folder / f"{rank}.pt")


def double_weights(processes: Processes = ALONE) -> Tensor:
    """All weights after a training with two views in float64, whose rounding is 10⁻¹⁶."""
    recipe = small_recipe(**TWO_VIEWS, model=DEPTH)
    model = recipe_network(recipe, classes=10)
    plan = make_plan(recipe, opened(images()), model, processes)
    objective = plan.objective

    def in_double(network: nn.Module, x: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        return objective(network, x.double(), targets)

    plan = replace(plan, objective=in_double)
    state = make_state(recipe, plan, model.double())
    train_quietly(plan, state)
    weights = state.model.state_dict()
    return torch.cat([weights[name].double().flatten() for name in sorted(weights)])


def _parity(folder: Path) -> None:
    with init_processes() as processes:
        weights = double_weights(processes)
        if processes.is_main:
            torch.save(weights, folder / "double.pt")
        _norm(folder, processes.rank)
        for name, recipe in {**RECIPES, "bf16": BFLOAT16, "cut": CUT}.items():
            sitting(recipe, folder / name, images=images, processes=processes)


def _mistake(folder: Path) -> None:
    """A command that no process can follow."""
    sys.argv = ["thriftnet", "train", "paper", "--runs-dir", str(folder), "--name", "mistake"]
    sys.argv += ["--set", "train.micro_batch=1", "--set", "train.sync_batch_norm=true"]
    with contextlib.suppress(SystemExit):
        main()


def _with_signal(number: int, step: int) -> None:
    taken = loop.train_step

    def train_step(plan: Plan, state: loop.TrainingState, *rest: object, **named: object) -> None:
        if plan.processes.rank == 1 and state.step == step:
            os.kill(os.getpid(), number)
        taken(plan, state, *rest, **named)  # type: ignore[arg-type]

    loop.train_step = train_step  # type: ignore[assignment]
    main()


def _do(kind: str, value: str, *command: str) -> None:
    if kind == "parity":
        _parity(Path(value))
        _mistake(Path(value))
    elif kind == "train":
        sys.argv = ["thriftnet", kind, value, *command]
        main()
    else:
        sys.argv = ["thriftnet", *command]
        _with_signal(signal.Signals[kind], int(value))
