"""Groups runs that differ only in their seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thriftnet.comparison.labels import label_recipes, name_experiment
from thriftnet.names import LONGEST, short_names
from thriftnet.report.record import RunRecord


@dataclass(frozen=True)
class RecordGroup:
    """Runs of one recipe that differ only in their seed."""

    label: str
    """The recipe's label from `label_recipes`."""
    records: tuple[RunRecord, ...]

    def band(
        self, key: str
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Epochs with mean, minimum and maximum over the longest runs."""
        series = [dict(zip(*record.series(key), strict=True)) for record in self.records]
        furthest = max((max(values) for values in series if values), default=0)
        told = [values for values in series if furthest in values]
        common = sorted(set.intersection(*map(set, told))) if told else []
        table = np.array([[values[epoch] for epoch in common] for values in told], dtype=float)
        if not common:
            nothing = np.empty(0)
            return nothing, nothing, nothing, nothing
        return np.array(common), table.mean(axis=0), table.min(axis=0), table.max(axis=0)

    def tests(self, key: str) -> list[float]:
        """A test metric of each run that has it."""
        return [float(record.test[key]) for record in self.records if record.test]


def group_records(records: Sequence[RunRecord]) -> list[RecordGroup]:
    """Group runs by recipe, in the order given."""
    found: dict[str, list[RunRecord]] = {}
    for record in records:
        found.setdefault(name_experiment(record.recipe, record.environment), []).append(record)
    names = [[record.run.name for record in members] for members in found.values()]
    labels = label_recipes([members[0].recipe for members in found.values()], names)
    return [
        RecordGroup(label, tuple(members))
        for label, members in zip(labels, found.values(), strict=True)
    ]


def group_notes(groups: Sequence[RecordGroup]) -> list[str]:
    """Notes on differences that make a comparison unfair; recipes are called as in the figures."""
    notes: list[str] = []
    labels = short_names([group.label for group in groups], longest=LONGEST)
    records = [record for group in groups for record in group.records]
    known = [tuple(sorted(map(str, _digests(r).items()))) for r in records if _digests(r)]
    sets = {record.recipe.data.dataset for record in records}
    if len(known) == len(records):  # the same pictures may be in two places
        sets = set(known)
    if max(len(sets), len(set(known)), len({record.classes for record in records})) > 1:
        notes.append("The runs are of different data sets: their figures cannot be compared.")
    alone = [label for label, group in zip(labels, groups, strict=True) if len(group.records) == 1]
    if alone:
        notes.append(f"{', '.join(alone)}: one seed only, so no band; train others with --seed.")
    for label, group in zip(labels, groups, strict=True):
        lengths = {len(record.epochs) for record in group.records}
        if len(lengths) > 1:
            notes.append(
                f"{label}: its runs have from {min(lengths)} to {max(lengths)} epochs; "
                "curves and bands show the longest."
            )
        untested = sum(not record.test for record in group.records)
        if untested:
            notes.append(
                f"{label}: {untested} of {len(group.records)} runs have no test figures; "
                "evaluate them with: thriftnet evaluate RUN"
            )
        seeds = Counter(record.recipe.seed for record in group.records)
        twice = [seed for seed, count in seeds.items() if count > 1]
        if twice:
            notes.append(
                f"{label}: several runs have seed {twice[0]}; a band needs different seeds."
            )
    return notes


def _digests(record: RunRecord) -> dict[str, Any]:
    """Digests of the training data; empty if unknown."""
    data = record.environment.get("data")
    return data if isinstance(data, dict) else {}
