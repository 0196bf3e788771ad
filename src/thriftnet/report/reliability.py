"""Reliability of the probabilities, and risk against coverage."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from thriftnet.evaluation.abstention import coverage_at, risk_area, risk_coverage
from thriftnet.evaluation.calibration import BINS, CalibrationReport, reliability
from thriftnet.report import style
from thriftnet.report.drawing import Drawing, finish
from thriftnet.table import Table, make_table

Logits = NDArray[np.float32]
Labels = NDArray[np.int64]

_POINTS = 400
"""Points of a curve; a screen shows no more."""


def _confidence(logits: Logits, labels: Labels) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    probabilities = softmax(logits.astype(np.float64), axis=1)
    return probabilities.max(axis=1), logits.argmax(axis=1) == labels


def draw_reliability(found: CalibrationReport, logits: Logits, labels: Labels) -> Drawing:
    """Draw accuracy against confidence in bins of equal numbers of images."""
    confidence, hit = _confidence(logits, labels)
    bins = reliability(confidence, hit)
    axes = style.new_axes(height=4.6, legend_rows=1)
    figure = style.figure_of(axes)
    axes.set_position((0.13, 0.37, 0.84, 0.55))
    axes.plot([0, 1], [0, 1], color=style.MUTED, linestyle=":", label="confidence = accuracy")
    axes.plot(
        [mean for mean, _, _ in bins], [share for _, share, _ in bins],
        color=style.BLUE, marker="o", label="this network",
    )  # fmt: skip
    axes.set_ylabel("accuracy")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    axes.tick_params(labelbottom=False)
    style.legend_above(axes)
    below = figure.add_axes((0.13, 0.11, 0.84, 0.2), sharex=axes)
    counts, edges = np.histogram(confidence, bins=30, range=(0, 1))
    below.bar(
        edges[:-1], 100 * counts / len(hit), np.diff(edges), align="edge", color=style.BLUE,
        label="images (%)",
    )  # fmt: skip
    below.set_xlabel("confidence (largest probability)")
    below.set_ylabel("images (%)")
    words = _verdict(found)
    return finish(
        figure,
        name="reliability",
        title="Reliability",
        caption=f"Calibration error {found.error:.4f} (95% {found.interval[0]:.4f} to "
        f"{found.interval[1]:.4f}) over {BINS} bins of equal numbers of images; a perfectly "
        f"calibrated network with these probabilities shows {found.noise_floor:.4f}. {words} "
        "Below: the distribution of the confidence.",
        alt=f"Reliability diagram: calibration error {found.error:.4f}, mean confidence "
        f"{found.mean_confidence:.4f}, accuracy {found.accuracy:.4f}.",
    )


def _verdict(found: CalibrationReport) -> str:
    means = f"Mean confidence is {found.mean_confidence:.4f} and accuracy {found.accuracy:.4f}"
    if found.interval[0] <= found.noise_floor:
        return f"{means}."
    lean = "over" if found.mean_confidence > found.accuracy else "under"
    return f"{means}: the network is {lean}confident; thriftnet calibrate corrects that."


def draw_risk_coverage(logits: Logits, labels: Labels) -> Drawing:
    """Draw the error rate on the most confident images against their share."""
    confidence, hit = _confidence(logits, labels)
    coverage, risk = risk_coverage(confidence, hit)
    area, kept = risk_area(confidence, hit), coverage_at(confidence, hit, accuracy=0.99)
    at = np.unique(np.linspace(0, len(hit) - 1, _POINTS).astype(int))
    axes = style.new_axes(legend_rows=1)
    axes.plot(
        100 * coverage[at], 100 * risk[at], color=style.BLUE, label="most confident images first"
    )
    axes.axhline(1, color=style.MUTED, linestyle=":", label="1% errors")
    axes.set_xlabel("images answered (%)")
    axes.set_ylabel("errors among them (%)")
    axes.set_ylim(bottom=0)
    style.legend_above(axes, columns=2)
    return finish(
        axes,
        name="risk-coverage",
        title="Risk and coverage",
        caption=f"If the least confident images are rejected, {kept:.1%} can be kept at an "
        f"accuracy of 99%. The area under the curve is {area:.5f}. predict --at-least uses a "
        "threshold chosen on held-out images.",
        alt=f"Risk–coverage curve: {kept:.1%} of the images at an accuracy of 99%, all of them at "
        f"{hit.mean():.2%}; area {area:.5f}.",
    )


def calibration_table(found: CalibrationReport) -> Table:
    """Table of the calibration metrics."""
    low, high = found.interval
    rows = [
        ("negative log likelihood (nats)", f"{found.nll:.4f}"),
        ("Brier score", f"{found.brier:.4f}"),
        ("calibration error", f"{found.error:.4f} (95% {low:.4f} to {high:.4f})"),
        ("the same of a perfectly calibrated network", f"{found.noise_floor:.4f}"),
        ("class-wise calibration error", f"{found.classwise_error:.4f}"),
    ]
    return make_table(("figure", "value"), rows, title="Probabilities", wide=False)
