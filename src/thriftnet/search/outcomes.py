"""Types of the outcomes that stages write, to validate their files.

A study folder may be untrusted. Unknown keys of later versions are ignored; optional keys were
added later.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, NotRequired

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

_LARGEST = 10**15
Count = Annotated[int, Field(ge=0, le=_LARGEST)]
Figure = Annotated[float, Field(ge=-_LARGEST, le=_LARGEST, allow_inf_nan=False)]
Measured = float
"""May be NaN or infinite if a training diverged."""
Text = Annotated[str, Field(max_length=10_000)]
StageName = Annotated[str, Field(pattern=r"^stage [1-9]\d{0,3}$")]


class Entry(TypedDict):
    """A candidate, from `Candidate.to_json`."""

    candidate: Text
    label: Text
    reference: bool
    parameters: Count
    macs: Count


class GridEntry(Entry):
    """A place in the ranking of the grid."""

    place: Count
    epochs: Count
    val_accuracy: Figure


class GridOutcome(TypedDict):
    """Outcome of the grid."""

    competing: Count
    jobs: Count
    seconds: Figure
    share_of_exhaustive: Figure
    reference: GridEntry | None
    ranking: list[GridEntry]


class StageEntry(TypedDict):
    """A stage of an analysed network."""

    name: StageName
    channels: Count
    parameters: Count
    macs: Count
    dead: Count
    effective_rank: Figure
    probe_accuracy: Figure
    gain: Figure
    gain_share: Figure
    cost_share: Figure
    ratio: Figure
    verdict: Text
    reason: Text
    gradient_norm: Measured
    relative_update: Measured


class Dynamics(TypedDict):
    """How a network trained."""

    val_accuracy: Figure
    gap: Figure
    loss_slope: Measured | None


class ConfusedClass(TypedDict):
    """A class that is confused with another."""

    label: Text
    predicted: Text
    images: Count


class Errors(TypedDict):
    """Confused classes and hardest images of a network."""

    images: Count
    most_confused: list[ConfusedClass]


class AnalysedNetwork(Entry):
    """A network in the analysis."""

    epochs: Count
    dynamics: Dynamics
    stem_probe_accuracy: Figure
    stages: list[StageEntry]
    errors: Errors


class Rules(TypedDict):
    """The thresholds behind the verdicts."""

    dead_share: Figure
    rank_share: Figure
    low_ratio: Figure
    high_ratio: Figure


class AnalysisOutcome(TypedDict):
    """Outcome of the analysis."""

    rules: Rules
    networks: list[AnalysedNetwork]


class ShiftEntry(TypedDict):
    """A network with capacity moved from one stage to another."""

    from_stage: Count
    to_stage: Count
    candidate: Text
    label: Text
    parameters: Count
    refused: Text | None


class RefinedEntry(Entry):
    """The result of a candidate of grid or refinement."""

    val_accuracy: Figure


class RefinementOutcome(TypedDict):
    """Outcome of the refinement."""

    base: NotRequired[Entry]
    shifts: NotRequired[list[ShiftEntry]]
    jobs: Count
    gain: NotRequired[Figure | None]
    ranking: list[RefinedEntry]
    pareto: list[RefinedEntry]


class WinnerTest(TypedDict):
    """Comparison of the winner with a contender."""

    difference: Figure
    half_width: Figure | None
    test: Text | None
    p: Figure | None
    p_holm: Figure | None


class RankedEntry(Entry):
    """A place in the ranking of the validation."""

    seeds: Annotated[dict[str, Figure], Field(min_length=1)]
    mean: Figure
    half_width: Figure | None
    winner_less_this: WinnerTest | None


def _all_compared(ranking: list[RankedEntry]) -> list[RankedEntry]:
    """Check that each other contender is compared with the winner."""
    if any(entry["winner_less_this"] is None for entry in ranking[1:]):
        raise ValueError("a contender is not compared with the winner")
    return ranking


class TestFigures(TypedDict):
    """Test metrics of the winner's first seed."""

    seed: Count
    tta: Text
    accuracy: Figure
    accuracy_interval: Annotated[list[Figure], Field(min_length=2, max_length=2)]


class ValidationOutcome(TypedDict):
    """Outcome of the validation."""

    epochs: Count
    winner: Text
    ranking: Annotated[list[RankedEntry], Field(min_length=1), AfterValidator(_all_compared)]
    unfinished: NotRequired[list[Entry]]
    test: TestFigures


_TYPES: Mapping[str, TypeAdapter[Any]] = {
    "grid": TypeAdapter(GridOutcome),
    "analysis": TypeAdapter(AnalysisOutcome),
    "refinement": TypeAdapter(RefinementOutcome),
    "validation": TypeAdapter(ValidationOutcome),
}


def check_outcome(stage: str, outcome: dict[str, Any] | None) -> dict[str, Any]:
    """Validate the outcome of a stage, and return it with all keys.

    Raises:
        ValueError: It is not; the message names the key.
    """
    try:
        _TYPES[stage].validate_python(outcome, strict=True)
    except ValidationError as fault:
        first = fault.errors(include_url=False, include_input=False)[0]
        raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    return outcome or {}
