"""train, evaluate: from a recipe to a network and its accuracy."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from thriftnet.cli.aliases import BatchSizeOption, EpochsOption, LrOption, with_aliases
from thriftnet.cli.aliases import DeviceOption as TrainDeviceOption
from thriftnet.cli.app import (
    DataOption,
    DeviceOption,
    JsonOption,
    PrecisionOption,
    SetOption,
    StrictOption,
    TargetArgument,
    TtaOption,
    app,
    find_target,
    print_json,
)
from thriftnet.cli.completions import recipe_names
from thriftnet.commands import command
from thriftnet.errors import TrackingError
from thriftnet.plain import to_stderr
from thriftnet.terminal.output import outlast_output

if TYPE_CHECKING:
    from thriftnet.evaluation.results import Evaluation


@app.command()
def train(
    recipe: Annotated[
        str | None,
        typer.Argument(
            metavar="RECIPE",
            help="A shipped recipe's name or a .yaml path.",
            autocompletion=recipe_names,
        ),
    ] = None,
    overrides: SetOption = None,
    epochs: EpochsOption = None,
    lr: LrOption = None,
    batch_size: BatchSizeOption = None,
    device: TrainDeviceOption = None,
    seed: Annotated[int | None, typer.Option(help="Use this seed instead of the recipe's.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the run folder.")] = None,
    runs_dir: Annotated[
        Path | None, typer.Option(help="The folder of run folders. Default: runs.")
    ] = None,
    data: DataOption = None,
    strict: StrictOption = False,
    resume: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Resume an interrupted run.")
    ] = None,
    time_budget: Annotated[
        str | None,
        typer.Option(metavar="5m", help="Train the epochs that fit, including evaluation."),
    ] = None,
    flops_budget: Annotated[
        str | None,
        typer.Option(metavar="0.3P", help="Train the epochs that these operations allow."),
    ] = None,
    decisions: Annotated[
        Path | None,
        typer.Option(metavar="CSV", help="Relabel and drop pictures as decided after an audit."),
    ] = None,
    max_params: Annotated[
        str | None,
        typer.Option(metavar="5M", help="The most parameters that the network may have."),
    ] = None,
    init: Annotated[
        str | None,
        typer.Option(metavar="NAME_OR_RUN", help="Fine-tune these trained weights."),
    ] = None,
    track: Annotated[
        list[str] | None,
        typer.Option(metavar="TRACKER", help="Also log to tensorboard or mlflow; may be repeated."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Train a recipe and evaluate it once on the test set.

    Without RECIPE: `quick` on CIFAR-10; for pictures of your own (--data), one that is chosen for
    them within 10 minutes (--time-budget) and 5M parameters (--max-params).
    """
    short = {"--epochs": epochs, "--lr": lr, "--batch-size": batch_size, "--device": device}
    given = short | {"RECIPE": recipe, "--set": overrides, "--seed": seed, "--name": name}
    given |= {"--time-budget": time_budget, "--flops-budget": flops_budget}
    given |= {"--runs-dir": runs_dir, "--strict": strict or None, "--decisions": decisions}
    given |= {"--max-params": max_params, "--init": init}
    clash = [option for option, value in given.items() if value is not None]
    if resume and clash:
        raise typer.BadParameter(
            f"--resume continues a run as it is, where it is; leave out {clash[0]}"
        )

    from thriftnet import api
    from thriftnet.data.opened import NoSplitError
    from thriftnet.terminal import results as console
    from thriftnet.terminal.counting import counting
    from thriftnet.training.progress import choose_progress

    outlast_output()
    run = api.train(
        recipe,
        overrides=[*with_aliases(overrides, short), *_decided(decisions)],
        seed=seed,
        name=name,
        runs_dir=runs_dir,
        data=data,
        strict=strict,
        resume=resume,
        progress=choose_progress(quiet=quiet, as_json=as_json),
        time_budget=time_budget,
        flops_budget=flops_budget,
        max_params=max_params,
        init=init,
        track=track or (),
    )
    if not run.is_main:  # under torchrun only the main process prints
        raise typer.Exit(0 if run.finished else 130)
    if not run.finished:
        options = [word for name in track or () for word in ("--track", name)]
        options += ["--data", str(data)] if data is not None else []
        again = command("train", "--resume", run.path, *options)
        print(f"interrupted; resume with: {again}", file=sys.stderr)
        raise typer.Exit(130)
    try:
        with counting("test images", shown=not (quiet or as_json)) as on_progress:
            evaluation = api.evaluate(
                run.path, data=data, on_progress=on_progress, say=lambda _: None
            )
    except NoSplitError as fault:  # nothing is held out, as noted before
        to_stderr(f"thriftnet: {run.path} is trained and not evaluated: {fault}")
        return
    if as_json:
        print(json.dumps({"kind": "summary", "run": str(run.path), **evaluation.to_json()}))
    elif not quiet:
        console.print_training_summary(run.path, evaluation)
    _warn_if_not_kept(evaluation)
    following = [name for name in track or () if name not in run.untracked]
    try:
        api.track(run.path, following)  # includes the test metrics
    except TrackingError as error:  # everything else is done
        to_stderr(f"thriftnet: {error}")


