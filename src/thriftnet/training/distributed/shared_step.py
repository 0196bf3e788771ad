"""One training step divided among processes, with the result of a single process.

The micro-batches of a step are the same for any number of processes. Either each process takes
whole micro-batches, k going to process k mod count, or each micro-batch is split between all
processes and batch norm is synchronised (`train.sync_batch_norm`).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from thriftnet.errors import RecipeError
from thriftnet.runtime.threads import deal, threads_each
from thriftnet.training.distributed.processes import Processes, all_reduce
from thriftnet.training.distributed.replicas import (
    Replicas,
    RunningStatistics,
    draw_depths,
    set_depths,
)

_BUCKET = 2**22
"""Elements per all-reduce: 16 MiB, so that a large network's gradients are not copied at once."""


Trained = tuple[Tensor, Tensor, Tensor]
"""Loss summed over this process's images of a micro-batch, logits and labels."""


class SharedStep:
    """This process's part of a step, and the sums over all processes.

    Args:
        processes: The process group.
        replicas: Of the network that is trained.
        sizes: Images per micro-batch.
        split: Whether each micro-batch is split between the processes.
        views: Views of each image per step.
        at_once: Whether the micro-batches are one call of `forward`, whose network's norms divide
            them; for one process.
    """

    def __init__(
        self,
        processes: Processes,
        replicas: Replicas,
        sizes: Sequence[int],
        *,
        split: bool,
        views: int = 1,
        at_once: bool = False,
    ) -> None:
        self.processes = processes
        self._depths = draw_depths(replicas, sizes)
        if at_once:
            self._depths = [[torch.cat(parts) for parts in zip(*self._depths, strict=True)]]
            sizes = [sum(sizes)]
        self.sizes = sizes
        self.split = split and not processes.alone
        self.losses = torch.zeros(sum(sizes), dtype=torch.float64)
        """(B,) cross-entropy of each image, as augmented, with its own label and no smoothing."""
        self.sums = torch.zeros(len(sizes), 2, dtype=torch.float64)
        """Per micro-batch: summed objective and number of correct predictions."""
        self._replicas, self._views = replicas, views
        self._parameters = [p for p in replicas.parameters if p.requires_grad]
        count = processes.count
        own = range(len(sizes)) if self.split else range(processes.rank, len(sizes), count)
        self._numbers = list(own)
        on_cpu = replicas.parameters[0].device.type == "cpu"
        # An accelerator runs them in order anyway, and a single one is the whole step.
        self._apart = not self.split and (count > 1 or (on_cpu and len(sizes) > 1))
        self._dealt = self._apart and on_cpu
        self._statistics = RunningStatistics(replicas.model, len(sizes)) if self._apart else None

    @property
    def threads(self) -> int:
        """Intra-op threads in this step; they determine the rounding."""
        return threads_each(len(self._numbers) if self._dealt else 1)

    def train(self, forward: Callable[[int, slice, nn.Module], Trained]) -> list[Tensor]:
        """Compute the gradients of this process's micro-batches or parts of them, and all-reduce.

        Args:
            forward: Called with the number of a micro-batch, the slice of its images to use and the
                network; on a CPU from several threads at once.

        Returns:
            What `collect` takes, on the device: an accelerator need not be waited for.

        Raises:
            ProcessError: A process is gone.
        """

        def gradients(number: int) -> tuple[Tensor, Tensor, Tensor, Sequence[Tensor | None]]:
            own = self._own(number)
            with self._network(number, own) as network:
                loss, logits, labels = forward(number, own, network)
                mean = loss / sum(self.sizes)
                found = torch.autograd.grad(mean, self._parameters, allow_unused=True)
            logits = logits.detach()
            each = F.cross_entropy(logits, labels, reduction="none")
            right = (logits.argmax(1) == labels).sum()
            return each, loss.detach(), right, found

        kept: list[Tensor] = []
        taken = (deal if self._dealt else map)(gradients, self._numbers)
        for each, loss, right, found in taken:
            for parameter, gradient in zip(self._parameters, found, strict=True):
                if gradient is not None:
                    before = parameter.grad
                    parameter.grad = gradient if before is None else before + gradient
            kept.append(torch.cat([each, loss.view(1), right.to(loss.dtype).view(1)]))
        if not self.processes.alone:
            sum_gradients(self._parameters)
            if self._statistics:
                all_reduce(self._statistics.recorded)  # exact: all but one process add zero
        if self._statistics:
            self._statistics.apply()
        return kept

    def collect(self, kept: list[Tensor]) -> None:
        """Set losses and sums, over all processes, from what `train` returned.

        This waits for an accelerator, once.

        Raises:
            ProcessError: A process is gone.
        """
        found = torch.cat(kept).cpu().double() if kept else torch.empty(0)
        sizes = [len(each) for each in kept]
        for number, values in zip(self._numbers, found.split(sizes), strict=True):
            first, own = sum(self.sizes[:number]), self._own(number)
            self.losses[first + own.start : first + own.stop] = values[:-2]
            self.sums[number] = values[-2:]
        if not self.processes.alone:
            every = torch.cat([self.losses, self.sums.view(-1)])
            all_reduce(every)  # exact for whole micro-batches: all but one process add zero
            self.losses, sums = every.split([len(self.losses), self.sums.numel()])
            self.sums = sums.view(-1, 2)

    def _own(self, number: int) -> slice:
        size, rank, count = self.sizes[number], self.processes.rank, self.processes.count
        if not self.split:
            return slice(0, size)
        return slice(rank * size // count, (rank + 1) * size // count)

    @contextmanager
    def _network(self, number: int, own: slice) -> Generator[nn.Module]:
        """The network for a micro-batch, with its stochastic depth draws set."""
        if self._statistics is None:
            set_depths(self._replicas.model, self._depths[number], own, views=self._views)
            yield self._replicas.model
            return
        with self._replicas.borrow() as replica:
            self._statistics.load_into(replica)
            set_depths(replica, self._depths[number], own, views=self._views)
            yield replica
            self._statistics.record(number, replica)


def must_split(processes: Processes, *, batch_size: int, micro_batch: int, split: bool) -> bool:
    """Whether each micro-batch is split between the processes.

    That is so if the recipe asks for it or if there are fewer micro-batches than processes. The
    result equals that of one process up to rounding.

    Raises:
        RecipeError: A micro-batch has fewer images than there are processes.
    """
    count = processes.count
    needed = split or -(-batch_size // micro_batch) < count
    if needed and micro_batch < count:
        raise RecipeError(
            f"micro-batches of {micro_batch} images cannot be split between {count} processes; "
            f"raise train.micro_batch, or start at most {micro_batch}"
        )
    return needed and not processes.alone


def sum_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replace each gradient by its sum over all processes, in buckets.

    A process without a micro-batch (in a small last batch) adds zeros.

    Raises:
        ProcessError: A process is gone.
    """
    trained = [p for p in parameters if p.requires_grad]
    for parameter in trained:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
    gradients = [p.grad for p in trained if p.grad is not None]
    for bucket in _buckets(gradients):
        flat = torch.cat([gradient.reshape(-1) for gradient in bucket])
        all_reduce(flat)
        _spread(flat, bucket)


def _buckets(tensors: Iterable[Tensor]) -> Iterator[list[Tensor]]:
    bucket: list[Tensor] = []
    for tensor in tensors:
        if bucket and sum(t.numel() for t in bucket) + tensor.numel() > _BUCKET:
            yield bucket
            bucket = []
        bucket.append(tensor)
    if bucket:
        yield bucket


def _spread(flat: Tensor, tensors: Sequence[Tensor]) -> None:
    for tensor, part in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
        tensor.copy_(part.view(tensor.shape))
