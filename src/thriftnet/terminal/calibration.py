"""Prints a calibration."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

from thriftnet.commands import command
from thriftnet.errors import RunError
from thriftnet.evaluation.calibrate import CalibratedModel
from thriftnet.inference.thresholds import choose_threshold
from thriftnet.models.calibration import Accepted
from thriftnet.plain import plain
from thriftnet.table import make_table
from thriftnet.terminal.tables import print_table
from thriftnet.terminal.text import print_whole, print_wrapped

_SOURCES = {
    "validation": "validation images of its run",
    "companion": "validation images of a companion run",
    "data": "given images",
}


_PRECISIONS = (0.99, 0.95, 0.9, 0.8)
"""That the next command may ask for: the first that the images can show."""


def print_calibration(target: str, found: CalibratedModel, *, output: Path | None = None) -> None:
    """Print what each choice of views gained, the file, and what can be done with it now.

    Args:
        target: The network as it was named.
        found: Its calibration.
        output: The copy that has the calibration; None: the network itself.
    """
    calibration = found.calibration
    source = _SOURCES[calibration.source]
    print_whole(f"{plain(target)}: fitted to {calibration.images:,} {source}")
    print()
    rows = [
        (
            tta,
            f"{how.temperature:.3f}" + (f" + {len(how.shifts)} knots" if how.shifts else ""),
            *(how.before.nll, how.after.nll),
            *(how.before.error, how.after.error, how.noise_floor),
        )
        for tta, how in calibration.views.items()
    ]
    columns = (
        "views", "temperature", ("NLL before", ".4f"), ("after", ".4f"), ("error before", ".4f"),
        ("after", ".4f"), ("floor", ".4f"),
    )  # fmt: skip
    print_table(make_table(columns, rows))
    print()
    print_wrapped(
        "Error: calibration error, the mean gap between confidence and accuracy. After: "
        "cross-validated, with maps that were fitted without the image. Floor: the error of a "
        "perfectly calibrated network on as many images. Predicted classes stay the same."
    )
    print()
    print_whole(f"saved in {plain(str(found.path))}")
    options: list[tuple[str, str]] = []
    if precision := _reachable(calibration.views[found.tta].accepted):
        options.append(("--at-least", f"{precision:g}"))
    if calibration.outliers and calibration.outliers.thresholds:
        options.append(("--reject-outliers", "0.05"))
    for lead, each in zip(("next:", "or:  "), options, strict=False):
        print_whole(f"{lead} {command('predict', output or target, *each)} IMAGE...")


def _reachable(accepted: Sequence[Accepted]) -> float | None:
    """The precision to suggest; None if the images can show none of them."""
    for precision in _PRECISIONS:
        with contextlib.suppress(RunError):
            choose_threshold(accepted, precision=precision)
            return precision
    return None
