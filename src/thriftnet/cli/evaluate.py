"""evaluate: the accuracy of a network on test images, clean or corrupted."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from thriftnet.cli.app import (
    DataOption,
    DeviceOption,
    JsonOption,
    PrecisionOption,
    StrictOption,
    TargetArgument,
    TtaOption,
    app,
    find_target,
    print_json,
)
from thriftnet.cli.options.panels import PICTURES, TRAIN, option
from thriftnet.plain import to_stderr
from thriftnet.terminal.work import working


@app.command(rich_help_panel=TRAIN)
def evaluate(
    target: TargetArgument,
    data: DataOption = None,
    strict: StrictOption = False,
    tta: TtaOption = None,
    corruption: Annotated[
        str, option(PICTURES, "NAME:SEVERITY", "Corrupt the images first: contrast:3.")
    ] = "",
    robust: Annotated[
        bool,
        option(PICTURES, None, "Measure accuracy under 15 corruptions × 5 severities.", "--robust"),
    ] = False,
    images: Annotated[
        int | None, option(PICTURES, "N", "With --robust: use N test images. Default: all.")
    ] = None,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Evaluate shipped weights, a finished run or a model file on test images."""
    if robust and corruption:
        raise typer.BadParameter("--robust already uses every corruption; leave out --corruption")
    if images is not None and not robust:
        raise typer.BadParameter("--images is for --robust; add it, or leave out --images")
    found = find_target(target)
    if robust:
        _evaluate_robust(
            target,
            as_json=as_json,
            data=data,
            strict=strict,
            tta=tta or "none",
            images=images,
            device=device,
            precision=precision,
        )
        return

    with working(f"loading {target}") as doing:
        from thriftnet import api
        from thriftnet.terminal import results as console

        evaluation = api.evaluate(
            target,
            data=data,
            strict=strict,
            tta=tta,
            corruption=corruption,
            device=device,
            precision=precision,
            on_progress=doing.counting("test images"),
        )
    if as_json:
        print_json(evaluation.to_json())
    else:
        shipped = found.name is not None
        saved = found.run.evaluations() if found.run and not evaluation.not_kept else None
        console.print_evaluation(target, evaluation, shipped=shipped, saved=saved)
    if evaluation.not_kept:  # compare, report and runs will not know of these figures
        to_stderr(f"thriftnet: not saved: {evaluation.not_kept}")


def _evaluate_robust(target: str, *, as_json: bool, **settings: Any) -> None:
    """Print accuracy under corruption; `settings` are those of `robustness`."""
    with working(f"loading {target}") as doing:
        from thriftnet.evaluation.evaluate_robust import robustness
        from thriftnet.terminal.robustness import print_robustness

        evaluation = robustness(target, on_progress=doing.counting("sets of images"), **settings)
    if as_json:
        print_json(evaluation.to_json())
    else:
        print_robustness(target, evaluation)
    if evaluation.not_kept:
        to_stderr(f"thriftnet: not saved: {evaluation.not_kept}")
