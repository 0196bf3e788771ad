"""report: what runs did, as a page and figures; and what became of the paper's claims."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from thriftnet.cli.app import DataOption, app


@app.command()
def report(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="RUN...", help="Run folders; several are compared."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "--out",
            "-o",
            metavar="DIR|FILE",
            help="Gets report.html and figures/. Default: the run; of several, report/ beside "
            "the first. With --paper the page itself; default: paper.html.",
        ),
    ] = None,
    data: DataOption = None,
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
        if runs or data:
            raise typer.BadParameter(
                "--paper reads results files; leave out " + ("--data" if data else "RUN")
            )
        _report_paper(results or Path("results"), output or Path("paper.html"))
        return
    if results:
        raise typer.BadParameter("--results goes with --paper; add it, or leave --results out")
    if not runs:
        raise typer.BadParameter("name a run folder, or --paper for the paper's claims")

    from thriftnet.report.build import write_report

    written = write_report(runs, output=output, data=data)
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
