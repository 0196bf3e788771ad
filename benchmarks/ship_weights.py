"""Turn a finished run into weights of the package, with their card.

    python benchmarks/ship_weights.py runs/quick-seed0

Writes src/thriftnet/weights/NAME.safetensors in half precision, reads that very file on the test
images in fp32 and in the precisions of the training and of this machine, and puts those figures
into it and into NAME.md beside it. Refuses what docs/decisions/0006-shipped-weights.md lists.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from documents.model_cards import LARGEST_FILE, MOST_PARAMETERS, page
from thriftnet.errors import RunError, ThriftnetError
from thriftnet.evaluation.evaluate import evaluate
from thriftnet.evaluation.results import Evaluation, Metrics
from thriftnet.files import write_whole
from thriftnet.models.saved import SavedModel, read_model, save_model
from thriftnet.recipe import Recipe, load_recipe, shipped_recipes
from thriftnet.runs.environments import environments
from thriftnet.runs.evaluations import latest_tests
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.metrics_log import last_line
from thriftnet.runs.paths import model_file
from thriftnet.runtime.device import accelerator_name, choose_compute, has_amx, processor_name
from thriftnet.training.environment import commit, package_version
from thriftnet.weights.card import Card, Figures, Initial, Machine, Move, card_page, read_card
from thriftnet.weights.digests import write_digests
from thriftnet.weights.shipped import FOLDER, shipped_weights, weights_file


def precisions(run: RunFolder) -> tuple[str, ...]:
    """That of the training, that of this machine, and fp32; bf16 where it is slow takes an hour."""
    trained = str(run.environment()["precision"])
    return tuple(dict.fromkeys((trained, choose_compute().precision, "fp32")))


def ship(
    path: Path,
    *,
    name: str | None = None,
    folder: Path = FOLDER,
    now: str | None,
    data: Path | None = None,
) -> Card:
    """Write the weights of a run and their page; nothing is written if anything is refused.

    Args:
        path: A run folder.
        name: Of the recipe that the weights come with; none: of the run's recipe.
        folder: Gets the two files.
        now: The commit of the code that evaluates; `+changes` and none are refused.
        data: Where CIFAR-10 lies; none: the cache.

    Raises:
        RunError: The run is not one to ship.
        RecipeError: There is no such shipped recipe.
        DataError: The test images cannot be had.
    """
    run = RunFolder.open(path)
    model = read_model(model_file(path))
    name = name or run.recipe().name
    _check_run(run, model, name, now)
    with tempfile.TemporaryDirectory() as scratch:
        draft = weights_file(name, Path(scratch))
        save_model(draft, model, half=True)
        halved = read_model(draft)
        try:
            each = precisions(run)
            evaluations = {p: evaluate(halved, data=data, precision=p) for p in each}
            card = make_card(run, halved, evaluations, name=name, now=str(now))
        except KeyError as lost:
            raise RunError(f"{path} has lost its record of {lost}; retrain it") from None
        save_model(draft, replace(halved, about=card.in_about(halved.about)), half=True)
        content = draft.read_bytes()
        if len(content) > LARGEST_FILE:
            raise RunError(
                f"the weights of {path} take {len(content):,} bytes in half precision, over "
                f"{LARGEST_FILE:,}; lower model.channels or model.blocks and retrain"
            )
        text = page(draft)
    write_whole(weights_file(name, folder), content, error=RunError)
    write_whole(card_page(name, folder), text.encode(), error=RunError)
    write_digests(folder)
    return card


def _check_run(run: RunFolder, model: SavedModel, name: str, now: str | None) -> None:
    if name not in shipped_recipes():
        raise RunError(
            f"weights come with a shipped recipe, and none is named {name}; give the one that "
            f"trained {run.path} by --name: {', '.join(shipped_recipes())}"
        )
    recipe, shipped = run.recipe(), load_recipe(name)
    trained_at = run.environment().get("commit")
    if recipe.digest() != shipped.digest():
        raise RunError(
            f"{run.path} was trained by another recipe ({recipe.digest()}) than the shipped {name} "
            f"({shipped.digest()}); train {name} as it is"
        )
    if recipe.seed != shipped.seed:
        raise RunError(
            f"{run.path} has seed {recipe.seed}; weights are shipped of the recipe's own seed "
            f"{shipped.seed}, so that no test figure chooses them"
        )
    if model.parameters > MOST_PARAMETERS:
        raise RunError(
            f"{run.path} has {model.parameters:,} parameters, over {MOST_PARAMETERS:,}; "
            "lower model.channels or model.blocks and retrain"
        )
    if not _clean(trained_at):
        raise RunError(
            f"{run.path} was trained from code of no commit ({trained_at or 'not known'}); "
            "commit it and retrain"
        )
    if not _clean(now):
        raise RunError(f"the code here is of no commit ({now or 'not known'}); commit it first")


def _clean(commit: object) -> bool:
    """Whether it names a commit, and nothing was changed since."""
    return isinstance(commit, str) and re.fullmatch(r"[0-9a-f]{40}", commit) is not None


def make_card(
    run: RunFolder,
    model: SavedModel,
    evaluations: Mapping[str, Evaluation],
    *,
    name: str,
    now: str,
) -> Card:
    """Everything that is known of a run and its halved weights.

    Args:
        run: It is finished.
        model: Halved.
        evaluations: Of the halved weights, by precision.
        name: Of the weights.
        now: The commit of the code that evaluated.

    Raises:
        KeyError: A line of its metrics or a fact of its environment is lost.
    """
    lines, environment = run.metrics(), run.environment()
    start, end = last_line(lines, "start"), last_line(lines, "end")
    tests = latest_tests(lines, precision=environment["precision"])
    recipe, precision = run.recipe(), str(environment["precision"])
    chosen = evaluations[precision].chosen
    compute = choose_compute()
    return Card(
        name=name,
        description=load_recipe(name).description,
        digest=recipe.digest(),
        seed=recipe.seed,
        thriftnet=package_version(),
        commit=environment["commit"],
        read_commit=now,
        read_date=datetime.now(UTC).strftime("%Y-%m-%d"),
        machine=machine_of(environment),
        moves=tuple(moves_of(run)),
        read_machine=Machine(
            processor=processor_name(),
            threads=torch.get_num_threads(),
            device=str(compute.device),
            torch=torch.__version__,
            accelerator=accelerator_name(compute.device),
            amx=has_amx(),
        ),
        precision=precision,
        train_images=start["train_images"],
        test_images=chosen.images,
        images_seen=end["images"],
        image_size=model.image_size,
        parameters=model.parameters,
        macs=evaluations[precision].macs,
        pflop=end["pflop"],
        initial=initial_of(recipe),
        training_seconds=end["seconds"],
        tta=model.tta,
        figures=tuple(
            _figures(metrics, precision)
            for precision, found in evaluations.items()
            for metrics in found.results
        ),
        per_class={k: v for k, v in chosen.per_class.items() if v is not None},
        whole_accuracy={tta: test["accuracy"] for tta, test in tests.items()},
    )


def initial_of(recipe: Recipe) -> Initial | None:
    """The shipped weights that a run started from; others are refused.

    Raises:
        RunError: They are not shipped, so nobody could repeat the training.
    """
    name, sha256 = recipe.init.weights, recipe.init.sha256
    if name is None:
        return None
    card = read_card(weights_file(name)) if name in shipped_weights() else None
    if card is None or sha256 is None:
        raise RunError(f"the run started from {name}, which is not shipped; ship that first")
    return Initial(name=name, sha256=sha256, pflop=card.pflop, keep=recipe.init.keep)


def machine_of(environment: Mapping[str, Any]) -> Machine:
    """What a run's environment says of its machine; before November 2026 of no accelerator."""
    later = ("accelerator", "amx")
    facts = {key: environment[key] for key in Machine.model_fields if key not in later}
    return Machine.model_validate({**facts, **{key: environment.get(key) for key in later}})


def moves_of(run: RunFolder) -> Iterator[Move]:
    """Where a run's training went on, in order."""
    for there in environments(run)[1:]:
        yield Move(step=there["step"], commit=there["commit"], machine=machine_of(there))


def _figures(metrics: Metrics, precision: str) -> Figures:
    return Figures(tta=metrics.tta, precision=precision, **metrics.summary())


def _print(card: Card) -> None:
    for figures in card.figures:
        whole = (
            card.whole_accuracy.get(figures.tta) if figures.precision == card.precision else None
        )
        before = "" if whole is None else f", {whole:.2%} before conversion to half precision"
        print(f"{figures.tta:<10} {figures.precision}  {figures.accuracy:.2%}{before}")
    print(f"wrote src/thriftnet/weights/{card.name}.safetensors and {card.name}.md")


def main() -> None:
    """Ship one run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--name", help="the shipped recipe it was trained by; default: the run's")
    parser.add_argument("--data", type=Path, help="CIFAR-10 on disk; default: the cache")
    arguments = parser.parse_args()
    try:
        _print(ship(arguments.run, name=arguments.name, now=commit(), data=arguments.data))
    except ThriftnetError as fault:
        print(f"ship_weights: {fault}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
