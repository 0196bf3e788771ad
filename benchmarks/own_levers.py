"""What does each choice of the rules for own pictures give? Held-out training pictures say.

    python benchmarks/own_levers.py fashion-mnist --folder pk --folds 0   # a tenth is held out
    python benchmarks/own_levers.py solar-cells --folder pk --folds 0     # a fifth, of four fifths
    python benchmarks/own_levers.py stamps --folder pk
    python benchmarks/own_levers.py stamps --folder pk --only "48 pixels, narrow" "from quick"

Every lever of support/lever_arms.py trains with the same counted operations, and differs in one
thing from the one that it stands against. No test picture is looked at: the folds are of Fashion-
MNIST's training pictures, and of those of the first fold of `without_recipe.py`. What is measured
lies in --runs-dir, so that a study can be cut and go on. Writes
results/own_levers_fashion_mnist.json, own_levers_solar_cells.json or own_levers_stamps.json.
"""

from __future__ import annotations

import argparse
import functools
import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from support.inner_folds import Trained, fold_numbers, kept, train_on_others
from support.lever_arms import LEVERS
from support.record import write_result
from thriftnet.data import Dataset
from thriftnet.models.metadata import read_facts
from thriftnet.recipe.sections import DataSection
from thriftnet.training.automatic.choose import cost_counter
from thriftnet.training.automatic.trials import Outcome, paired_gain
from thriftnet.training.data import open_data
from thriftnet.weights.initial import model_section
from thriftnet.weights.shipped import shipped_weights, weights_file
from without_recipe import TASKS

_ADJUSTMENTS = (0.5, 1.0)
"""Times the logarithm of its share that a class's logit is lowered by (arXiv 2007.07314)."""


@dataclass(frozen=True)
class Study:
    """How a task of `without_recipe.py` is studied."""

    folds: int
    """Of the training pictures."""
    pflop: float
    """Counted, of a training over one fold's others."""
    balanced: bool = False
    """Whether classes count alike."""


STUDIES = {
    "fashion-mnist": Study(folds=10, pflop=0.04),
    "solar-cells": Study(folds=5, pflop=0.03),
    "stamps": Study(folds=5, pflop=0.008, balanced=True),
}


Found = dict[str, dict[int, Trained]]
"""By lever and fold."""


class Bench:
    """One task's pictures, and the trainings on them that are kept in a folder."""

    def __init__(self, task: str, folder: Path, runs_dir: Path) -> None:
        self.task, self.study, self.levers = task, STUDIES[task], LEVERS[task]
        self._folder, self._runs_dir = folder, runs_dir
        self._shipped = {
            name: model_section(read_facts(weights_file(name))).model_dump(mode="json")
            for name in shipped_weights()
        }
        self.pictures = functools.cache(self._pictures)

    def _pictures(self, side: int) -> Dataset:
        """Training pictures of the first run of `without_recipe.py`, at a side in pixels."""
        task = TASKS[self.task]
        table = task.tables(task.fetch(self._folder))[0]
        return open_data(DataSection(image_size=side), table, say=lambda _: None).split("train")

    def larger(self) -> NDArray[np.int64]:
        """The classes that count."""
        data = self.pictures(next(iter(self.levers.values())).side)
        sizes = np.bincount(data.labels, minlength=len(data.classes))
        return np.argsort(-sizes, kind="stable")[: TASKS[self.task].larger or len(sizes)]

    def run(self, name: str, fold: int, *, anew: bool) -> Trained | None:
        """A lever on one fold: as it was kept, or trained if `anew`."""
        lever = self.levers[name]
        path = self._runs_dir / self.task / f"{name.replace(' ', '-')}-{fold}.npz"
        if not (anew or path.is_file()):
            return None
        data = self.pictures(lever.side)
        folds = fold_numbers(data, count=self.study.folds)
        recipe = lever.recipe(
            grey=bool((data.images[:500] == data.images[:500, :, :, :1]).all()),
            images=int((folds != fold).sum()),
            cost_of=cost_counter(len(data.classes)),
            shipped=self._shipped,
            seed=fold,
        )
        operations = self.study.pflop * 1e15 * lever.share
        train = partial(train_on_others, recipe, data, folds, fold, operations=operations)
        return kept(path, f"{recipe.digest()} {operations:g}", train if anew else None)


