"""The tables of a report: rows of cells that know by what they sort."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from thriftnet.recipe.keys import differing_settings, flatten
from thriftnet.report.blocks import Block
from thriftnet.report.classes import class_shares
from thriftnet.report.curves import epoch_seconds
from thriftnet.report.record import RunRecord
from thriftnet.report.record_groups import RecordGroup
from thriftnet.runs.contention import is_large
from thriftnet.training.progress import clock


@dataclass(frozen=True)
class Cell:
    """What is shown, and what it sorts by: a number, or else its text."""

    text: str
    value: float | None = None
    strong: bool = False


@dataclass(frozen=True)
class Table:
    """A table with a name."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    folded: bool = False
    """Whether the page shows it only when asked."""
    wide: bool = True
    """Whether it takes the whole width of the page."""


def make_table(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    folded: bool = False,
    wide: bool = True,
) -> Table:
    """A table of plain values; floats and None as they come, cells as they are."""
    cells = tuple(tuple(_cell(value) for value in row) for row in rows)
    return Table(title, tuple(columns), cells, folded, wide)


def epochs_table(record: RunRecord) -> Table:
    """What the run wrote down at the end of each epoch."""
    spent = {epoch: (t, o) for epoch, t, o in zip(*epoch_seconds(record), strict=True)}
    shared = any(is_large(line.get("cpu_contention")) for line in record.epochs)
    rows = [
        (
            int(line["epoch"]),
            int(line["step"]),
            fixed(line["train_loss"], 4),
            fixed(line.get("val_loss"), 4),
            percent(line["train_accuracy"]),
            percent(line.get("val_accuracy")),
            general(line.get("learning_rate")),
            fixed(sum(spent[int(line["epoch"])]), 1),
            fixed(line["images_per_second"], 0),
            *((percent(line.get("cpu_contention")),) if shared else ()),
        )
        for line in record.epochs
    ]
    columns = (
        "epoch", "step", "training loss", "validation loss", "training accuracy",
        "validation accuracy", "learning rate", "time (s)", "images/s",
        *(("other work (CPU)",) if shared else ()),
    )  # fmt: skip
    return make_table("Epochs", columns, rows, folded=True)


def classes_table(counts: Any, classes: tuple[str, ...]) -> Table:
    """Accuracy and interval of each class, and how many images were labelled and called so."""
    rows: list[tuple[Any, ...]] = []
    for name, share, row, column in zip(
        classes, class_shares(counts), counts.sum(1), counts.sum(0), strict=True
    ):
        value, interval = Cell("–"), Cell("–")
        if share:
            value = percent(share[0])
            interval = Cell(f"{100 * share[1]:.2f} to {100 * share[2]:.2f}%", share[1])
        rows.append((name, value, interval, int(row), int(column)))
    columns = ("class", "accuracy", "95% interval", "images", "called so")
    return make_table("Classes", columns, rows, wide=False)


def blocks_table(blocks: list[Block]) -> Table:
    """The architecture in figures."""
    rows = [
        (b.name, b.content, "×".join(map(str, b.output_shape)), b.parameters, b.macs)
        for b in blocks
    ]
    columns = ("block", "layers", "output C×H×W", "parameters", "MACs")
    return make_table("Blocks", columns, rows, folded=True)


def recipe_table(record: RunRecord) -> Table:
    """Every key of the recipe."""
    rows = flatten(record.recipe.model_dump(mode="json")).items()
    return make_table("Recipe", ("key", "value"), [(k, _plain(v)) for k, v in rows], folded=True)


def environment_table(record: RunRecord) -> Table:
    """What the run ran on, and what it went on with elsewhere."""
    first, *later = record.environments
    each = [flatten(first), *(flatten({**facts, "command": None}) for facts in later)]
    keys = dict.fromkeys(key for facts in each for key in facts if key not in {"kind", "step"})
    rows = [(key, *(_plain(facts.get(key)) for facts in each)) for key in keys]
    moved = [f"from step {facts['step']:,}" for facts in later]
    names = ("at first", *moved) if moved else ("value",)
    return make_table("Environment", ("key", *names), rows, folded=True)


def runs_table(groups: list[RecordGroup]) -> Table:
    """One line a run."""
    rows = [
        (
            record.run.name,
            group.label,
            record.recipe.seed,
            record.state,
            len(record.epochs),
            record.start.get("parameters"),
            percent(record.test.get("accuracy")),
            fixed(record.test.get("loss"), 4),
            duration(record.end.get("seconds")),
            fixed(record.end.get("pflop"), 4),
        )
        for group in groups
        for record in group.records
    ]
    columns = (
        "run", "recipe", "seed", "state", "epochs", "parameters", "test accuracy", "test loss",
        "time", "PFLOP",
    )  # fmt: skip
    return make_table("Runs", columns, rows)


def differences_table(groups: list[RecordGroup]) -> Table | None:
    """Recipe keys in which the groups differ; none if there is one group."""
    if len(groups) < 2:
        return None
    settings = differing_settings([group.records[0].recipe for group in groups])
    columns = ("key", *(group.label for group in groups))
    rows = [(key, *(_plain(own[key]) for own in settings)) for key in settings[0]]
    return make_table("Where the recipes differ", columns, rows)


def _cell(value: Any) -> Cell:
    if isinstance(value, Cell):
        return value
    if isinstance(value, int):
        return Cell(f"{value:,}", float(value))
    return Cell("–" if value is None else str(value))


def fixed(value: float | None, digits: int) -> Cell:
    """A number with so many digits behind the point."""
    return Cell("–") if value is None else Cell(f"{value:,.{digits}f}", float(value))


def percent(value: float | None, digits: int = 2) -> Cell:
    """A share."""
    return Cell("–") if value is None else Cell(f"{100 * value:.{digits}f}%", float(value))


def general(value: float | None) -> Cell:
    """A number of any size, in three digits."""
    return Cell("–") if value is None else Cell(f"{value:.3g}", float(value))


def duration(value: float | None) -> Cell:
    """Seconds as m:ss or h:mm:ss."""
    return Cell("–") if value is None else Cell(clock(value), float(value))


def _plain(value: Any) -> Cell:
    """A value as it is; numbers stand among words, and are read as words are."""
    if isinstance(value, list):
        return Cell(" ".join(map(str, value)))
    return Cell("–" if value is None else str(value))
