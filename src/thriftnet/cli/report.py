"""report: what runs did, as a page and figures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from thriftnet.cli.app import DataOption, app


@app.command()
def report(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="Run folders; several are compared.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="Gets report.html and figures/. Default: the run; of several, report/ beside "
            "the first.",
        ),
    ] = None,
    data: DataOption = None,
) -> None:
    """Write a page of figures that opens anywhere, and the figures as PNG and SVG."""
    from thriftnet.report.build import write_report

    written = write_report(runs, output=output, data=data)
    for text in written.missing:
        print(f"missing: {text}")
    size = written.page.stat().st_size / 1e6
    print(f"wrote {written.page} ({size:.1f} MB)")
    if written.figures:
        count = len({path.stem for path in written.figures})
        print(f"wrote {written.figures[0].parent} ({count} figures, each as PNG and SVG)")
