"""Blocks of docs/accuracy.md: what was aimed at, and the paper's own training beside its log."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from accuracy import overrides, recipe_of
from documents.accuracy_table import of_runs, over_seeds, shipped_runs, times
from documents.performance_blocks import lever_lines, points, quoted, table
from documents.quoting import duration
from reproductions.dreamfire2025.authors_log import read_authors_log
from reproductions.dreamfire2025.claims import read_claims
from reproductions.dreamfire2025.judge import show
from thriftnet.comparison.labels import count_seeds
from thriftnet.comparison.sentences import show_p
from thriftnet.comparison.statistics import compare_seeds
from thriftnet.recipe import load_recipe, shipped_recipes

_EVERY = 5
"""Epochs from row to row of the authors' log."""


@dataclass(frozen=True)
class Target:
    """What a recipe is to reach under five million parameters."""

    accuracy: float
    """Mean over seeds, read as the recipe says."""
    pflop: float
    seeds: int


TARGETS = {"strong": Target(0.96, 3.5, 2), "best": Target(0.966, 12.0, 1)}


def target_lines(figures: dict[str, Any]) -> list[str]:
    """Each target beside the runs of its recipe."""
    rows = table(
        "recipe", "aimed at", "seeds", "reached", "without TTA", "training", "time", "verdict"
    )
    for name, target in TARGETS.items():
        aim = f"{target.accuracy:.1%} in {target.pflop:g} PFLOP, {count_seeds(target.seeds)}"
        runs = shipped_runs(figures, load_recipe(name)) if name in shipped_recipes() else []
        if not runs:
            rows.append(f"| `{name}` | {aim} | 0 | not measured yet | – | – | – | – |")
            continue
        pflop = statistics.mean(run["pflop"] for run in runs)
        mean = statistics.mean(run["accuracy"] for run in runs)
        enough = mean >= target.accuracy and pflop <= target.pflop and len(runs) >= target.seeds
        rows.append(
            f"| `{name}` | {aim} | {len(runs)} | {over_seeds(runs, 'accuracy')} | "
            f"{over_seeds(runs, 'accuracy_without_tta')} | {pflop:.3g} PFLOP | "
            f"{times(runs)} | "
            f"{'reached' if enough else '**not reached**'} |"
        )
    return rows


def version_lines(figures: dict[str, Any], name: str = "strong") -> list[str]:
    """A recipe at full length: as it is, as it was, and as it was tried."""
    versions: dict[str, list[dict[str, Any]]] = {}
    for run in figures["runs"]:
        if run["recipe"] == name:
            versions.setdefault(run["digest"], []).append(run)
    rows = table("other than it is", "seeds", "test accuracy", "without TTA", "PFLOP")
    for runs in versions.values():
        told = [f"`{change}`" for change in overrides(recipe_of(runs[0])) or ()]
        rows.append(
            f"| {', '.join(told) or 'as it is'} | {len(runs)} | {over_seeds(runs, 'accuracy')} | "
            f"{over_seeds(runs, 'accuracy_without_tta')} | "
            f"{statistics.mean(run['pflop'] for run in runs):.3g} |"
        )
    return rows


def authors_lines(figures: dict[str, Any]) -> list[str]:
    """The authors' log beside our run of `authors`, every few epochs, and how both ended."""
    runs = shipped_runs(figures, load_recipe("authors"))
    if not runs:
        return ["Not measured yet (`python benchmarks/train_recipe.py authors --seeds 0`)."]
    run, log = runs[0], read_authors_log()
    curve = run["curve"]
    rows = table(
        "epoch", "train loss, theirs", "ours", "train accuracy, theirs", "ours",
        "test accuracy, theirs", "ours",
    )  # fmt: skip
    for epoch in [1, *range(_EVERY, log.epochs + 1, _EVERY)]:
        at = epoch - 1
        ours = f"**{run['accuracy']:.2%}**" if epoch == log.epochs else "not read"
        rows.append(
            f"| {epoch} | {log.train_loss[at]:.4f} | {curve['train_loss'][at]:.4f} | "
            f"{log.train_accuracy[at]:.2%} | {curve['train_accuracy'][at]:.2%} | "
            f"{log.test_accuracy[at]:.2%} | {ours} |"
        )
    loss = run["readings"][run["tta"]]["loss"]
    return [
        *rows,
        "",
        f"Theirs ends at {log.test_accuracy[-1]:.2%} and test loss {log.test_loss[-1]:.4f}, ours "
        f"at {run['accuracy']:.2%} and {loss:.4f} (seed {run['seed']}, {run['pflop']:.3g} PFLOP, "
        f"{duration(run['training_seconds'])}). Of all {log.epochs} epochs the training losses are "
        f"at most {_apart(log.train_loss, curve['train_loss']):.3f} apart, the training accuracies "
        f"{100 * _apart(log.train_accuracy, curve['train_accuracy']):.2f} points.",
    ]


