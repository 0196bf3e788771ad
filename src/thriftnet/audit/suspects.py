"""Finds pictures to review, most suspicious first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, softmax

from thriftnet.audit.flaws import find_flaws
from thriftnet.audit.out_of_fold import OutOfFold
from thriftnet.data.inspection import Collection, find_duplicates
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
    same = find_duplicates(collection.near().groups, labels, {}).across_labels
    energy = logsumexp(logits.astype(np.float64), axis=1)  # Liu et al. 2020, arXiv 2010.03759
    count = int(len(labels) * OUTLIERS)
    found: dict[str, NDArray[np.int64]] = {
        "label probably wrong": find_label_issues(labels, probabilities),
        "near-duplicate of another class": np.array([at for group in same for at in group], int),
        **find_flaws(collection.images),
        "unlike any class": np.argsort(energy, kind="stable")[:count],
        "unlike other pictures": np.argsort(judged.rank, kind="stable")[:count],
    }
    reasons: dict[int, list[str]] = {}
    for reason, positions in found.items():
        for at in positions.tolist():
            reasons.setdefault(at, []).append(reason)
    suggested = probabilities.argmax(axis=1)
    suspects = [
        Suspect(
            at,
            int(suggested[at]),
            float(own[at]),
            float(judged.similarity[at]),
            tuple(why),
        )
        for at, why in reasons.items()
    ]
    return sorted(suspects, key=lambda each: (each.score, each.at))


def find_label_issues(
    labels: NDArray[np.int64], probabilities: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Positions of probably wrong labels, least probable first.

    cleanlab finds them by confident learning (Northcutt et al. 2021, arXiv 1911.00068). The only
    picture of a class is not among them: no network that judges it has seen that class, and
    cleanlab, which warns of such a class, never flags it either.

    Raises:
        DataError: cleanlab is not installed.
    """
    cleanlab = load("an audit needs", "cleanlab.filter", extra="audit", error=DataError)
    counts = np.bincount(labels, minlength=probabilities.shape[1])
    classes = np.flatnonzero(counts > 1)
    if len(classes) < 2:
        return np.empty(0, np.int64)
    at = np.flatnonzero(counts[labels] > 1)
    among = probabilities[np.ix_(at, classes)]
    found = cleanlab.find_label_issues(
        np.searchsorted(classes, labels[at]),
        among / among.sum(axis=1, keepdims=True),
        return_indices_ranked_by="self_confidence",
        n_jobs=1,
    )
    return at[np.asarray(found, dtype=np.int64)]
