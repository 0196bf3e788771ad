"""Balanced accuracy over test images: interval, and a paired test of two networks.

Every class has the same weight: an image of a class of n has weight 1 / (classes × n).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import special

from thriftnet.comparison.statistics import ALPHA, ImageTest

_DRAWS, _AT_ONCE = 99_999, 11_111
"""Random draws of the test, in total and per batch; p is at least 0.00001."""


def balanced_accuracy(right: NDArray[np.bool_], labels: NDArray[np.int64]) -> float:
    """The mean recall of the classes that have images.

    Args:
        right: (N,) whether the network classifies each image correctly.
        labels: (N,).
    """
    hits, counts = np.bincount(labels, right), np.bincount(labels)
    present = counts > 0
    return float((hits[present] / counts[present]).mean())


def balanced_half_width(shares: NDArray[np.floating], labels: NDArray[np.int64]) -> float:
    """Half of the 95% interval of a balanced mean over test images, with fixed class sizes.

    A class of one image is assumed to have the variance of the others.

    Args:
        shares: (N,) value per image, such as the share of networks that classify it correctly; at
            least two.
        labels: (N,).
    """
    classes = [shares[labels == label] for label in np.unique(labels)]
    several = [each for each in classes if len(each) > 1]
    pooled = float(np.mean([each.var(ddof=1) for each in several or [shares]]))
    variances = (each.var(ddof=1) if len(each) > 1 else pooled for each in classes)
    total = sum(float(v) / len(each) for v, each in zip(variances, classes, strict=True))
    return float(special.ndtri(1 - ALPHA / 2)) * math.sqrt(total) / len(classes)


def compare_balanced(
    first: NDArray[np.bool_], other: NDArray[np.bool_], labels: NDArray[np.int64]
) -> ImageTest:
    """Paired randomisation test of two networks' balanced accuracies on the same images.

    Under the null hypothesis, an image that only one network classifies correctly is equally likely
    either network's. With equal class sizes this is McNemar's test (Yeh, "More accurate tests for
    the statistical significance of result differences", 2000).

    Args:
        first: (N,) whether the first network classifies each image correctly.
        other: (N,).
        labels: (N,).
    """
    only_first, only_other = first & ~other, other & ~first
    counts = np.bincount(labels)
    present = counts > 0
    discordant = np.bincount(labels, only_first | only_other)[present].astype(np.int64)
    weights = 1 / (present.sum() * counts[present])
    ahead = np.bincount(labels, only_other.astype(int) - only_first.astype(int))[present]
    found = float(ahead @ weights)
    draws, extreme = np.random.default_rng(0), 0
    for _ in range(_DRAWS // _AT_ONCE):
        heads = draws.binomial(discordant, 0.5, size=(_AT_ONCE, len(discordant)))
        drawn = (2 * heads - discordant) @ weights
        extreme += int((np.abs(drawn) >= abs(found) - 1e-12).sum())  # tolerance for rounding
    return ImageTest(
        only_first=int(only_first.sum()),
        only_other=int(only_other.sum()),
        difference=found,
        p=(1 + extreme) / (1 + _DRAWS),
        name="paired randomisation test",
    )