def _apart(theirs: Sequence[float], ours: Sequence[float]) -> float:
    """The largest difference in an epoch."""
    return max(abs(a - b) for a, b in zip(theirs, ours, strict=True))


def fixed_lines(figures: dict[str, Any]) -> list[str]:
    """What the paper's network reached: as published, as its authors trained it, and mended."""
    rows = table("training", "epochs", "PFLOP", "seeds", "test accuracy", "without TTA")
    for peer in figures["published"]:
        if peer["name"].startswith("the paper"):
            cost = "–" if peer["pflop"] is None else f"{peer['pflop']:.3g}"
            rows.append(
                f"| {peer['name']}: {peer['where']} | {read_authors_log().epochs} | {cost} | 1 | "
                f"{peer['accuracy']:.2%} | – |"
            )
    for name in ("authors", "paper-fixed"):
        recipe = load_recipe(name)
        runs = shipped_runs(figures, recipe)
        told = "– | 0 | not measured yet | –"
        if runs:
            told = (
                f"{statistics.mean(run['pflop'] for run in runs):.3g} | {len(runs)} | "
                f"{over_seeds(runs, 'accuracy')} | {over_seeds(runs, 'accuracy_without_tta')}"
            )
        rows.append(f"| `{name}` | {recipe.train.epochs:g} | {told} |")
    return rows


def optimiser_lines(figures: dict[str, Any]) -> list[str]:
    """Each pair of runs, and the paired test."""
    by_seed: dict[str, dict[int, float]] = {"paper": {}, "paper-sgd": {}}
    for run in figures["runs"]:
        by_seed[run["recipe"]][run["seed"]] = run["accuracy"]
    adamw, sgd = by_seed["paper"], by_seed["paper-sgd"]
    gained = {seed: adamw[seed] - sgd[seed] for seed in sorted(adamw.keys() & sgd.keys())}
    rows = table("seed", "AdamW (`paper`)", "SGD (`paper-sgd`)", "difference")
    rows += [
        f"| {seed} | {adamw[seed]:.2%} | {sgd[seed]:.2%} | {points([difference])} |"
        for seed, difference in gained.items()
    ]
    test = compare_seeds(sgd, adamw)
    p = "no test" if test.p is None else f"{test.name}, {show_p(test.p)}"
    (claim,) = (claim for claim in read_claims().every() if claim.rule == "ahead")
    assert claim.claimed is not None
    return [
        *rows,
        "",
        f"AdamW is ahead by {points(list(gained.values()))} (95% interval; {p}) after "
        f"{figures['epochs']:g} epochs. The paper's figures are "
        f"{show(claim, claim.claimed)} apart at {read_authors_log().epochs}.",
    ]


def resnet18_lines(figures: dict[str, Any]) -> list[str]:
    """Seconds of an epoch of both networks."""
    rows = table("network", "parameters", "MACs an image", "an epoch")
    rows += [
        f"| {name} | {figures['parameters'][name]:,} | {macs / 1e6:.0f}M | "
        f"{duration(figures['epoch_seconds'][name])} |"
        for name, macs in figures["macs"].items()
    ]
    change, claimed = figures["reduction"], figures["claimed_reduction"]
    word = "less" if change > 0 else "more"
    return [
        *rows,
        "",
        f"The paper's network takes {abs(change):.0%} {word} time an epoch, where the paper claims "
        f"{claimed:.0%} less.",
    ]


ACCURACY_BLOCKS: dict[str, Callable[[], str]] = {
    "targets": lambda: of_runs(target_lines),
    "strong-versions": lambda: of_runs(version_lines),
    "strong-levers": lambda: quoted(
        "ablation_strong", "ablate.py strong --seeds 0 1 2", lever_lines
    ),
    "best-levers": lambda: quoted("ablation_best", "ablate.py best --seeds 0", lever_lines),
    "paper-fixed": lambda: of_runs(fixed_lines),
    "authors-log": lambda: of_runs(authors_lines),
    "optimisers": lambda: quoted(
        "paper_sgd_against_adamw", "paper_sgd_against_adamw.py", optimiser_lines
    ),
    "resnet18": lambda: quoted(
        "paper_against_resnet18", "paper_against_resnet18.py", resnet18_lines
    ),
}
