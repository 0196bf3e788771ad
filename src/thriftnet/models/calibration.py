"""Calibration data in a model file, without torch.

It is stored with the digest of the weights it was fitted for, separately per test-time
augmentation: the mean over six views is more confident than one view.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from thriftnet.models.preprocessing import Finite, Positive, Shifts

LEAST_IMAGES = 100
"""Held-out images for a calibration; with fewer, even a temperature is off by 1% or more."""
_MOST_THRESHOLDS = 200

Probability = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)


class Accepted(_Facts):
    """Counts of the held-out predictions at or above a threshold."""

    threshold: Probability
    count: Count
    """Predictions at or above the threshold."""
    right: Count
    """Correct ones among them."""


class CalibrationFigures(_Facts):
    """Quality of the probabilities on held-out images."""

    nll: Finite
    """Mean negative log likelihood, nats."""
    brier: Finite
    error: Finite
    """Calibration error of the top probability over equal-count bins."""


class ViewCalibration(_Facts):
    """The map from logits to calibrated logits for one test-time augmentation.

    Logits are divided by `temperature`. With `shifts`, the largest one then changes by an amount
    that depends on its log-odds, interpolated linearly and constant outside the knots. The
    predicted class never changes.
    """

    temperature: Positive
    shifts: Shifts = ()
    before: CalibrationFigures
    after: CalibrationFigures
    """By cross-fitting: each map is evaluated on images it was not fitted on."""
    noise_floor: Finite
    """Expected calibration error of a perfectly calibrated network with these probabilities and as
    many images."""
    accepted: Annotated[tuple[Accepted, ...], Field(max_length=_MOST_THRESHOLDS)] = ()
    """In descending order of the threshold."""


class OutlierThreshold(_Facts):
    """A typicality below which at most `share` of the usual images lies, with 95% confidence."""

    share: Probability
    score: Finite


class OutlierReference(_Facts):
    """Scores of held-out images, by which pictures unlike them are recognised."""

    energy: tuple[Finite, Positive]
    """Mean and standard deviation."""
    distance: tuple[Finite, Positive]
    """Mean and standard deviation of the distance of the batch norms' inputs."""
    thresholds: Annotated[tuple[OutlierThreshold, ...], Field(max_length=_MOST_THRESHOLDS)] = ()
    """In ascending order of the share."""


class Calibration(_Facts):
    """The calibration of a network and the images it was fitted on."""

    weights_sha256: str
    """Digest of the weights in half precision (`tensors.digest_halved`), equal for a file and its
    fp16 copy; with other weights the calibration is rejected."""
    images: Annotated[int, Field(ge=1)]
    """Number of held-out images."""
    source: Literal["validation", "companion", "data"]
    """Held-out images: the validation split of the run or a given data set. `companion`: the
    calibration of another run of the same recipe, fitted on that run's validation split."""
    views: dict[str, ViewCalibration]
    """Keyed by test-time augmentation (`inference.views.VIEWS`)."""
    outliers: OutlierReference | None = None
    """None: fitted by an earlier version."""
