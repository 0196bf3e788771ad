"""report: what runs did or a search found, as a page; and what became of the paper's claims."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from thriftnet.cli.app import DataOption, app


@app.command()
def report(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="RUN...|STUDY", help="Run folders, several are compared; or a search's study."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "--out",
            "-o",
            metavar="DIR|FILE",
            help="Gets report.html and figures/. Default: the run or study; of several, report/ "
            "beside the first. With --paper the page itself; default: paper.html.",
        ),
    ] = None,
    data: DataOption = None,
    storage: Annotated[
        str | None,
        typer.Option(metavar="URL", help="With STUDY: its database, where that is not a file."),
    ] = None,
    paper: Annotated[
        bool,
        typer.Option("--paper", help="Instead: the paper's claims beside what was measured."),
    ] = False,
    results: Annotated[
        Path | None,
        typer.Option(
            "--results", metavar="DIR", help="With --paper: the results files. Default: results."
        ),
    ] = None,
) -> None:
    """Write a page of figures that opens anywhere, and the figures as PNG and SVG."""
    if paper:
        if runs or data or storage:
            needless = "--data" if data else "--storage" if storage else "RUN"
            raise typer.BadParameter(f"--paper reads results files; leave out {needless}")
        _report_paper(results or Path("results"), output or Path("paper.html"))
        return
    if results:
        raise typer.BadParameter("--results goes with --paper; add it, or leave --results out")
    if not runs:
        raise typer.BadParameter("name a run or study folder, or --paper for the paper's claims")

    from thriftnet.report.build import write_report

    written = write_report(runs, output=output, data=data, storage=storage)
    for text in written.missing:
        print(f"missing: {text}")
    size = written.page.stat().st_size / 1e6
    print(f"wrote {written.page} ({size:.1f} MB)")
    if written.figures:
        count = len({path.stem for path in written.figures})
        print(f"wrote {written.figures[0].parent} ({count} figures, each as PNG and SVG)")


def _report_paper(results: Path, output: Path) -> None:
    from thriftnet.report.paper.build import write_paper_report
    from thriftnet.terminal.paper import print_paper_report

    print_paper_report(write_paper_report(results, output))
