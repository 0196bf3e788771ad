"""What does each ingredient give? One recipe with one thing changed at a time, on validation data.

    python benchmarks/ablate.py quick --seeds 0 1 2
    python benchmarks/ablate.py quick --epochs 2 --variants base "no residual connections" ReLU
    python benchmarks/ablate.py strong --jobs 8

Evaluates on training images that a run did not train on; the test images are never touched.
Variants stand in ablation_studies.py; `base` is always among them. How long all of it will take
is said first. What the results file has already is not trained again and a run that was cut is
resumed, so a study can be spread over many sittings. Several at once gain where one leaves most
of an accelerator idle, and nothing on a CPU. Writes results/ablation_NAME.json after every run,
and with `--epochs` a file of its own.
"""

from __future__ import annotations

import argparse
import multiprocessing
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np

from documents.quoting import duration, result
from support.ablation_studies import STUDIES, Study
from support.record import write_result
from thriftnet.bench.speed import training_speed
from thriftnet.data import Dataset, load_cifar10
from thriftnet.evaluation.evaluate import evaluate_on
from thriftnet.models.saved import read_model
from thriftnet.recipe import Recipe
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.metrics_log import last_line
from thriftnet.runs.paths import model_file
from thriftnet.runtime.device import choose_compute
from thriftnet.training.images import split_positions
from thriftnet.training.progress import choose_progress
from thriftnet.training.resume import resume_run
from thriftnet.training.start import start_run

_SPEED_SECONDS = 10.0
"""Of training on noise, to tell how long the study will take."""


def measure(recipe: Recipe, path: Path, *, quiet: bool = False) -> dict[str, Any]:
    """Train one variant with one seed, unless it is there; evaluate it on images it did not see."""
    progress = choose_progress(quiet=quiet)
    if not path.exists():
        run = start_run(recipe, name=path.name, runs_dir=path.parent, progress=progress)
    elif RunFolder.open(path).recipe() != recipe:
        raise SystemExit(f"{path} was trained by another recipe; move it away and run again")
    else:
        run = resume_run(path, progress=progress)
    if not run.finished:
        raise SystemExit(f"interrupted; run the same command again to continue with {path}")
    model = read_model(model_file(path))
    compute = choose_compute()
    rest = unseen(recipe)
    found = evaluate_on(model, rest, compute=compute, tta=model.tta)
    folder = RunFolder.open(path)
    end = last_line(folder.metrics(), "end")
    return {
        "seed": recipe.seed,
        "digest": recipe.digest(),
        "commit": folder.environment()["commit"],
        "images": len(rest.labels),
        "accuracy": found.accuracy,
        "accuracy_without_tta": found.results[1].accuracy,
        "pflop": end["pflop"],
        "seconds": end["seconds"],
    }


def measured(
    trainings: Mapping[Path, Recipe], *, jobs: int
) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The figures of each run as it is done; a run folder each."""
    if jobs == 1:
        for path, recipe in trainings.items():
            yield path, measure(recipe, path)
        return
    fresh = multiprocessing.get_context("spawn")  # CUDA does not survive a fork
    with ProcessPoolExecutor(jobs, mp_context=fresh) as pool:
        running = {
            pool.submit(measure, recipe, path, quiet=True): path
            for path, recipe in trainings.items()
        }
        for done in as_completed(running):
            print(f"done: {running[done].name}", flush=True)
            yield running[done], done.result()


def unseen(recipe: Recipe) -> Dataset:
    """The training images that a run does not train on; nothing is chosen by them."""
    train_set, _ = load_cifar10()
    seen, _ = split_positions(recipe, train_set)
    return train_set.subset(np.setdiff1d(np.arange(len(train_set.labels)), seen))


def known_runs(study: Study, figures: Mapping[str, Any] | None) -> dict[str, dict[int, Any]]:
    """By variant and seed the runs of a results file that are of the study as it is now."""
    known: dict[str, dict[int, Any]] = {}
    for name, entry in (figures or {"variants": {}})["variants"].items():
        for run in entry["runs"] if name in study.variants else ():
            if run["digest"] == study.load(name, run["seed"]).digest():
                known.setdefault(name, {})[run["seed"]] = run
    return known


def summarise(study: Study, runs: Mapping[str, Mapping[int, Any]]) -> dict[str, Any]:
    """What the results file says, variants in the study's order."""
    variants = {
        name: {
            "overrides": list(overrides),
            "runs": [runs[name][seed] for seed in sorted(runs[name])],
        }
        for name, overrides in study.variants.items()
        if runs.get(name)
    }
    return {
        "recipe": study.recipe,
        "horizon": list(study.horizon),
        "split": "validation",
        "seeds": sorted({seed for found in runs.values() for seed in found}),
        "variants": variants,
    }


def main() -> None:
    """Run a study and write its result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", choices=STUDIES)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--variants", nargs="+", metavar="NAME", help="these alone, and base")
    parser.add_argument("--epochs", type=float, help="of base; of the others in proportion")
    parser.add_argument("--jobs", type=int, default=1, help="trainings at once")
    parser.add_argument("--runs-dir", type=Path, default=Path("runs"))
    arguments = parser.parse_args()
    if arguments.jobs < 1:
        parser.error("--jobs takes 1 or more")
    if arguments.epochs is not None and arguments.epochs <= 0:
        parser.error("--epochs takes more than 0")
    study, name = STUDIES[arguments.study], arguments.study
    if arguments.epochs:
        study, name = study.at(arguments.epochs), f"{name}_{arguments.epochs:g}_epochs"
    chosen: Sequence[str] = arguments.variants or list(study.variants)
    unknown = [variant for variant in chosen if variant not in study.variants]
    if unknown:
        parser.error(f"no variant {unknown[0]!r}; there are: {', '.join(study.variants)}")
    runs = known_runs(study, result(f"ablation_{name}"))
    wanted = [(s, v) for s in arguments.seeds for v in dict.fromkeys(["base", *chosen])]
    lacking = [(seed, variant) for seed, variant in wanted if seed not in runs.get(variant, {})]
    print(f"{len(wanted)} runs, {len(wanted) - len(lacking)} of them measured already")
    if lacking:  # each takes about as many operations as base
        each = training_speed(study.load("base", 0), seconds=_SPEED_SECONDS).expected_seconds
        print(
            f"the other {len(lacking)} take about {duration(len(lacking) * each)} on this machine, "
            f"{duration(each)} each; less where runs lie in {arguments.runs_dir} already",
            flush=True,
        )
    places: dict[Path, tuple[str, int]] = {}
    for seed, variant in lacking:
        slug = variant.replace(" ", "-").replace(",", "")
        places[arguments.runs_dir / f"ablation-{name}-{slug}-seed{seed}"] = variant, seed
    trainings = {path: study.load(*place) for path, place in places.items()}
    for path, figures in measured(trainings, jobs=arguments.jobs):
        variant, seed = places[path]
        runs.setdefault(variant, {})[seed] = figures
        write_result(f"ablation_{name}", summarise(study, runs))


if __name__ == "__main__":
    main()
