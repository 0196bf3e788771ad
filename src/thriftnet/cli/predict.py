"""predict: pictures, folders of them, and the unlabelled pickle."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from thriftnet.cli.app import (
    AtLeastOption,
    DeviceOption,
    JsonOption,
    OutliersOption,
    PrecisionOption,
    RuntimeOption,
    TargetArgument,
    TtaOption,
    app,
    find_target,
)
from thriftnet.cli.options.panels import OUTPUT, USE, option
from thriftnet.errors import RunError
from thriftnet.inference.table_format import table_format
from thriftnet.plain import plain, to_stderr
from thriftnet.terminal.text import print_whole
from thriftnet.terminal.work import working
from thriftnet.writable import check_writable

if TYPE_CHECKING:
    from thriftnet.inference.classifier import Classifier
    from thriftnet.inference.inputs import PictureSet
    from thriftnet.inference.prediction import PictureResult

_PRINTED = "-"
"""The output that is standard output."""


@app.command(rich_help_panel=USE)
def predict(
    target: TargetArgument,
    inputs: Annotated[
        list[Path],
        typer.Argument(metavar="IMAGE_OR_FOLDER...", help="Image files, folders, or one pickle."),
    ],
    output: Annotated[
        str | None,  # not a Path, which would lose the dot of ./-
        option(
            OUTPUT,
            "FILE|-",
            "Write a CSV file, or .jsonl or .parquet; -: print CSV.",
            "--output",
            "-o",
        ),
    ] = None,
    resume: Annotated[
        bool, option(OUTPUT, None, "Continue an interrupted --output.", "--resume")
    ] = False,
    at_least: AtLeastOption = None,
    reject_outliers: OutliersOption = None,
    tta: TtaOption = None,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    runtime: RuntimeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Classify pictures of any size; a pickle with `data` and `ids` gives a CSV of ID,Labels."""
    pickled = len(inputs) == 1 and inputs[0].suffix.lower() in {".pkl", ".pickle"}
    file = _output_file(output, inputs, pickled=pickled, resume=resume, as_json=as_json)
    found = find_target(target)
    if not pickled:
        from thriftnet.data.pictures import check_there

        check_there(*inputs)  # before a network is loaded

    with working(f"loading {target}") as doing:
        from thriftnet import api
        from thriftnet.inference.inputs import find_pictures, predict_pickle, predict_pictures
        from thriftnet.terminal import rows

        classifier = api.load_model(
            target,
            tta=tta,
            device=device,
            precision=precision,
            at_least=at_least,
            reject_outliers=reject_outliers,
            runtime=runtime,
        )
        if pickled:
            doing.now(f"classifying {inputs[0]}")
            rows.write_rows(("ID", "Labels"), predict_pickle(classifier, inputs[0]), file)
            return
        doing.now("looking for pictures")
        pictures = find_pictures(inputs)
    if file:
        check_writable(file, error=RunError, inputs=chain([found.path], pictures))
    failed = 0

    def counted() -> Iterator[PictureResult]:
        nonlocal failed
        for number, result in enumerate(predict_pictures(classifier, pictures), start=1):
            on_progress(number, len(pictures))
            if result.error:
                failed += 1
                to_stderr(f"thriftnet: {result.error}")
            yield result

    silent = as_json or output is not None or not sys.stdout.isatty()
    with working("reading pictures", shown=silent) as doing:
        on_progress = doing.counting("pictures")
        if as_json:
            rows.print_json_rows(result.to_json() for result in counted())
        elif file:
            failed = _write_table(
                file, classifier, pictures, resume=resume, on_progress=on_progress
            )
        elif output:
            rows.print_csv(counted(), outliers=classifier.outlier_test is not None)
        else:
            rows.print_predictions(counted(), widest=pictures.widest)
            if not silent:  # for a reader, not for a program
                rows.print_network(found.title, tta=classifier.tta, classes=classifier.classes)
    if failed:
        raise typer.Exit(2)


def _refuse_unused(output: str | None, *, pickled: bool, resume: bool, as_json: bool) -> None:
    """Reject options that would be ignored."""
    if as_json and (output or pickled):
        what = "--output writes" if output else "a pickle gives"
        raise typer.BadParameter(f"{what} CSV; leave out --json")
    if resume and (output in {None, _PRINTED} or pickled):
        what = "a pickle is classified in one go" if pickled else "it is for a file of --output"
        raise typer.BadParameter(f"--resume: {what}; leave it out")


def _output_file(
    output: str | None, inputs: list[Path], *, pickled: bool, resume: bool, as_json: bool
) -> Path | None:
    """The file to write, if the options fit together; None if the rows are printed."""
    _refuse_unused(output, pickled=pickled, resume=resume, as_json=as_json)
    if output is None or output == _PRINTED:
        return None
    file = Path(output)
    if table_format(file) != "csv" and pickled:
        raise typer.BadParameter(f"a pickle gives CSV; name the output {file.stem}.csv")
    check_writable(file, error=RunError, inputs=inputs, ours=_is_table)
    return file


def _is_table(path: Path) -> bool:
    from thriftnet.inference.table import is_table

    return is_table(path)


def _write_table(
    output: Path,
    classifier: Classifier,
    pictures: PictureSet,
    *,
    resume: bool,
    on_progress: Callable[[int, int], None],
) -> int:
    """Write the predictions to a file; returns the number of pictures that failed."""
    from thriftnet.inference.table import PredictionTable, TableProgress

    table = PredictionTable(output, classifier, pictures)
    progress = TableProgress()
    if resume:
        progress = table.resume(
            lambda name: to_stderr(f"thriftnet: {name} could not be read before either")
        )
        what = f"{progress.rows:,} rows are complete" if progress.done else "nothing to resume"
        to_stderr(f"thriftnet: {what}; {len(pictures) - progress.done:,} pictures to classify")

    def each(number: int, result: PictureResult) -> None:
        on_progress(number, len(pictures))
        if result.error:
            to_stderr(f"thriftnet: {result.error}")

    try:
        table.write(progress, each)
    except KeyboardInterrupt:
        to_stderr(
            f"thriftnet: interrupted; the first {progress.rows} rows are kept in {table.part}; "
            "add --resume to continue"
        )
        raise
    bad = f", {progress.failed:,} of them not readable" if progress.failed else ""
    count = "1 picture" if len(pictures) == 1 else f"{len(pictures):,} pictures"
    print_whole(f"wrote {plain(str(output))}: {count}{bad}")
    return progress.failed
