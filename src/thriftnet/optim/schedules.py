"""Learning-rate schedules as pure functions of the step.

Each returns the factor on the peak learning rate. Without state, a resumed run needs only its step.
Steps count from 0 and `total` is the number of steps of the whole run. A speed measurement may
exceed it, so factors are never negative.
"""

from __future__ import annotations

import math
from collections.abc import Callable

Schedule = Callable[[int, int], float]
"""`schedule(step, total_steps) -> factor`."""


def warmup(step: float, warmup_steps: float) -> float:
    """Linear rise: the paper's eta_target * t / T_warmup, with t counted from 1."""
    return min(1.0, (step + 1) / warmup_steps) if warmup_steps > 0 else 1.0


def cosine(progress: float, floor: float) -> float:
    """Half a cosine, from 1 at progress 0 to `floor` at progress 1 (arXiv 1608.03983, eq. 5)."""
    return floor + 0.5 * (1 - floor) * (1 + math.cos(math.pi * progress))


def warmup_cosine(
    step: int,
    total: int,
    *,
    warmup_steps: float = 0,
    cosine_steps: float | None = None,
    floor: float = 0.0,
) -> float:
    """Linear warm-up, then cosine annealing, by the paper's formula.

    Args:
        step: Counted from 0.
        total: Steps of the run.
        warmup_steps: Length of the warm-up.
        cosine_steps: Half-period of the cosine; None: the rest of the run after the warm-up.
        floor: Factor at the end of the half-period.
    """
    if step < warmup_steps:
        return warmup(step, warmup_steps)
    length = cosine_steps if cosine_steps is not None else total - warmup_steps
    return cosine(min(1.0, (step - warmup_steps) / length), floor) if length > 0 else 1.0


def step_decay(step: int, total: int, *, every_steps: float, factor: float) -> float:
    """Multiply by `factor` after each `every_steps` steps, independent of the run's length."""
    del total
    return factor ** math.floor(step / every_steps)


def linear(step: int, total: int, *, warmup_steps: float = 0, floor: float = 0.0) -> float:
    """Linear warm-up, then a straight line to `floor` at the end of the run."""
    if step < warmup_steps:
        return warmup(step, warmup_steps)
    if step >= total:
        return floor
    left = (total - step) / (total - warmup_steps)
    return floor + (1 - floor) * left


def one_cycle(step: int, total: int, *, peak_steps: float, floor: float = 0.0) -> float:
    """Cosine up from 1/25 to the peak, cosine down to `floor` (Smith 2018, arXiv 1708.07120)."""
    start = 1 / 25
    if step < peak_steps:
        return start + (1 - start) * (1 - cosine(step / peak_steps, 0.0))
    if step >= total:
        return floor
    return cosine((step - peak_steps) / (total - peak_steps), floor)


def constant(step: int, total: int) -> float:
    """The peak learning rate throughout."""
    del step, total
    return 1.0


def build_schedule(
    *,
    name: str,
    steps_per_epoch: int,
    interval: str = "step",
    warmup_epochs: float = 0.0,
    cosine_epochs: float | None = None,
    floor: float = 0.0,
    decay_epochs: float = 30.0,
    decay_factor: float = 0.1,
) -> Schedule:
    """Build a schedule in steps from lengths in epochs.

    With `interval="epoch"` the factor is updated once per epoch: epoch e of a warm-up of W epochs
    has (e + 1) / W, like schedulers stepped once per epoch.
    """
    unit = 1 if interval == "epoch" else steps_per_epoch
    forms: dict[str, Schedule] = {
        "warmup_cosine": lambda step, total: warmup_cosine(
            step,
            total,
            warmup_steps=warmup_epochs * unit,
            cosine_steps=None if cosine_epochs is None else cosine_epochs * unit,
            floor=floor,
        ),
        "step_decay": lambda step, total: step_decay(
            step, total, every_steps=decay_epochs * unit, factor=decay_factor
        ),
        "linear": lambda step, total: linear(
            step, total, warmup_steps=warmup_epochs * unit, floor=floor
        ),
        "one_cycle": lambda step, total: one_cycle(
            step, total, peak_steps=warmup_epochs * unit, floor=floor
        ),
        "constant": constant,
    }
    form = forms[name]
    if interval == "step":
        return form
    return lambda step, total: form(step // steps_per_epoch, math.ceil(total / steps_per_epoch))
