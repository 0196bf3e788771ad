"""train: the way from a recipe to a network and its accuracy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from thriftnet.cli.app import DataOption, GroupOption, JsonOption, SetOption, StrictOption, app
from thriftnet.cli.options.aliases import (
    BatchSizeOption,
    EpochsOption,
    LrOption,
    with_aliases,
)
from thriftnet.cli.options.aliases import DeviceOption as TrainDeviceOption
from thriftnet.cli.options.completions import recipe_names
from thriftnet.cli.options.panels import BUDGET, OUTPUT, PICTURES, PLACE, RECIPE, TRAIN, option
from thriftnet.commands import command
from thriftnet.errors import RecipeError, TrackingError
from thriftnet.plain import to_stderr
from thriftnet.terminal.output import outlast_output
from thriftnet.terminal.work import working
from thriftnet.training.distributed.ranks import is_first, torchrun_started

if TYPE_CHECKING:
    from thriftnet.training.runner import TrainedRun


@app.command(rich_help_panel=TRAIN)
def train(
    recipe: Annotated[
        str | None,
        typer.Argument(
            metavar="RECIPE",
            help="A recipe's name, as thriftnet recipes lists them, or a .yaml path.",
            autocompletion=recipe_names,
        ),
    ] = None,
    overrides: SetOption = None,
    epochs: EpochsOption = None,
    lr: LrOption = None,
    batch_size: BatchSizeOption = None,
    device: TrainDeviceOption = None,
    seed: Annotated[
        int | None, option(RECIPE, "N", "Use this seed instead of the recipe's.")
    ] = None,
    init: Annotated[
        str | None, option(RECIPE, "NAME_OR_RUN", "Fine-tune these trained weights.")
    ] = None,
    name: Annotated[str | None, option(PLACE, "NAME", "Name of the run folder.")] = None,
    runs_dir: Annotated[
        Path | None, option(PLACE, "DIR", "The folder of run folders. Default: runs.")
    ] = None,
    resume: Annotated[str | None, option(PLACE, "RUN", "Resume an interrupted run.")] = None,
    restart: Annotated[
        bool,
        option(PLACE, None, "With --resume: start again; earlier files are kept.", "--restart"),
    ] = False,
    data: DataOption = None,
    group: GroupOption = None,
    strict: StrictOption = False,
    decisions: Annotated[
        Path | None, option(PICTURES, "CSV", "Relabel and drop pictures as decided after an audit.")
    ] = None,
    time_budget: Annotated[
        str | None,
        option(BUDGET, "5m", "Train as many epochs as fit, including evaluation."),
    ] = None,
    flops_budget: Annotated[
        str | None, option(BUDGET, "0.3P", "Train as many epochs as these operations allow.")
    ] = None,
    max_params: Annotated[
        str | None, option(BUDGET, "5M", "Maximum number of parameters of the network.")
    ] = None,
    track: Annotated[
        list[str] | None,
        option(OUTPUT, "TRACKER", "Also log to tensorboard, mlflow or wandb; may be repeated."),
    ] = None,
    quiet: Annotated[
        bool, option(OUTPUT, None, "Print nothing but errors.", "--quiet", "-q")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Train a recipe and evaluate it once on the test set.

    Without RECIPE: `quick` on CIFAR-10, or for your own pictures (--data) a recipe that is chosen
    for them, within 10 minutes (--time-budget) and 5M parameters (--max-params).
    """
    short = {"--epochs": epochs, "--lr": lr, "--batch-size": batch_size, "--device": device}
    given = short | {"RECIPE": recipe, "--set": overrides, "--seed": seed, "--name": name}
    given |= {"--time-budget": time_budget, "--flops-budget": flops_budget}
    given |= {"--runs-dir": runs_dir, "--strict": strict or None, "--decisions": decisions}
    given |= {"--max-params": max_params, "--init": init, "--group": group}
    clash = [flag for flag, value in given.items() if value is not None]
    if resume and clash:
        raise typer.BadParameter(
            f"--resume continues a run with its own settings; leave out {clash[0]}"
        )
    if restart and resume is None:
        raise typer.BadParameter("--restart is for --resume; name the run, or leave it out")
    if recipe is not None:
        _refuse_folder(recipe)
    overrides = [*with_aliases(overrides, short), *_of_data(decisions, group)]
    by_name = recipe is not None or data is None
    if by_name and init is None and resume is None and not torchrun_started():
        from thriftnet.recipe import load_recipe

        load_recipe(recipe or "quick", overrides, seed=seed)  # refused before PyTorch is loaded
    outlast_output()
    with working("loading PyTorch", shown=is_first() and not quiet) as doing:
        from thriftnet import api
        from thriftnet.terminal.training import TrainingProgress
        from thriftnet.training.automatic.resolve import chooses_recipe

        chosen = resume is None and chooses_recipe(recipe, data)
        doing.now("choosing a recipe" if chosen else "preparing the training")
        run = api.train(
            recipe,
            overrides=overrides,
            seed=seed,
            name=name,
            runs_dir=runs_dir,
            data=data,
            strict=strict,
            resume=resume,
            restart=restart,
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
        options: list[str | Path] = [word for name in track or () for word in ("--track", name)]
        options += ["--data", data] if data is not None else []
        again = command("train", "--resume", run.path, *options)
        to_stderr(f"interrupted; resume with: {again}")
        raise typer.Exit(130)
    _evaluate(run, data, quiet=quiet, as_json=as_json, track=track or ())


def _refuse_folder(recipe: str) -> None:
    """Check that a recipe is no folder, of pictures or of a run.

    Raises:
        RecipeError: It is one.
    """
    from thriftnet.recipe.load import shipped_recipes
    from thriftnet.runs.folder import RunFolder

    path = Path(recipe)
    if recipe in shipped_recipes() or not path.is_dir():
        return
    own = RunFolder(path).recipe_path
    if own.is_file():
        again = command("train", "--resume", path)
        raise RecipeError(f"{path} is a run folder; its recipe is {own}; {again} continues it")
    pictures = command("train", "--data", path)
    raise RecipeError(f"{path} is a folder, not a recipe; if it contains pictures: {pictures}")


def _of_data(decisions: Path | None, group: str | None) -> list[str]:
    """Overrides for a file of decisions, wherever the run is read again, and for groups.

    In JSON, a pattern such as `[0-9]+` is text and no list.
    """
    from thriftnet.data.places import recorded

    given = {
        "decisions": None if decisions is None else str(recorded(decisions)),
        "group": group,
    }
    return [f"data.{key}={json.dumps(value)}" for key, value in given.items() if value is not None]


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
        to_stderr(f"thriftnet: {run.path} is trained but not evaluated: {fault}")
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
