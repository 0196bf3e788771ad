"""Suggestions of Optuna's TPE (Bergstra et al. 2011) that are a function of results alone.

No study is kept: for each suggestion one is made in memory from the results that it may see, with a
sampler whose seed is the suggestion's number. Objectives are accuracy, parameters and MACs. The
time of an epoch is none of them, although it is one of the Pareto set: it differs from run to run,
and the suggestions of a search that was killed would differ with it.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
)

STARTUP = 4
"""Results below which a suggestion is drawn at random."""
_DIRECTIONS = ("maximize", "minimize", "minimize")


@dataclass(frozen=True)
class Point:
    """What a suggestion chooses."""

    network: int
    """Position in the list of networks."""
    lr: float
    weight_decay: float
    strength: float
    """Of colour jitter and rotation; 1 is the paper's."""


@dataclass(frozen=True)
class Ranges:
    """What suggestions are chosen from; bounds of a rate are both above 0."""

    networks: int
    lr: tuple[float, float]
    weight_decay: tuple[float, float]
    strength: tuple[float, float]


@dataclass(frozen=True)
class Seen:
    """A point and what came of it."""

    point: Point
    accuracy: float
    """0 where it failed, or was never trained."""
    parameters: int
    macs: int
    excess: tuple[float, float] = (0.0, 0.0)
    """Parameters and MACs above their limits; at most 0 where it keeps to them."""


def suggest(ranges: Ranges, seen: Sequence[Seen], *, seed: int) -> Point:
    """The next point.

    Args:
        ranges: What to choose from.
        seen: Earlier ones.
        seed: Another one for each suggestion.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of options that Optuna calls experimental
        sampler = optuna.samplers.TPESampler(
            seed=seed, n_startup_trials=STARTUP, multivariate=True, constant_liar=False
        )
        study = optuna.create_study(directions=list(_DIRECTIONS), sampler=sampler)
        space = _distributions(ranges)
        study.add_trials([_as_trial(each, space) for each in seen])
        found = study.ask(space).params
    return Point(
        network=int(found["network"]),
        lr=_short(found["lr"]),
        weight_decay=_short(found["weight_decay"]),
        strength=round(found["strength"], 2),
    )


def _distributions(ranges: Ranges) -> dict[str, BaseDistribution]:
    return {
        "network": CategoricalDistribution(list(range(ranges.networks))),
        "lr": FloatDistribution(*ranges.lr, log=True),
        "weight_decay": FloatDistribution(*ranges.weight_decay, log=True),
        "strength": FloatDistribution(*ranges.strength),
    }


def _as_trial(seen: Seen, space: dict[str, BaseDistribution]) -> optuna.trial.FrozenTrial:
    """A finished trial; numbers that rounding took over a bound are put back on it."""
    params: dict[str, float | int] = {}
    for name, distribution in space.items():
        value = getattr(seen.point, name)
        if isinstance(distribution, FloatDistribution):
            value = min(max(value, distribution.low), distribution.high)
        params[name] = value
    return optuna.trial.create_trial(
        params=params,
        distributions=space,
        values=[seen.accuracy, float(seen.parameters), float(seen.macs)],
        constraints={"parameters": seen.excess[0], "macs": seen.excess[1]},
    )


def _short(value: float) -> float:
    """Three significant digits: what a person would write into a recipe."""
    return float(f"{value:.3g}")
