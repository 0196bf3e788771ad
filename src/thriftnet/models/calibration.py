"""What makes a network's probabilities say how often it is right; no torch.

It lies in the model file beside the digest of the weights that it was fitted for, and goes with the
views of each picture: the mean of six views is surer than one.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from thriftnet.models.preprocessing import Finite, Positive, Shifts

_MOST_THRESHOLDS = 200

Probability = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)


class Accepted(_Facts):
    """The held-out predictions at least as probable as a threshold."""

    threshold: Probability
    count: Count
    """How many there are."""
    right: Count
    """How many of them are right."""


class CalibrationFigures(_Facts):
    """How good the probabilities are, on held-out images."""

    nll: Finite
    """Mean negative log likelihood, nats."""
    brier: Finite
    error: Finite
    """Calibration error of the largest probability over bins of equal numbers of images."""


class ViewCalibration(_Facts):
    """The map from logits to calibrated logits under one choice of views.

    Logits are divided by `temperature`. With `shifts`, the largest one then moves by an amount that
    depends on its log-odds, linearly between the knots and constant beyond them. It never falls to
    the second largest: the same class always wins.
    """

    temperature: Positive
    shifts: Shifts = ()
    before: CalibrationFigures
    after: CalibrationFigures
    """Of maps that were fitted without the images they are judged on (cross-fitting)."""
    noise_floor: Finite
    """The mean calibration error that a perfectly calibrated network with these probabilities
    shows on as many images."""
    accepted: Annotated[tuple[Accepted, ...], Field(max_length=_MOST_THRESHOLDS)] = ()
    """From the most to the least restrictive threshold."""


class Calibration(_Facts):
    """The maps of a network, and what they were fitted on."""

    weights_sha256: str
    """Of the weights that they belong to, in half precision, so that a file and its copy of half
    the size share it (`tensors.digest_halved`); beside other weights the maps are refused."""
    images: Annotated[int, Field(ge=1)]
    """Held-out images that they were fitted on."""
    source: Literal["validation", "companion", "data"]
    """Images that the network itself never saw: its validation split, or given ones. `companion`:
    the validation split of another run of the recipe, which its own network never saw."""
    views: dict[str, ViewCalibration]
    """By test-time augmentation, a key of `inference.views.VIEWS`."""
