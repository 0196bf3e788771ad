"""One step of training, shared out to processes so that it is the step of one process.

The micro-batches of a step are the same for any number of processes. They are dealt out whole,
micro-batch k to process k mod count; or each one is split between all processes, and then batch
norm takes its statistics over all of it (`train.sync_batch_norm`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from thriftnet.errors import RecipeError
from thriftnet.models.layers import StochasticDepth
from thriftnet.training.distributed.processes import Processes, add_up

_BUCKET = 2**22
"""Numbers that are sent at once: 16 MiB, so that a large network's gradients are not held twice."""


class SharedStep:
    """What this process does of a step, and what all found.

    Args:
        processes: Those that take the step together.
        model: Whose gradients are added up.
        sizes: Images of each micro-batch.
        split: Whether each micro-batch is split, rather than dealt out whole.
    """

    def __init__(
        self, processes: Processes, model: nn.Module, sizes: Sequence[int], *, split: bool
    ) -> None:
        self.processes = processes
        self.model = model
        self.sizes = sizes
        self.split = split and not processes.alone
        self.losses = torch.zeros(sum(sizes), dtype=torch.float64)
        """(B,) of each image as it was shown, mixed or not, against its own label unsmoothed."""
        self.sums = torch.zeros(len(sizes), 2, dtype=torch.float64)
        """Of each micro-batch: the loss that is trained on, and how many were right."""
        self._kept: list[tuple[int, slice, Tensor, Tensor, Tensor]] = []
        dealt = not processes.alone and not self.split
        normed = dealt and any(isinstance(m, nn.BatchNorm2d) for m in model.modules())
        self._statistics = _RunningStatistics(model, len(sizes)) if normed else None
        self._depths = [m for m in model.modules() if isinstance(m, StochasticDepth)]

    def own(self, number: int) -> slice | None:
        """The images of a micro-batch that this process trains on; none: another has all of it.

        Call it for every micro-batch in order: what another's forward pass would draw at random
        is drawn here too, and thrown away.
        """
        size, rank, count = self.sizes[number], self.processes.rank, self.processes.count
        if self.split:
            own = slice(rank * size // count, (rank + 1) * size // count)
            for depth in self._depths:
                depth.share = (size, own)
            return own
        if number % count == rank:
            return slice(0, size)
        device = next(self.model.parameters()).device
        for depth in self._depths:
            if depth.probability > 0:
                depth.draw(size, device)
        return None

    def keep(
        self, number: int, own: slice, *, loss: Tensor, logits: Tensor, labels: Tensor
    ) -> None:
        """Note what came of the own images of a micro-batch, after its backward pass."""
        logits = logits.detach()
        each = F.cross_entropy(logits, labels, reduction="none")
        right = (logits.argmax(1) == labels).sum()
        # Left where they are: a copy to the CPU waits for an accelerator to come to its end.
        self._kept.append((number, own, each, loss.detach(), right))
        if self._statistics:
            self._statistics.keep(number)

    def add_up(self) -> None:
        """Make losses, sums, gradients and running statistics those of the whole step.

        Raises:
            ProcessError: A process is gone.
        """
        for number, own, each, loss, right in self._kept:
            first = sum(self.sizes[:number])
            self.losses[first + own.start : first + own.stop] = each.cpu().double()
            self.sums[number, 0], self.sums[number, 1] = loss.item(), right.item()
        if self.processes.alone:
            return
        found = torch.cat([self.losses, self.sums.view(-1)])
        add_up(found)  # exact where micro-batches are whole: all but one add zero
        self.losses, sums = found.split([len(self.losses), self.sums.numel()])
        self.sums = sums.view(-1, 2)
        sum_gradients(self.model.parameters())
        if self._statistics:
            self._statistics.fold()


def must_split(processes: Processes, *, batch_size: int, micro_batch: int, split: bool) -> bool:
    """Whether each micro-batch is split between the processes.

    It is where the recipe says so, and where whole ones are too few to give everyone something to
    do: either way the step is that of one process, to rounding.

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
    """Put the sum over all processes in place of each gradient, in buckets.

    A process without a micro-batch (the last batch of an epoch may be small) adds zeros.

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
        add_up(flat)
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


class _RunningStatistics:
    """Batch norm's running statistics as one process leaves them.

    There every micro-batch in turn moves them by its own mean and variance. Here these are noted
    where the micro-batch is trained on, told to all, and taken in by all in the same order.
    """

    def __init__(self, model: nn.Module, micro_batches: int) -> None:
        self.norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
        self.before = torch.cat(self._buffers())
        self.seen = self.before.new_zeros(micro_batches, len(self.before))
        self.momenta = [norm.momentum or 0.0 for norm in self.norms]
        for norm in self.norms:
            norm.momentum = 1.0  # until `fold`: the buffers then hold the last micro-batch's own
        self.kept = 0

    def keep(self, number: int) -> None:
        """Note the statistics that micro-batch `number` has just left."""
        self.seen[number] = torch.cat(self._buffers())
        self.kept += 1

    @torch.no_grad()
    def fold(self) -> None:
        """Tell them to all, and move the running statistics by each."""
        add_up(self.seen)  # exact: all but one process add zero
        shares = torch.cat(
            [
                self.before.new_full((2 * norm.num_features,), momentum)
                for norm, momentum in zip(self.norms, self.momenta, strict=True)
            ]
        )
        now = self.before
        for statistics in self.seen:
            now = shares * statistics + (1 - shares) * now
        _spread(now, self._buffers())
        for norm, momentum in zip(self.norms, self.momenta, strict=True):
            norm.momentum = momentum
            if norm.num_batches_tracked is not None:
                norm.num_batches_tracked += len(self.seen) - self.kept

    def _buffers(self) -> list[Tensor]:
        pairs = ((norm.running_mean, norm.running_var) for norm in self.norms)
        return [buffer for pair in pairs for buffer in pair if buffer is not None]
