"""The processes of a distributed training: rank, collectives and error handling.

`torchrun` starts the processes and sets their rank and rendezvous address in environment variables.
Collectives use gloo on the CPU and nccl between CUDA devices.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
import os
import pickle
import re
import signal
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import timedelta
from types import FrameType
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
"""Longest wait for another process that hangs; one that ends is noticed at once. It must exceed
the time of a validation, which only the main process does."""

_SESSIONS = itertools.count()
"""Numbers the trainings of this process, each of which gets its own keys in the store."""


@dataclass(frozen=True)
class Processes:
    """The group of processes, as seen by one of them; by default a single process."""

    rank: int = 0
    count: int = 1
    local_rank: int = 0
    """Rank among the processes on this machine: the index of its CUDA device."""

    @property
    def alone(self) -> bool:
        """Whether this is the only process."""
        return self.count == 1

    @property
    def is_main(self) -> bool:
        """Whether this is the process of rank 0, which prints, validates and writes."""
        return self.rank == 0

    def broadcast_from_main(self, act: Callable[[], T]) -> T:
        """Run a function in the main process and send its result to all.

        Args:
            act: Its result must be picklable.

        Raises:
            ProcessError: The main process ended.
        """
        if self.alone:
            return act()
        content = pickle.dumps(act()) if self.is_main else b""
        size = torch.tensor([len(content)])
        _broadcast(size)
        packed = torch.empty(int(size), dtype=torch.uint8)
        if self.is_main:
            packed = torch.frombuffer(bytearray(content), dtype=torch.uint8)
        _broadcast(packed)
        return cast("T", pickle.loads(packed.numpy().tobytes()))  # noqa: S301 (our own bytes)

    def any(self, flag: bool) -> bool:
        """Whether the flag is true in any process.

        Raises:
            ProcessError: A process is gone.
        """
        if self.alone:
            return flag
        flags = torch.tensor([float(flag)])
        all_reduce(flags)
        return flags.item() > 0

    def broadcast_weights(self, model: nn.Module) -> None:
        """Copy the main process's weights to all, as other CPUs may round differently.

        Raises:
            ProcessError: A process is gone.
        """
        if not self.alone:
            for tensor in model.state_dict().values():
                _broadcast(tensor)

    def check_device(self, device: torch.device) -> None:
        """Check that every process has a device of that kind.

        Raises:
            RecipeError: There are too few devices, or the kind does not support several processes.
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
def init_processes() -> Generator[Processes]:
    """Join the process group of `torchrun`; without `torchrun`, a single process.

    An error ends this process and, through closed connections, the others. Only the first to fail
    reports it; in the others, each `ThriftnetError` is marked as reported.

    Raises:
        ProcessError: The other processes did not connect.
    """
    if not torchrun_started():
        yield ALONE
        return
    try:
        # The key-value store that torchrun shares between all processes.
        table, rank, count = next(rendezvous("env://", timeout=TIMEOUT))
        store = PrefixStore(f"thriftnet-{next(_SESSIONS)}", table)
        local_rank = int(os.environ.get("LOCAL_RANK", rank))
        _open(store, rank, count, local_rank)
    except (RuntimeError, ValueError) as fault:
        raise ProcessError(
            f"the other processes did not connect ({_first_sentence(fault)}); "
            "restart all of them with torchrun"
        ) from None
    try:
        yield Processes(rank, count, local_rank)
    except BaseException as fault:
        reported = not _first_to_fail(store)
        if isinstance(fault, ThriftnetError):
            fault.reported = reported
        raise
    finally:
        with contextlib.suppress(RuntimeError):
            dist.destroy_process_group()


def _open(store: Store, rank: int, count: int, local_rank: int) -> None:
    # This module binds the current group as a default argument when it is imported, and the first
    # step of an optimiser imports it. The group would then outlive `destroy_process_group`, and one
    # of its threads could abort the interpreter at exit.
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
    """Whether no other process failed before; True if unknown, so that one reports."""
    try:
        return store.add("failed", 1) == 1
    except RuntimeError:  # the process that held the store is gone
        return True


def all_reduce(tensor: Tensor) -> None:
    """Replace a contiguous tensor by its sum over all processes, bitwise equal in each.

    Raises:
        ProcessError: A process is gone.
    """
    with _collective():
        dist.all_reduce(tensor)


def _broadcast(tensor: Tensor) -> None:
    """Copy the main process's tensor to all."""
    with _collective():
        sent = tensor.contiguous()  # layouts may differ between processes
        dist.broadcast(sent, src=0)
        tensor.copy_(sent)


@contextlib.contextmanager
def _collective() -> Generator[None]:
    try:
        yield
    except RuntimeError as fault:
        _outlast_sigterm()
        raise ProcessError(
            f"another process of this training has ended or hangs ({_first_sentence(fault)}); "
            "restart all of them with torchrun"
        ) from None


def _outlast_sigterm() -> None:
    """Ignore SIGTERM from now on: the process ends by its error.

    torchrun sends it as soon as another process has died. It would cut short what is said of that.
    """
    if threading.current_thread() is threading.main_thread():
        # By a function: a signal that came just before SIG_IGN would be reported by Python.
        signal.signal(signal.SIGTERM, _do_nothing)


def _do_nothing(_number: int, _frame: FrameType | None) -> None:
    pass


def _first_sentence(fault: Exception) -> str:
    lines = str(fault).splitlines() or [type(fault).__name__]
    line = re.sub(r"^\[\S+:\d+\] *", "", lines[0])  # source location in gloo
    return line.split(". ")[0].rstrip(".")[:160]
