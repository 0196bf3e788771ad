"""Hyperparameter importance by Optuna's PED-ANOVA.

PED-ANOVA (Watanabe et al. 2023, arXiv 2304.10255) measures the divergence between a key's values
among the best third of the trials and among all. Unlike fANOVA it needs no regression forest (and
scikit-learn). With few trials or many values, divergences are large by chance; shuffled accuracies
show how large.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

BEST_SHARE = 1 / 3
"""Share of the best trials, whose values are compared with those of all."""
FEWEST = 15
"""Minimum number of trials: Optuna requires five among the best."""
SHUFFLES = 40
_FEW_VALUES = 6
"""Distinct numbers up to which a key is categorical."""
_WIDE = 10
"""Ratio of largest to smallest from which a range is logarithmic."""


@dataclass(frozen=True)
class Importance:
    """Importance of a key, or of several that always change together."""

    keys: tuple[str, ...]
    value: float
    """Pearson divergence of the best trials' values from those of all."""
    chance: float
    """95th percentile of the divergence for shuffled accuracies."""


def importances(
    settings: Sequence[Mapping[str, Any]], accuracies: Sequence[float]
) -> list[Importance]:
    """Importances in descending order; empty with fewer than `FEWEST` trials or no varying key.

    Args:
        settings: Keys and values of each trial; the same keys in all.
        accuracies: Accuracy of each trial, after the same number of epochs.
    """
    groups = keys_that_vary(settings)
    if len(settings) < FEWEST or not groups:
        return []
    rng = np.random.default_rng(0)  # the same shuffles for the same trials
    orders = [np.arange(len(settings))]
    orders += [rng.permutation(len(settings)) for _ in range(SHUFFLES)]
    values = np.asarray(accuracies, dtype=float)
    own, *shuffled = _divergences(settings, groups, [values[order] for order in orders])
    chance = np.quantile(shuffled, 0.95, axis=0)
    found = [Importance(keys, own[at], float(chance[at])) for at, keys in enumerate(groups)]
    return sorted(found, key=lambda each: (-each.value, each.keys))


def keys_that_vary(settings: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Keys with more than one value, grouped if they always change together.

    Numbers must also rise and fall together, as in few trials every value may be distinct.
    """
    groups: dict[tuple[int, ...], list[str]] = {}
    for key in settings[0] if settings else ():
        values = [each[key] for each in settings]
        if all(map(_is_number, values)):
            order = {value: place for place, value in enumerate(sorted(set(values)))}
            pattern = (-1, *(order[value] for value in values))
        else:
            known: dict[str, int] = {}
            pattern = tuple(known.setdefault(json.dumps(value), len(known)) for value in values)
            order = known
        if len(order) > 1:
            groups.setdefault(pattern, []).append(key)
    return [tuple(keys) for keys in groups.values()]


def _divergences(
    settings: Sequence[Mapping[str, Any]],
    groups: Sequence[tuple[str, ...]],
    orderings: Sequence[NDArray[np.float64]],
) -> list[list[float]]:
    """Divergence of every group of keys, for each assignment of accuracies to trials."""
    space = {keys[0]: _distribution([each[keys[0]] for each in settings]) for keys in groups}
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of experimental options
        study = optuna.create_study()
        study.add_trials(
            [
                optuna.trial.create_trial(
                    params={key: _as_choice(each[key], of) for key, of in space.items()},
                    distributions=space,
                    value=0.0,
                )
                for each in settings
            ]
        )
        evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=BEST_SHARE)
        found = [evaluator.evaluate(study, target=_less(values)) for values in orderings]
    return [[each[keys[0]] for keys in groups] for each in found]


def _less(values: NDArray[np.float64]) -> Callable[[optuna.trial.FrozenTrial], float]:
    """Negated accuracy, to be minimised."""
    return lambda trial: -float(values[trial.number])


def _distribution(values: Sequence[Any]) -> BaseDistribution:
    different = {json.dumps(value) for value in values}
    if len(different) <= _FEW_VALUES or not all(_is_number(value) for value in values):
        return CategoricalDistribution(sorted(different))
    low, high = min(values), max(values)
    return FloatDistribution(low, high, log=low > 0 and high >= _WIDE * low)


def _as_choice(value: Any, distribution: BaseDistribution) -> Any:
    return json.dumps(value) if isinstance(distribution, CategoricalDistribution) else float(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
