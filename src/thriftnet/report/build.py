"""Writes the report of runs or of a study: figures as files, and the page."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from thriftnet.commands import command, shell_line
from thriftnet.errors import RunError, SearchError
from thriftnet.files import write_whole
from thriftnet.report.page import THIS_PAGE, Page, render
from thriftnet.report.record import RunRecord, read_record
from thriftnet.report.several.page import shared_page
from thriftnet.report.single import single_page
from thriftnet.report.style import figure_style
from thriftnet.search.folder import is_study
from thriftnet.writable import check_folder, check_writable, is_page


@dataclass(frozen=True)
class Report:
    """The files of a report."""

    page: Path
    """The HTML file."""
    figures: tuple[Path, ...]
    """PNG and SVG files."""
    missing: tuple[str, ...]
    """What is missing from the report, in sentences with remedies."""


def write_report(
    runs: Sequence[Path],
    *,
    output: Path | None = None,
    data: Path | None = None,
    storage: str | None = None,
) -> Report:
    """Write a report; see `thriftnet.write_report`. Repeated runs count once.

    Raises:
        RunError: No run is given, one cannot be read, or an argument would be ignored.
        SearchError: A study cannot be read, or `storage` is given for runs.
    """
    if not runs:
        raise RunError("a report needs a run folder or a study; name one")
    distinct = list(dict.fromkeys(path.resolve() for path in runs))
    study = any(map(is_study, runs))
    if data is not None and (study or len(distinct) > 1):
        raise RunError("--data is for the pictures in the report of one run; leave it out")
    if study:
        return write_study_report(runs, output=output, storage=storage)
    if storage is not None:
        raise SearchError(f"--storage is for a study, and {runs[0]} is not one; leave it out")
    given = {path.resolve(): path for path in reversed(runs)}
    records = [read_record(given[path]) for path in distinct]
    first = records[0].run
    folder = output or _default_folder(records)
    _check(folder, first.report_path, first.figures_path, runs, given=output is not None)
    with figure_style():
        page = single_page(records[0], data=data) if len(records) == 1 else shared_page(records)
    page = names_output(page, output)
    return _write(page, folder / first.report_path.name, folder / first.figures_path.name)


def _default_folder(records: Sequence[RunRecord]) -> Path:
    """The run's own folder, and `report` beside the first of several; of a network, one here."""
    first = records[0]
    if len(records) > 1:
        return Path("report") if first.alone else first.run.path.parent / "report"
    return Path(f"{first.run.name}-report") if first.alone else first.run.path


def write_study_report(
    paths: Sequence[Path], *, output: Path | None = None, storage: str | None = None
) -> Report:
    """Write the report of a study in any state.

    Raises:
        SearchError: There are several paths, or the study's storage cannot be read.
        RunError: The report cannot be written.
    """
    from thriftnet.search.packages import require_search_packages

    require_search_packages()
    from thriftnet.report.study.page import study_page
    from thriftnet.report.study.record import read_study
    from thriftnet.search.study import Study

    path = next(filter(is_study, paths))
    if len({each.resolve() for each in paths}) > 1:
        raise SearchError(
            f"{path} is a study, and its report covers nothing else; name no other folder"
        )
    study = Study.open(path, url=storage, read_only=True)
    folder = output or path
    _check(folder, study.report_path, study.figures_path, paths, given=output is not None)
    with contextlib.closing(study.storage):
        record = read_study(study)
    with figure_style():
        page = names_output(study_page(record), output)
    return _write(page, folder / study.report_path.name, folder / study.figures_path.name)


def _check(
    folder: Path, page: Path, figures: Path, reported: Sequence[Path], *, given: bool
) -> None:
    """Check that the report can be written before drawing it.

    Raises:
        RunError: It cannot.
    """
    try:
        check_writable(folder / page.name, error=RunError, ours=partial(is_page, of="report"))
        check_folder(folder / figures.name, error=RunError)
        others = folder / figures.name
        earlier = not given or (folder / page.name).exists()
        if not earlier and others.is_dir() and any(others.iterdir()):
            raise RunError(f"{others} holds other files than a report's; choose another -o")
    except RunError as fault:
        if given:
            raise
        elsewhere = f"{command('report', *reported)} -o DIR"
        raise RunError(f"{str(fault).partition(';')[0]}; write it elsewhere: {elsewhere}") from None


def names_output(page: Page, output: Path | None) -> Page:
    """A page whose own command has the folder that it is written into, if one was given."""
    if output is None:
        return page
    option = shell_line("-o", output)
    sections = [
        replace(
            section,
            commands=tuple(
                (purpose, f"{text} {option}" if purpose == THIS_PAGE else text)
                for purpose, text in section.commands
            ),
        )
        for section in page.sections
    ]
    folders = (*page.folders, output.absolute().parent)
    return replace(page, sections=tuple(sections), folders=folders)


def _write(page: Page, target: Path, figures: Path) -> Report:
    """Write the page, and each figure as PNG and SVG."""
    files: list[Path] = []
    for drawing in page.drawings:
        for ending, content in (("svg", drawing.svg.encode()), ("png", drawing.png)):
            files.append(figures / f"{drawing.name}.{ending}")
            write_whole(files[-1], content, error=RunError)
    write_whole(target, render(page), error=RunError)
    return Report(target, tuple(files), page.missing)
