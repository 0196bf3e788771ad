"""report: what runs did or a search found, as a page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from thriftnet.cli.app import DataOption, JsonOption, app, print_json
from thriftnet.cli.options.completions import model_names
from thriftnet.cli.options.panels import OUTPUT, UNDERSTAND, option
from thriftnet.terminal.text import print_whole
from thriftnet.terminal.work import working


@app.command(rich_help_panel=UNDERSTAND)
def report(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN...|STUDY",
            help="Run folders, shipped weights or model files (several are compared), or the "
            "study of a search.",
            autocompletion=model_names,
        ),
    ],
    output: Annotated[
        Path | None,
        option(
            OUTPUT,
            "DIR",
            "Folder for report.html and figures/. Default: the run or study; for "
            "several runs, report/ next to the first; for a network, NAME-report/.",
            "--output",
            "--out",
            "-o",
        ),
    ] = None,
    data: DataOption = None,
    storage: Annotated[
        str | None, option(OUTPUT, "URL", "With STUDY: its database, if that is not a file.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write a self-contained page of figures, and each figure as PNG and SVG."""
    drawing = "drawing the report (a few seconds)"
    with working(drawing) as doing:
        from thriftnet.evaluation.evaluated import evaluated_runs

        count = doing.counting("test images")
        folders = evaluated_runs(runs, data=data, fetch=False, on_progress=count)
        doing.now(drawing)
        from thriftnet.report.build import write_report  # after a wrong name was refused

        written = write_report(folders, output=output, data=data, storage=storage)
    if as_json:
        figures = [str(path) for path in written.figures]
        print_json(
            {"page": str(written.page), "figures": figures, "missing": list(written.missing)}
        )
        return
    for text in written.missing:
        print_whole(f"missing: {text}")
    size = written.page.stat().st_size / 1e6
    print_whole(f"wrote {written.page} ({size:.1f} MB)")
    if written.figures:
        count = len({path.stem for path in written.figures})
        print_whole(f"wrote {written.figures[0].parent} ({count} figures, each as PNG and SVG)")
