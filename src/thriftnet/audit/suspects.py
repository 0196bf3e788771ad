"""Finds pictures to review, most suspicious first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, softmax

from thriftnet.audit.flaws import find_flaws
from thriftnet.audit.out_of_fold import OutOfFold
from thriftnet.data.inspection import Collection
from thriftnet.errors import DataError
from thriftnet.extras import load

OUTLIERS = 0.005
"""Share of pictures shown as outliers, by each of two scores."""


@dataclass(frozen=True)
class Suspect:
    """A picture to review."""

    at: int
    """Position in the collection."""
    suggested: int
    """The class predicted by its fold's network."""
    score: float
    """Out-of-fold probability of its label; low is suspicious."""
    similarity: float
    """Mean similarity to the nearest training pictures of its fold's network, at most 1."""
    reasons: tuple[str, ...]


@dataclass
class _Found:
    reasons: dict[int, list[str]] = field(default_factory=dict[int, list[str]])

    def add(self, positions: Sequence[int] | NDArray[np.int64], reason: str) -> None:
        for at in np.asarray(positions, dtype=np.int64).tolist():
            self.reasons.setdefault(at, []).append(reason)


def find_suspects(collection: Collection, judged: OutOfFold) -> list[Suspect]:
    """Find pictures that are probably mislabelled or unsuitable.

    Args:
        collection: All pictures.
        judged: All pictures, out of fold.

    Raises:
        DataError: cleanlab is not installed.
    """
    logits = judged.logits
    probabilities = softmax(logits.astype(np.float64), axis=1)
    labels = collection.labels
    own = probabilities[np.arange(len(labels)), labels]
    found = _Found()
    found.add(find_label_issues(labels, probabilities), "label")
    found.add(_disagreeing(collection), "near-duplicate of another class")
    for flaw, positions in find_flaws(collection.images).items():
        found.add(positions, flaw)
    count = int(len(labels) * OUTLIERS)
    energy = logsumexp(logits.astype(np.float64), axis=1)  # Liu et al. 2020, arXiv 2010.03759
    found.add(np.argsort(energy, kind="stable")[:count], "unlike any class")
    found.add(np.argsort(judged.rank, kind="stable")[:count], "unlike other pictures")
    suggested = probabilities.argmax(axis=1)
    suspects = [
        Suspect(
            at,
            int(suggested[at]),
            float(own[at]),
            float(judged.similarity[at]),
            tuple(reasons),
        )
        for at, reasons in found.reasons.items()
    ]
    return sorted(suspects, key=lambda each: (each.score, each.at))


def find_label_issues(
    labels: NDArray[np.int64], probabilities: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Positions of probably wrong labels, least probable first.

    cleanlab finds them by confident learning (Northcutt et al. 2021, arXiv 1911.00068).

    Raises:
        DataError: cleanlab is not installed.
    """
    cleanlab = load("an audit needs", "cleanlab.filter", extra="audit", error=DataError)
    found = cleanlab.find_label_issues(
        labels, probabilities, return_indices_ranked_by="self_confidence", n_jobs=1
    )
    return np.asarray(found, dtype=np.int64)


def _disagreeing(collection: Collection) -> list[int]:
    """Pictures in groups of near-duplicates with different labels."""
    groups, labels = collection.near().groups, collection.labels
    order = np.argsort(groups, kind="stable")
    cuts = np.flatnonzero(np.diff(groups[order])) + 1
    parts = (part for part in np.split(order, cuts) if len(part) > 1)
    return [at for part in parts if len(np.unique(labels[part])) > 1 for at in part.tolist()]
