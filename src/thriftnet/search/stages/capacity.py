"""Rules that classify a stage of a network as over-capacity, bottleneck or neither.

`gain_share` is a stage's share of the rise of probe accuracy from the stem to the last stage, and
`cost_share` the mean of its shares of parameters and MACs. *Over-capacity*: the stage does not use
its capacity, so that it can be smaller at little loss; this includes a stage with collapsed rank.
*Bottleneck*: it gains much more than its share of the cost, so that capacity is best added there.
Pure functions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Verdict = Literal["bottleneck", "over-capacity", "balanced", "inconclusive"]

DEAD_SHARE = 0.25
"""Share of dead channels from which a stage is over-capacity."""
RANK_SHARE = 0.5
"""Effective rank, relative to classes - 1, below which it is."""
LOW_RATIO = 0.5
"""Gain share over cost share below which it is."""
HIGH_RATIO = 1.5
"""Gain share over cost share from which a stage is a bottleneck."""


@dataclass(frozen=True)
class StageFigures:
    """Measurements of a stage."""

    name: str
    channels: int
    parameters: int
    macs: int
    dead: int
    """Number of dead channels."""
    effective_rank: float
    probe_accuracy: float
    rank_half_width: float = 0.0
    """Half of the 95% interval of the effective rank, over images."""


@dataclass(frozen=True)
class StageVerdict:
    """A stage with its verdict and the numbers behind it."""

    figures: StageFigures
    gain: float
    """Gain of probe accuracy over the previous stage."""
    gain_half_width: float
    """Half of the gain's 95% interval, over images."""
    gain_share: float
    cost_share: float
    verdict: Verdict
    reason: str

    @property
    def ratio(self) -> float:
        """Gain share divided by cost share."""
        return self.gain_share / self.cost_share if self.cost_share else 0.0

    def to_json(self) -> dict[str, Any]:
        """JSON values, rounded to six decimals."""
        plain = {**asdict(self.figures), "gain": self.gain, "gain_half_width": self.gain_half_width}
        plain |= {"gain_share": self.gain_share}
        plain |= {"cost_share": self.cost_share, "ratio": self.ratio}
        return {**rounded(plain), "verdict": self.verdict, "reason": self.reason}


def rounded(values: Mapping[str, Any]) -> dict[str, Any]:
    """Floats rounded to six decimals, for outcomes that are the same on every run."""
    return {k: round(v, 6) if isinstance(v, float) else v for k, v in values.items()}


def rules() -> dict[str, float]:
    """The thresholds, stored with the verdicts."""
    return {
        "dead_share": DEAD_SHARE,
        "rank_share": RANK_SHARE,
        "low_ratio": LOW_RATIO,
        "high_ratio": HIGH_RATIO,
    }


def classify_stages(
    stages: Sequence[StageFigures], *, base: float, classes: int, images: int
) -> list[StageVerdict]:
    """A verdict for every stage.

    Args:
        stages: In order of the forward pass.
        base: Probe accuracy of the stem.
        classes: Number of classes.
        images: Number of images that the probes were evaluated on.
    """
    before = [base, *(stage.probe_accuracy for stage in stages)]
    gains = [stage.probe_accuracy - earlier for stage, earlier in zip(stages, before, strict=False)]
    rise = sum(max(0.0, gain) for gain in gains)
    parameters = sum(stage.parameters for stage in stages)
    macs = sum(stage.macs for stage in stages)
    earlier_of = {stage.name: earlier for stage, earlier in zip(stages, before, strict=False)}
    top = max((stage.probe_accuracy for stage in stages), default=base)
    learned = top - base > _half_width(base, top, images)
    found: list[StageVerdict] = []
    for stage, gain in zip(stages, gains, strict=True):
        # If no stage gains anything, all are equal.
        cost = (stage.parameters / parameters + stage.macs / macs) / 2
        share = max(0.0, gain) / rise if rise else cost
        width = _half_width(earlier_of[stage.name], stage.probe_accuracy, images)
        reach = width / rise if rise else 0.0
        verdict, reason = _verdict(stage, (share - reach, share, share + reach), cost, classes)
        if not learned:
            verdict, reason = "inconclusive", "no stage is shown to add anything to the stem"
        found.append(StageVerdict(stage, gain, width, share, cost, verdict, reason))
    return found


def _half_width(one: float, other: float, images: int) -> float:
    """Half of the 95% interval of the difference of two accuracies."""
    return 1.96 * ((one * (1 - one) + other * (1 - other)) / images) ** 0.5


def _verdict(
    stage: StageFigures, share: tuple[float, float, float], cost_share: float, classes: int
) -> tuple[Verdict, str]:
    if stage.dead >= DEAD_SHARE * stage.channels:
        return "over-capacity", f"{stage.dead} of {stage.channels} channels are dead"
    needed = RANK_SHARE * min(classes - 1, stage.channels)
    rank, reach = stage.effective_rank, stage.rank_half_width
    told = f"effective rank {rank:.1f} (95% {max(0.0, rank - reach):.1f} to {rank + reach:.1f})"
    if rank + reach < needed:
        return "over-capacity", f"{told}, below {needed:.1f}"
    low, gain_share, high = share
    numbers = (
        f"{gain_share:.0%} (95% {max(0.0, low):.0%} to {high:.0%}) of the probe's gain for "
        f"{cost_share:.0%} of the cost"
    )
    if high < LOW_RATIO * cost_share:
        return "over-capacity", numbers
    if rank - reach < needed:
        return "inconclusive", f"{told}, and {needed:.1f} decides"
    if low > HIGH_RATIO * cost_share:
        return "bottleneck", numbers
    if low >= LOW_RATIO * cost_share and high <= HIGH_RATIO * cost_share:
        return "balanced", numbers
    return "inconclusive", numbers