def _decided(decisions: Path | None) -> list[str]:
    """The override for a file of decisions, with an absolute path."""
    return [] if decisions is None else [f"data.decisions={json.dumps(str(decisions.absolute()))}"]


def _warn_if_not_kept(evaluation: Evaluation) -> None:
    """Warn that compare, report and runs will not have these metrics."""
    if evaluation.not_kept:
        print(f"thriftnet: not saved: {evaluation.not_kept}", file=sys.stderr)


@app.command()
def evaluate(
    target: TargetArgument,
    data: DataOption = None,
    strict: StrictOption = False,
    tta: TtaOption = None,
    corruption: Annotated[
        str,
        typer.Option(metavar="NAME:SEVERITY", help="Corrupt the images first: contrast:3."),
    ] = "",
    robust: Annotated[
        bool,
        typer.Option("--robust", help="Measure accuracy under 15 corruptions × 5 severities."),
    ] = False,
    images: Annotated[
        int | None,
        typer.Option(metavar="N", help="With --robust: use N test images. Default: all."),
    ] = None,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Evaluate shipped weights, a finished run or a model file on test images."""
    if robust and corruption:
        raise typer.BadParameter("--robust takes every corruption; leave out --corruption")
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

    from thriftnet import api
    from thriftnet.terminal import results as console
    from thriftnet.terminal.counting import counting

    with counting("test images") as on_progress:
        evaluation = api.evaluate(
            target,
            data=data,
            strict=strict,
            tta=tta,
            corruption=corruption,
            device=device,
            precision=precision,
            on_progress=on_progress,
        )
    if as_json:
        print_json(evaluation.to_json())
    else:
        shipped = found.name is not None
        saved = found.run.evaluations() if found.run and not evaluation.not_kept else None
        console.print_evaluation(target, evaluation, shipped=shipped, saved=saved)
    _warn_if_not_kept(evaluation)


def _evaluate_robust(target: str, *, as_json: bool, **settings: Any) -> None:
    """Print accuracy under corruption; `settings` are those of `robustness`."""
    from thriftnet.evaluation.evaluate_robust import robustness
    from thriftnet.terminal.counting import counting
    from thriftnet.terminal.robustness import print_robustness

    with counting("sets of images") as on_progress:
        evaluation = robustness(target, on_progress=on_progress, **settings)
    if as_json:
        print_json(evaluation.to_json())
    else:
        print_robustness(target, evaluation)
    if evaluation.not_kept:
        print(f"thriftnet: not saved: {evaluation.not_kept}", file=sys.stderr)
