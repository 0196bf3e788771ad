"""Compares the predictions of an export with those of its network."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thriftnet.errors import ExportMismatchError, ThriftnetError
from thriftnet.export.job import BATCHES, Target, Tolerance
from thriftnet.export.pictures import Pictures
from thriftnet.extras import is_installed
from thriftnet.inference.engine import OnProgress, no_progress
from thriftnet.inference.onnx_runtime import Run

Probabilities = NDArray[np.float32]
_NOTHING = "; nothing was written"


@dataclass(frozen=True)
class Check:
    """How an export, in its own runtime, differs from the network in fp32."""

    pictures: int
    source: str
    """Description of the pictures."""
    largest_difference: dict[int, float]
    """Largest difference of a probability, by batch size."""
    equal_answers: float
    """Share of pictures with the same predicted class; the lowest over batch sizes."""
    accuracy: float | None
    """Accuracy of the export; None without labels."""
    accuracy_fp32: float | None

    def to_json(self) -> dict[str, Any]:
        """Values for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class OtherCheck:
    """The same in a runtime that an export is not made for."""

    check: Check | None
    """None where it did not run at all."""
    fault: str | None
    """Why the export must not be used there."""

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def compare_elsewhere(
    target: Target,
    path: Path,
    expected: Probabilities,
    pictures: Pictures,
    *,
    on_progress: OnProgress = no_progress,
) -> Mapping[str, OtherCheck]:
    """Compare an export in further runtimes that are installed; they are no reason to refuse it.

    Args:
        target: Has these runtimes.
        path: Of the export.
        expected: As for `compare`.
        pictures: As for `compare`.
        on_progress: As for `compare`.
    """
    found: dict[str, OtherCheck] = {}
    for package, load in target.others.items():
        if not is_installed(package):
            continue
        try:
            check = compare(
                load(path), expected, pictures, batches=target.batches, on_progress=on_progress
            )
            found[package] = OtherCheck(check, fault_of(check, target.limits))
        except ThriftnetError as fault:
            found[package] = OtherCheck(None, str(fault).removesuffix(_NOTHING))
    return found


def compare(
    run: Run,
    expected: Probabilities,
    pictures: Pictures,
    *,
    batches: Sequence[int] = BATCHES,
    on_progress: OnProgress = no_progress,
) -> Check:
    """Run an export on all pictures at each batch size.

    Args:
        run: The export.
        expected: (N, classes) probabilities of the network.
        pictures: Pictures that `expected` belongs to.
        batches: Batch sizes.
        on_progress: Called with the number of predictions compared and the total.

    Raises:
        ExportMismatchError: The export fails, or its outputs are not finite probabilities.
    """
    images, total = pictures.compared, len(batches) * len(pictures.compared)
    gaps: dict[int, float] = {}
    equal: list[float] = []
    answers = expected.argmax(1)
    found = expected
    for turn, batch in enumerate(batches):
        parts: list[Probabilities] = []
        for start in range(0, len(images), batch):
            parts.append(_said(run, images[start : start + batch], expected.shape[1]))
            on_progress(turn * len(images) + min(start + batch, len(images)), total)
        found = np.concatenate(parts)
        gaps[batch] = float(np.abs(found - expected).max())
        equal.append(float((found.argmax(1) == answers).mean()))
    labels = pictures.labels
    return Check(
        pictures=len(images),
        source=pictures.source,
        largest_difference=gaps,
        equal_answers=min(equal),
        accuracy=None if labels is None else float((found.argmax(1) == labels).mean()),
        accuracy_fp32=None if labels is None else float((answers == labels).mean()),
    )


def _said(run: Run, images: NDArray[np.uint8], classes: int) -> Probabilities:
    try:
        found = run(images)
    except Exception as fault:  # every runtime has its own errors
        reason = " ".join(str(fault).split())[:200]
        raise ExportMismatchError(
            f"the export fails at batch {len(images)} ({reason}){_NOTHING}"
        ) from None
    if found.shape != (len(images), classes) or not np.isfinite(found).all():
        raise ExportMismatchError(
            f"the export gives {found.shape} {found.dtype} at batch {len(images)}, where finite "
            f"({len(images)}, {classes}) float32 was expected{_NOTHING}"
        )
    return found


def fault_of(check: Check, limits: Tolerance) -> str | None:
    """Why an export is refused; None if it is within the limits."""
    if limits.difference is not None:
        most = limits.difference
        over = [(g, b) for b, g in check.largest_difference.items() if not g <= most]  # or NaN
        if not over:
            return None
        gap, batch = max(over)
        return f"probabilities differ by {gap:.1e} at batch {batch}, over {most:g}"
    different = round((1 - check.equal_answers) * check.pictures)
    if different > math.ceil((1 - limits.equal_answers) * check.pictures):
        return (
            f"only {check.equal_answers:.2%} of the answers are equal, "
            f"under {limits.equal_answers:.1%}"
        )
    if check.accuracy is not None and check.accuracy_fp32 is not None:
        lost = check.accuracy_fp32 - check.accuracy
        if lost > limits.accuracy_drop + 1 / check.pictures:
            return f"{100 * lost:.2f} points of accuracy are lost, over {limits.accuracy_drop:.1%}"
    return None
