"""Prints a calibration."""

from __future__ import annotations

from thriftnet.commands import command
from thriftnet.evaluation.calibrate import CalibratedModel
from thriftnet.plain import plain
from thriftnet.table import make_table
from thriftnet.terminal.tables import print_table
from thriftnet.terminal.text import print_whole, print_wrapped

_SOURCES = {
    "validation": "validation images of its run",
    "companion": "validation images of a companion run",
    "data": "given images",
}


def print_calibration(target: str, found: CalibratedModel) -> None:
    """Print what each choice of views gained, and the file."""
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
        "After: of maps fitted without the images they are judged on. Floor: the error of a "
        "perfectly calibrated network on as many images. The same class always wins."
    )
    print()
    print_whole(f"kept in {plain(str(found.path))}")
    print_whole(f"next: {command('predict', target, '--at-least', '0.99')} IMAGE...")
    if calibration.outliers and calibration.outliers.thresholds:
        print_whole(f"or:   {command('predict', target, '--reject-outliers', '0.05')} IMAGE...")
