"""Suggestions of Optuna's TPE (Bergstra et al. 2011) as a pure function of results.

For each suggestion, an Optuna study is created in memory from the visible results, with the
suggestion's number as seed. Objectives are accuracy, parameters and MACs. Epoch time is not one, as
it varies between runs and would make suggestions irreproducible.
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
"""Number of results below which suggestions are random."""
_DIRECTIONS = ("maximize", "minimize", "minimize")


@dataclass(frozen=True)
class Point:
    """A suggested point."""

    network: int
    """Index in the list of networks."""
    lr: float
    weight_decay: float
    strength: float
    """Strength of colour jitter and rotation; 1 is that of the recipe `paper`."""


@dataclass(frozen=True)
class Ranges:
    """Ranges of suggestions; bounds of rates are positive."""

    networks: int
    lr: tuple[float, float]
    weight_decay: tuple[float, float]
    strength: tuple[float, float]


@dataclass(frozen=True)
class Observation:
    """A point with its result."""

    point: Point
    accuracy: float
    """0 if failed or not trained."""
    parameters: int
    macs: int
    excess: tuple[float, float] = (0.0, 0.0)
    """Parameters and MACs minus their limits; at most 0 if within."""


def suggest(ranges: Ranges, seen: Sequence[Observation], *, seed: int) -> Point:
    """Suggest the next point.

    Args:
        ranges: Ranges to choose from.
        seen: Earlier points.
        seed: Different for each suggestion.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of experimental options
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


def _as_trial(seen: Observation, space: dict[str, BaseDistribution]) -> optuna.trial.FrozenTrial:
    """A finished Optuna trial, with rounded numbers clipped to the ranges."""
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
    """Round to three significant digits."""
    return float(f"{value:.3g}")
