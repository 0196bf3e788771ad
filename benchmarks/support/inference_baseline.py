"""The baseline of inference: default PyTorch in a separate process.

Our predictor configures its process's allocator, which the baseline must not profit from.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from multiprocessing.context import SpawnContext
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from thriftnet.runtime.layout import with_layout

_Request = tuple[NDArray[np.float32], int]
_Answer = tuple[list[float], NDArray[np.float32]]


class _Connection(Protocol):
    """One end of a pipe; its class differs between systems."""

    def send(self, obj: Any, /) -> None: ...
    def recv(self) -> Any: ...
    def close(self) -> None: ...


class Elsewhere:
    """A network in another process: eager, fp32, contiguous layout."""

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection

    def read(self, images: torch.Tensor, *, calls: int = 1) -> tuple[list[float], torch.Tensor]:
        """Run (N, 3, H, W) float32 images several times.

        Returns:
            Seconds per call, measured there, and the logits (N, classes).
        """
        self._connection.send((images.numpy(), calls))
        times, logits = self._connection.recv()
        return times, torch.from_numpy(logits)


@contextmanager
def elsewhere(network: nn.Module) -> Generator[Elsewhere]:
    """Context with a process for a network."""
    context = SpawnContext()
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(network, torch.get_num_threads(), theirs))
    process.start()
    theirs.close()
    try:
        yield Elsewhere(ours)
    finally:
        ours.close()
        process.join()


@torch.no_grad()
def _serve(network: nn.Module, threads: int, connection: _Connection) -> None:
    torch.set_num_threads(threads)
    # Contiguous: our networks are built channels-last.
    network = with_layout(network.eval(), torch.contiguous_format)
    while True:
        try:
            request: _Request = connection.recv()
        except EOFError:
            return
        images, calls = torch.from_numpy(request[0]), request[1]
        times: list[float] = []
        logits = torch.empty(0)
        for _ in range(calls):
            began = time.perf_counter()
            logits = network(images)
            times.append(time.perf_counter() - began)
        answer: _Answer = (times, logits.numpy())
        connection.send(answer)
