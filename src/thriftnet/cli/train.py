"""train: the way from a recipe to a network and its accuracy."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from thriftnet.cli.app import DataOption, JsonOption, SetOption, StrictOption, app
from thriftnet.cli.options.aliases import BatchSizeOption, EpochsOption, LrOption, with_aliases
from thriftnet.cli.options.aliases import DeviceOption as TrainDeviceOption
from thriftnet.cli.options.completions import recipe_names
from thriftnet.cli.options.panels import BUDGET, OUTPUT, PICTURES, PLACE, RECIPE, TRAIN
from thriftnet.commands import command
from thriftnet.errors import TrackingError
from thriftnet.plain import to_stderr
from thriftnet.terminal.output import outlast_output
from thriftnet.terminal.work import working
from thriftnet.training.distributed.ranks import is_first

if TYPE_CHECKING:
    from thriftnet.training.runner import TrainedRun


@app.command(rich_help_panel=TRAIN)
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
    seed: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Use this seed instead of the recipe's.", rich_help_panel=RECIPE
        ),
    ] = None,
    init: Annotated[
        str | None,
        typer.Option(
            metavar="NAME_OR_RUN",
            help="Fine-tune these trained weights.",
            rich_help_panel=RECIPE,
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Name of the run folder.", rich_help_panel=PLACE),
    ] = None,
    runs_dir: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="The folder of run folders. Default: runs.",
            rich_help_panel=PLACE,
        ),
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option(metavar="RUN", help="Resume an interrupted run.", rich_help_panel=PLACE),
    ] = None,
    data: DataOption = None,
    strict: StrictOption = False,
    decisions: Annotated[
        Path | None,
        typer.Option(
            metavar="CSV",
            help="Relabel and drop pictures as decided after an audit.",
            rich_help_panel=PICTURES,
        ),
    ] = None,
    time_budget: Annotated[
        str | None,
        typer.Option(
            metavar="5m",
            help="Train the epochs that fit, including evaluation.",
            rich_help_panel=BUDGET,
        ),
    ] = None,
    flops_budget: Annotated[
        str | None,
        typer.Option(
            metavar="0.3P",
            help="Train the epochs that these operations allow.",
            rich_help_panel=BUDGET,
        ),
    ] = None,
    max_params: Annotated[
        str | None,
        typer.Option(
            metavar="5M",
            help="The most parameters that the network may have.",
            rich_help_panel=BUDGET,
        ),
    ] = None,
    track: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TRACKER",
            help="Also log to tensorboard, mlflow or wandb; may be repeated.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    quiet: Annotated[
        bool,
        typer.Option("--quiet", "-q", help="Print nothing but errors.", rich_help_panel=OUTPUT),
    ] = False,
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
    outlast_output()
    with working("loading PyTorch", shown=is_first() and not quiet) as doing:
        from thriftnet import api
        from thriftnet.terminal.training import TrainingProgress

        doing.now("preparing the training")
        run = api.train(
            recipe,
            overrides=[*with_aliases(overrides, short), *_decided(decisions)],
            seed=seed,
            name=name,
            runs_dir=runs_dir,
            data=data,
            strict=strict,
            resume=resume,
            progress=TrainingProgress(doing, quiet=quiet, as_json=as_json),
            time_budget=time_budget,
            flops_budget=flops_budget,
            max_params=max_params,
            init=init,
            track=track or (),
        )
    if not run.is_main:  # torchrun started others, and the first one speaks
        raise typer.Exit(0 if run.finished else 130)
    if not run.finished:
        options = [word for name in track or () for word in ("--track", name)]
        options += ["--data", str(data)] if data is not None else []
        again = command("train", "--resume", run.path, *options)
        print(f"interrupted; resume with: {again}", file=sys.stderr)
        raise typer.Exit(130)
    _evaluate(run, data, quiet=quiet, as_json=as_json, track=track or ())


def _decided(decisions: Path | None) -> list[str]:
    """The override that names a file of decisions, wherever the run is read again."""
    return [] if decisions is None else [f"data.decisions={json.dumps(str(decisions.absolute()))}"]


def _evaluate(
    run: TrainedRun, data: Path | None, *, quiet: bool, as_json: bool, track: list[str] | tuple[()]
) -> None:
    """Evaluate what was trained, once, print it, and show it in the trackers too."""
    from thriftnet import api
    from thriftnet.data.opened import NoSplitError
    from thriftnet.terminal import results as console

    try:
        with working("loading the test images", shown=not quiet) as doing:
            counted = doing.counting("test images")
            evaluation = api.evaluate(run.path, data=data, on_progress=counted, say=lambda _: None)
    except NoSplitError as fault:  # nothing is held out, which was said before the training
        to_stderr(f"thriftnet: {run.path} is trained and not evaluated: {fault}")
        return
    if as_json:
        print(json.dumps({"kind": "summary", "run": str(run.path), **evaluation.to_json()}))
    elif not quiet:
        console.print_training_summary(run.path, evaluation)
    if evaluation.not_kept:  # compare, report and runs will not know of these figures
        to_stderr(f"thriftnet: not saved: {evaluation.not_kept}")
    try:
        api.track(run.path, [name for name in track if name not in run.untracked])
    except TrackingError as error:  # all the rest is done
        to_stderr(f"thriftnet: {error}")