def outcome(found: list[Trained], kind: str, larger: NDArray[np.int64], power: float) -> Outcome:
    """The pooled predictions, of the larger classes' images; with logits adjusted by shares."""
    answers: list[NDArray[np.int64]] = []
    for each in found:
        shares = np.maximum(each.counts, 0.5) / each.counts.sum()
        answers.append((each.logits[kind] - power * np.log(shares)).argmax(1))
    labels = np.concatenate([each.labels for each in found])
    counted = np.isin(labels, larger)
    return Outcome((np.concatenate(answers) == labels)[counted], labels[counted])


def summarise(bench: Bench, found: Found) -> dict[str, Any]:
    """Figures of every lever that was measured, and its gain over what it stands against."""
    larger, balanced = bench.larger(), bench.study.balanced

    def pooled(name: str, folds: Iterable[int], kind: str | None = None, by: float = 0) -> Outcome:
        views = kind or bench.levers[name].changes.get("evaluate.tta", "shift")
        return outcome([found[name][fold] for fold in folds], views, larger, by)

    rows: dict[str, Any] = {}
    for name, runs in found.items():
        lever, whole = bench.levers[name], pooled(name, runs)
        rows[name] = {
            **asdict(lever),
            "folds": list(runs),
            "images": len(whole.labels),
            "pflop": statistics.mean(each.pflop for each in runs.values()),
            "seconds": statistics.mean(each.seconds for each in runs.values()),
            "accuracy": whole.score(balanced=False),
            "balanced_accuracy": whole.score(balanced=True),
            "by_views": {
                kind: pooled(name, runs, kind).score(balanced=balanced)
                for kind in next(iter(runs.values())).logits
            },
            "by_adjustment": {
                f"{by:g}": pooled(name, runs, by=by).score(balanced=balanced) for by in _ADJUSTMENTS
            },
        }
        if common := [fold for fold in runs if fold in found.get(lever.against or "", {})]:
            pair = pooled(str(lever.against), common), pooled(name, common)
            gain = paired_gain(*pair, balanced=balanced)
            rows[name] |= {"gain": gain.value, "error": gain.error, "shown": gain.significant}
    return rows


def main() -> None:
    """Measure what is missing, fold by fold, and write after each training."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", choices=sorted(STUDIES))
    parser.add_argument("--folder", type=Path, default=Path("runs/packages"))
    parser.add_argument("--runs-dir", type=Path, default=Path("runs/own-levers"))
    parser.add_argument("--folds", type=int, nargs="+", help="their numbers; none: all")
    parser.add_argument("--only", nargs="+", metavar="LEVER")
    given = parser.parse_args()
    bench = Bench(given.task, given.folder, given.runs_dir)
    if unknown := set(given.only or ()) - bench.levers.keys():
        parser.error(f"no lever {min(unknown)!r}; there are: {', '.join(bench.levers)}")
    for fold in given.folds or range(bench.study.folds):
        for name in given.only or bench.levers:
            bench.run(name, fold, anew=True)
            rows = summarise(bench, known(bench))
            print(f"fold {fold}  {name}: {rows[name]['by_views']}", flush=True)
            file = f"own_levers_{bench.task.replace('-', '_')}"
            write_result(file, {**asdict(bench.study), "levers": rows})


def known(bench: Bench) -> Found:
    """All that is kept of the levers as they are now."""
    found: Found = {}
    for name in bench.levers:
        runs = {fold: bench.run(name, fold, anew=False) for fold in range(bench.study.folds)}
        if any(runs.values()):
            found[name] = {fold: run for fold, run in runs.items() if run}
    return found


if __name__ == "__main__":
    main()
