"""Several processes that train one network together: who is who, and how they talk.

`torchrun` starts the processes and tells each by environment variables who it is and where the
others are. Tensors travel by gloo on the CPU and by nccl between CUDA devices.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
import os
import pickle
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.distributed_c10d import PrefixStore, Store
from torch.distributed.rendezvous import rendezvous

from thriftnet.errors import ProcessError, RecipeError, ThriftnetError
from thriftnet.training.distributed.ranks import torchrun_started

T = TypeVar("T")

TIMEOUT = timedelta(minutes=10)
"""The longest that a process waits for another. One that ends is missed at once, by its closed
connection: this is for a machine that is switched off and a process that hangs. Others wait so
while the first one validates, and must not take that for a hang."""

_MEETINGS = itertools.count()
"""Those of this process: a script may train several times, each with table entries of its own."""


@dataclass(frozen=True)
class Processes:
    """Those that train together, from the side of one of them; by default one alone."""

    rank: int = 0
    count: int = 1
    local_rank: int = 0
    """Among those on the same machine: the number of its CUDA device."""

    @property
    def alone(self) -> bool:
        """Whether there are no others."""
        return self.count == 1

    @property
    def is_main(self) -> bool:
        """Whether this is the first process, the one that prints, validates and writes."""
        return self.rank == 0

    def broadcast_from_main(self, act: Callable[[], T]) -> T:
        """Do something in the first process alone; all get what came of it.

        Args:
            act: Its result must be something that pickle takes.

        Raises:
            ProcessError: The first process did not come to its end.
        """
        if self.alone:
            return act()
        content = pickle.dumps(act()) if self.is_main else b""
        size = torch.tensor([len(content)])
        _send_first(size)
        packed = torch.empty(int(size), dtype=torch.uint8)
        if self.is_main:
            packed = torch.frombuffer(bytearray(content), dtype=torch.uint8)
        _send_first(packed)
        return cast("T", pickle.loads(packed.numpy().tobytes()))  # noqa: S301 (our own bytes)

    def any(self, flag: bool) -> bool:
        """Whether the flag is true in any process, told to all.

        Raises:
            ProcessError: A process is gone.
        """
        if self.alone:
            return flag
        flags = torch.tensor([float(flag)])
        all_reduce(flags)
        return bool(flags.item() > 0)

    def copy_first(self, model: nn.Module) -> None:
        """Give every process the first one's weights: other processors may round otherwise.

        Raises:
            ProcessError: A process is gone.
        """
        if not self.alone:
            for tensor in model.state_dict().values():
                _send_first(tensor)

    def check_device(self, device: torch.device) -> None:
        """See that every process can have a device of that kind.

        Raises:
            RecipeError: It cannot.
        """
        if self.alone or device.type == "cpu":
            return
        if device.type != "cuda":
            raise RecipeError(
                f"train.device={device.type} trains in one process only; "
                "use train.device=cpu for several"
            )
        devices = torch.cuda.device_count()
        if self.local_rank >= devices:
            raise RecipeError(
                f"process {self.local_rank + 1} of this machine finds {devices} CUDA device(s); "
                f"start torchrun with --nproc-per-node {devices}, or set train.device=cpu"
            )


ALONE = Processes()


@contextlib.contextmanager
def init_processes() -> Iterator[Processes]:
    """Meet the processes that `torchrun` started beside this one; without it, nobody.

    An error ends this process and, by its closed connections, the others. The first that fails
    says why; of the others, each `ThriftnetError` is marked as told.

    Raises:
        ProcessError: The others did not come.
    """
    if not torchrun_started():
        yield ALONE
        return
    try:
        # A store is a table that all processes can write to: here, that of torchrun.
        table, rank, count = next(rendezvous("env://", timeout=TIMEOUT))
        store = PrefixStore(f"thriftnet-{next(_MEETINGS)}", table)
        local_rank = int(os.environ.get("LOCAL_RANK", rank))
        _open(store, rank, count, local_rank)
    except (RuntimeError, ValueError) as fault:
        raise ProcessError(
            f"the other processes were not met ({_first_sentence(fault)}); "
            "start all of them again by torchrun"
        ) from None
    try:
        yield Processes(rank, count, local_rank)
    except BaseException as fault:
        told = not _first_to_fail(store)
        if isinstance(fault, ThriftnetError):
            fault.told = told
        raise
    finally:
        with contextlib.suppress(RuntimeError):
            dist.destroy_process_group()


def _open(store: Store, rank: int, count: int, local_rank: int) -> None:
    # Its functions take the group of the moment of their import as a default, and an optimiser's
    # first step imports them: the group would outlive its end, and a thread of it that wants
    # Python while Python ends aborts the process.
    importlib.import_module("torch.distributed.nn")
    backend = "gloo"
    if torch.cuda.is_available():
        torch.cuda.set_device(local_rank % torch.cuda.device_count())
        if dist.is_nccl_available():
            backend = "cpu:gloo,cuda:nccl"
    dist.init_process_group(
        backend,
        store=store,
        rank=rank,
        world_size=count,
        timeout=TIMEOUT,
    )


def _first_to_fail(store: Store) -> bool:
    """Whether no other process has failed before; unknown is yes, lest nobody says a word."""
    try:
        return store.add("failed", 1) == 1
    except RuntimeError:  # it was in a process that is gone
        return True


def all_reduce(tensor: Tensor) -> None:
    """Put the sum over all processes in place of a contiguous tensor, the same bits in each.

    Raises:
        ProcessError: A process is gone.
    """
    with _talking():
        dist.all_reduce(tensor)


def _send_first(tensor: Tensor) -> None:
    """Put the first process's tensor in place of each other's."""
    with _talking():
        sent = tensor.contiguous()  # in plain order, whatever the layout of either side
        dist.broadcast(sent, src=0)
        tensor.copy_(sent)


@contextlib.contextmanager
def _talking() -> Iterator[None]:
    try:
        yield
    except RuntimeError as fault:
        raise ProcessError(
            f"another process of this training has ended or hangs ({_first_sentence(fault)}); "
            "start all of them again by torchrun"
        ) from None


def _first_sentence(fault: Exception) -> str:
    lines = str(fault).splitlines() or [type(fault).__name__]
    line = re.sub(r"^\[\S+:\d+\] *", "", lines[0])  # where in gloo it happened
    return line.split(". ")[0].rstrip(".")[:160]
