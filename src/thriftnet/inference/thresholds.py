"""The confidence threshold that reaches a target precision."""

from __future__ import annotations

import math
from collections.abc import Sequence

from thriftnet.errors import RecipeError, RunError
from thriftnet.inference.views import choose_views
from thriftnet.models.calibration import Accepted
from thriftnet.models.saved import SavedModel

CALIBRATE_FIRST = "run thriftnet calibrate on it first"
"""The remedy where nobody knows how the network was named."""
LEVEL = 0.95
_DIGITS = 1000
_GROWTH, _MOST_GROWTH = 1.1, 100
"""Steps in which more images are tried, and how many: up to 12,000 times as many."""


def threshold_for(
    model: SavedModel,
    *,
    tta: str,
    precision: float,
    remedy: str = CALIBRATE_FIRST,
) -> float:
    """The lowest threshold at which the network reaches a target precision.

    Args:
        model: Calibrated.
        tta: The test-time augmentation in use.
        precision: Target share of correct predictions, above 0 and below 1.
        remedy: How to calibrate the network.

    Raises:
        RecipeError: The precision is not between 0 and 1, or the augmentation is unknown.
        RunError: The network is not calibrated for these views, or no threshold reaches the
            precision.
    """
    if not 0 < precision < 1:
        raise RecipeError(f"--at-least {precision:g} is not between 0 and 1; give 0.99")
    choose_views(tta)
    how = model.calibration.views.get(tta) if model.calibration else None
    if how is None:
        raise RunError(f"this network is not calibrated for the views {tta!r}; {remedy}")
    return choose_threshold(how.accepted, precision=precision).threshold


def clopper_pearson_low(right: int, count: int, *, level: float) -> float:
    """The exact lower confidence bound of a proportion (Clopper and Pearson 1934), one-sided."""
    from scipy.stats import beta

    return 0.0 if right == 0 else float(beta.ppf(1 - level, right, count - right + 1))


def choose_threshold(accepted: Sequence[Accepted], *, precision: float) -> Accepted:
    """The lowest threshold with at least the target precision.

    The lower bounds hold with 95% confidence for all thresholds at once (Bonferroni), so choosing
    among them does not invalidate them.

    Args:
        accepted: Counts per threshold on held-out images.
        precision: Target share of correct predictions, above 0 and below 1.

    Raises:
        RunError: No threshold reaches it, or there are no held-out images.
    """
    if not accepted:
        raise RunError("the calibration has no thresholds; run thriftnet calibrate again")
    level = 1 - (1 - LEVEL) / len(accepted)
    bounds = [clopper_pearson_low(each.right, each.count, level=level) for each in accepted]
    fitting = [each for each, low in zip(accepted, bounds, strict=True) if low >= precision]
    if fitting:
        return max(fitting, key=lambda each: each.count)
    best, most = max(bounds), max(each.count for each in accepted)
    less = (math.floor(best * _DIGITS) - 1) / _DIGITS
    ask = f"ask for --at-least {less:.3f}, or " if less > 0 else ""
    growth = _growth_needed(accepted, precision=precision, level=level)
    more = "train a more accurate network"
    if growth is not None:
        images = math.ceil(most * growth)
        unit = 10 ** max(0, len(str(images)) - 2)
        more = f"calibrate on about {math.ceil(images / unit) * unit:,} images"
    raise RunError(
        f"no threshold has a precision of {precision:.2%} with {LEVEL:.0%} confidence: {most:,} "
        f"held-out images show at most {best:.2%}; {ask}{more}"
    )


def _growth_needed(accepted: Sequence[Accepted], *, precision: float, level: float) -> float | None:
    """How many times as many images would show a precision, with errors as rare as they are.

    None: they are too frequent above every threshold, which more images would only confirm.
    """
    from scipy.stats import beta

    growths = [_GROWTH**power for power in range(1, _MOST_GROWTH)]
    fitting: list[float] = []
    for each in accepted:
        if each.right > precision * each.count:
            right, wrong = ([g * n for g in growths] for n in (each.right, each.count - each.right))
            lows = beta.ppf(1 - level, right, [n + 1 for n in wrong])
            fitting += [g for g, low in zip(growths, lows, strict=True) if low >= precision][:1]
    return min(fitting, default=None)
