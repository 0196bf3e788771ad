"""Blocks of docs/trust.md on corrupted images, each from its file of results/."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from documents.quoting import Block, Figures
from thriftnet.evaluation.corruptions.table import OWN, PUBLISHED
from thriftnet.evaluation.resemblance import RESEMBLED, resembled_corruptions
from thriftnet.recipe import load_recipe, shipped_recipes
from thriftnet.recipe.augment_section import AugmentSection
from thriftnet.table import Format, Table, make_table


def robust_means(figures: Figures) -> dict[str, Any]:
    """One line per network: the means, JPEG copies and flips."""
    rows = [
        (
            f"`{name}`",
            found["clean"],
            found["mean"],
            interval(found["interval"]),
            found["mean_without_own"],
            mean_of_others(found, _resembled(name)),
            found["jpeg_75"],
            found["clean"] - found["jpeg_75"],
            found["flip_rate"],
        )
        for name, found in figures["networks"].items()
    ]
    columns = (
        "network", ("clean", ".2%"), ("mean of 75 sets", ".2%"), "95% interval",
        ("of published kinds", ".2%"), ("unlike training", ".2%"), ("JPEG copies", ".2%"),
        ("lost by JPEG", ".2%"), ("changed by a shift", ".2%"),
    )  # fmt: skip
    return {"table": make_table(columns, rows).markdown(), "own": " and ".join(OWN)}


def mean_of_others(found: Figures, resembled: Sequence[str]) -> float:
    """Mean corruption accuracy over the kinds that training did not resemble."""
    rows = [row for kind, row in found["corruptions"].items() if kind not in resembled]
    return statistics.mean(value for row in rows for value in row)


def _resembled(name: str) -> tuple[str, ...]:
    return resembled_corruptions(load_recipe(name).augment)


def resemblance_block() -> str:
    """Which corruptions each recipe key resembles, and which recipes set it."""
    recipes = {name: load_recipe(name).augment for name in shipped_recipes()}
    off = AugmentSection()
    rows: list[tuple[Any, ...]] = []
    for key, kinds in RESEMBLED.items():
        users = [n for n, each in recipes.items() if getattr(each, key) != getattr(off, key)]
        named = ", ".join(f"`{each}`" for each in users) or "–"
        rows.append((f"`augment.{key}`", ", ".join(kinds), named))
    return make_table(("recipe key", "resembles", "recipes"), rows).markdown()


def tuning_rows(figures: Figures) -> dict[str, Any]:
    """Each ingredient's accuracies after a short fine-tuning, by the share of weights kept."""
    variants = figures["variants"]
    every = [("before fine-tuning", 1.0, figures["start"], 0.0)]
    every += [
        (name, float(share), each, run["pflop"])
        for name, run in variants.items()
        for share, each in run["kept"].items()
    ]
    rows = [
        (
            name,
            share,
            each["accuracy_without_tta"],
            each["corruption_accuracy"],
            each["corruption_accuracy_of_others"],
            each["jpeg_accuracy"],
            pflop,
        )
        for name, share, each, pflop in every
    ]
    columns = (
        "variant", ("kept", ".0%"), ("clean", ".2%"), ("mean of 75 sets", ".2%"),
        ("unlike training", ".2%"), ("JPEG copies", ".2%"), ("PFLOP", ".3f"),
    )  # fmt: skip
    first = next(iter(variants.values()))
    return {
        "table": make_table(columns, rows).markdown(),
        "epochs": figures["epochs"],
        "images": first["images"],
        "corrupted": figures["start"]["corruption_images"],
    }


def cost_rows(figures: Figures) -> Table:
    """Rows per variant: images per second and CPU time of a step."""
    rows = [
        (name, each["images_per_second"], each["cpu_seconds"], each["beside_plain"])
        for name, each in figures["variants"].items()
    ]
    columns = (
        "variant", ("images/s", ",.0f"), ("CPU s per step", ".2f"), ("CPU time vs. without", ".3f"),
    )  # fmt: skip
    return make_table(columns, rows)


def robust_kinds(figures: Figures) -> Table:
    """One line per corruption: mean over the severities, and the hardest one."""
    networks = figures["networks"]
    columns: list[str | tuple[str, Format]] = ["corruption"]
    for name in networks:
        columns += [(f"`{name}`", ".1%"), ("at severity 5", ".1%")]
    rows: list[list[Any]] = []
    for kind in PUBLISHED:
        row: list[Any] = [f"{kind} (ours)" if kind in OWN else kind]
        for found in networks.values():
            cells = found["corruptions"][kind]
            row += [sum(cells) / len(cells), cells[-1]]
        rows.append(row)
    return make_table(columns, rows)


def interval(pair: list[float], form: str = ".2%") -> str:
    """Both ends of an interval."""
    return f"{format(pair[0], form)} to {format(pair[1], form)}"


ROBUST_BLOCKS = {
    "robust-means": Block("robustness", "robustness.py", robust_means),
    "robust-kinds": Block("robustness", "robustness.py", robust_kinds),
    "corruption-speed": Block("corruption_speed", "robustness.py --time"),
    "robust-tuning": Block("robust_tuning", "robust_tuning.py", tuning_rows),
    "robust-cost": Block("robust_cost_quick", "robust_cost.py", cost_rows),
}
