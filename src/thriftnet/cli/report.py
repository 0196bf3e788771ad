"""report: what runs did or a search found, as a page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from thriftnet.cli.app import DataOption, app


@app.command()
def report(
    runs: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN...|STUDY", help="Run folders, several are compared; or a search's study."
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "--out",
            "-o",
            metavar="DIR",
            help="Folder of report.html and figures/. Default: the run or study; for "
            "several runs, report/ next to the first.",
        ),
    ] = None,
    data: DataOption = None,
    storage: Annotated[
        str | None,
        typer.Option(metavar="URL", help="With STUDY: its database, if that is not a file."),
    ] = None,
) -> None:
    """Write a page of figures that opens anywhere, and the figures as PNG and SVG."""
    from thriftnet.report.build import write_report

    written = write_report(runs, output=output, data=data, storage=storage)
    for text in written.missing:
        print(f"missing: {text}")
    size = written.page.stat().st_size / 1e6
    print(f"wrote {written.page} ({size:.1f} MB)")
    if written.figures:
        count = len({path.stem for path in written.figures})
        print(f"wrote {written.figures[0].parent} ({count} figures, each as PNG and SVG)")
