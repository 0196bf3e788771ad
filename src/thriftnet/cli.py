"""The command line: one thin function a command that parses, calls and prints."""

from __future__ import annotations

import json
import sys
import traceback
from pathlib import Path
from typing import Annotated, Any

import typer

from thriftnet.errors import ThriftnetError

# Modules that import torch (seconds) are imported by the command that needs them, so that
# `--help` and a mistyped option answer at once.

app = typer.Typer(
    name="thriftnet",
    help="The most accurate compact image classifier that a parameter and compute budget buys.",
    epilog="Any command takes --debug, which shows the traceback of an error.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

RecipeArgument = Annotated[
    str, typer.Argument(metavar="RECIPE", help="A shipped recipe's name or a .yaml path.")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a recipe key; may be repeated."),
]
DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data", metavar="DIR", help="CIFAR-10 on disk: folder, archive or class folders."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
TtaOption = Annotated[
    str | None,
    typer.Option(
        "--tta", help="Views of each image: none, flip or flip_shift. Default: the recipe's."
    ),
]
DeviceOption = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or mps.")]
PrecisionOption = Annotated[str, typer.Option("--precision", help="auto, fp32 or bf16.")]
TargetArgument = Annotated[
    Path, typer.Argument(metavar="RUN_OR_MODEL", help="A run folder or a model file.")
]


@app.command()
def train(
    recipe: Annotated[
        str | None,
        typer.Argument(metavar="RECIPE", help="A shipped recipe's name or a .yaml path."),
    ] = None,
    overrides: SetOption = None,
    seed: Annotated[int | None, typer.Option(help="Replaces the recipe's seed.")] = None,
    name: Annotated[str | None, typer.Option(help="Of the run folder.")] = None,
    runs_dir: Annotated[Path, typer.Option(help="Where run folders lie.")] = Path("runs"),
    data: DataOption = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Go on with an interrupted run.")
    ] = None,
    time_budget: Annotated[
        str | None, typer.Option(metavar="5m", help="Epochs that fit, evaluation included.")
    ] = None,
    flops_budget: Annotated[
        str | None, typer.Option(metavar="0.3P", help="Epochs that so many operations buy.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Train a recipe (default: quick), then read its test accuracy."""
    given = {"RECIPE": recipe, "--set": overrides, "--seed": seed, "--name": name}
    given |= {"--time-budget": time_budget, "--flops-budget": flops_budget}
    clash = [option for option, value in given.items() if value is not None]
    if resume and clash:
        raise typer.BadParameter(
            f"--resume goes on with the run's own recipe; leave out {clash[0]}"
        )

    from thriftnet import api, console
    from thriftnet.training.progress import choose_progress

    run = api.train(
        recipe or "quick",
        overrides=overrides or (),
        seed=seed,
        name=name,
        runs_dir=runs_dir,
        data=data,
        resume=resume,
        progress=choose_progress(quiet=quiet, as_json=as_json),
        time_budget=time_budget,
        flops_budget=flops_budget,
    )
    if not run.finished:
        print(f"interrupted; go on with: thriftnet train --resume {run.path}", file=sys.stderr)
        raise typer.Exit(130)
    evaluation = api.evaluate(run.path, data=data)
    if as_json:
        print(json.dumps({"kind": "summary", "run": str(run.path), **evaluation.to_json()}))
    elif not quiet:
        console.print_training_summary(run.path, evaluation)


@app.command()
def evaluate(
    target: TargetArgument,
    data: DataOption = None,
    tta: TtaOption = None,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Read a finished run or a model file on CIFAR-10's test images."""
    from thriftnet import api, console

    evaluation = api.evaluate(target, data=data, tta=tta, device=device, precision=precision)
    if as_json:
        _print_json(evaluation.to_json())
    else:
        console.print_evaluation(target, evaluation)


@app.command()
def predict(
    target: TargetArgument,
    inputs: Annotated[
        list[Path],
        typer.Argument(metavar="IMAGE_OR_FOLDER...", help="Image files, folders, or one pickle."),
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="CSV", help="Write a CSV file.")
    ] = None,
    tta: TtaOption = None,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Name pictures of any size; a pickle with `data` and `ids` gives a CSV of ID,Labels."""
    from thriftnet import api, console
    from thriftnet.deploy.inputs import predict_pickle, predict_pictures

    classifier = api.load_model(target, tta=tta, device=device, precision=precision)
    if len(inputs) == 1 and inputs[0].suffix in {".pkl", ".pickle"}:
        console.write_rows(("ID", "Labels"), predict_pickle(classifier, inputs[0]), output)
        return
    results = predict_pictures(classifier, inputs)
    if as_json:
        _print_json([result.to_json() for result in results])
    elif output:
        rows = [
            (r.path, r.prediction.label, r.prediction.probability) for r in results if r.prediction
        ]
        console.write_rows(("file", "label", "probability"), rows, output)
    else:
        console.print_predictions(results)
    failures = [result.error for result in results if result.error]
    for failure in failures:
        print(f"thriftnet: {failure}", file=sys.stderr)
    if failures:
        raise typer.Exit(2)


@app.command()
def describe(
    recipe: RecipeArgument, overrides: SetOption = None, as_json: JsonOption = False
) -> None:
    """Print a recipe's network: layers, shapes, parameters, multiply-accumulates."""
    from thriftnet import console
    from thriftnet.models.summary import summarise
    from thriftnet.recipe import load_recipe

    loaded = load_recipe(recipe, overrides or ())
    summary = summarise(loaded.name, budget=loaded.max_parameters, **loaded.model.model_dump())
    if as_json:
        _print_json(summary.to_json())
    else:
        console.print_description(summary)


@app.command()
def bench(
    recipe: Annotated[str, typer.Option("--recipe", help="Measured in detail.")] = "quick",
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure this machine, what limits a recipe, and how long every recipe would train."""
    from thriftnet import console
    from thriftnet.bench.machine import run_bench
    from thriftnet.recipe import load_recipe, shipped_recipes

    found = run_bench(
        load_recipe(recipe, overrides or ()),
        [load_recipe(name) for name in shipped_recipes()],
        say=lambda text: print(text, file=sys.stderr),
    )
    if as_json:
        _print_json(found.to_json())
    else:
        console.print_bench(found)


@app.command()
def recipes(as_json: JsonOption = False) -> None:
    """List the shipped recipes."""
    from thriftnet.recipe import load_recipe, shipped_recipes

    about = {name: load_recipe(name).description for name in shipped_recipes()}
    if as_json:
        _print_json(about)
        return
    width = max(map(len, about))
    for name, description in about.items():
        print(f"{name:{width}}  {description}")


def main() -> None:
    """Run the command line; an expected error is one line and its exit code."""
    debug = "--debug" in sys.argv[1:]
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    try:
        app(arguments, prog_name="thriftnet")
    except ThriftnetError as error:
        _fail(f"{type(error).__name__}: {error}", error.exit_code, debug=debug)
    except KeyboardInterrupt:
        _fail("interrupted", 130, debug=debug)
    except Exception as error:  # a failure of ours: one line all the same
        reason = str(error).splitlines()[0] if str(error) else ""
        _fail(
            f"unexpected {type(error).__name__}: {reason} (report it with the output of --debug)",
            1,
            debug=debug,
        )


def _fail(message: str, code: int, *, debug: bool) -> None:
    if debug:
        traceback.print_exc()
    print(f"thriftnet: {message}", file=sys.stderr)
    sys.exit(code)


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2))
