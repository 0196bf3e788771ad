"""Tables of the report of runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from thriftnet.evaluation.class_metrics import summarise_classes
from thriftnet.evaluation.intervals import Interval
from thriftnet.names import LONGEST, short_names
from thriftnet.recipe.keys import differing_settings, flatten
from thriftnet.report.blocks import Block
from thriftnet.report.record import RunRecord
from thriftnet.report.several.record_groups import RecordGroup
from thriftnet.report.training.curves import epoch_seconds
from thriftnet.runs.contention import is_large
from thriftnet.runs.filters import as_text
from thriftnet.runs.metrics_log import MetricRecord, is_figure
from thriftnet.table import Cell, Format, Table, clock, make_table


def epochs_table(record: RunRecord) -> Table:
    """Table of the metrics per epoch."""
    spent = {epoch: (t, o) for epoch, t, o in zip(*epoch_seconds(record), strict=True)}
    shared = any(is_large(line.get("cpu_contention")) for line in record.epochs)
    columns: list[str | tuple[str, Format]] = [
        "epoch", "step", ("training loss", ",.4f"), ("training cross-entropy", ",.4f"),
        ("validation loss", ",.4f"),
        ("training accuracy", ".2%"), ("validation accuracy", ".2%"), ("learning rate", ".3g"),
        ("time (s)", ",.1f"), ("images/s", ",.0f"), ("processors", ".0%"),
        ("memory (GB)", ",.2f"), ("other work (CPU)", ".2%"),
    ]  # fmt: skip
    rows = [
        (
            int(line["epoch"]),
            int(line["step"]),
            *(line["train_loss"], _figure(line, "train_cross_entropy"), line.get("val_loss")),
            *(line["train_accuracy"], line.get("val_accuracy")),
            line.get("learning_rate"),
            sum(spent[int(line["epoch"])]),
            line["images_per_second"],
            *(_figure(line, "cpu_share"), memory / 1e9 if memory else None),
            line.get("cpu_contention"),
        )
        for line in record.epochs
        for memory in [_figure(line, "memory_bytes")]
    ]
    table = make_table(columns, rows, title="Epochs", folded=True)
    lacking = [] if shared else ["other work (CPU)"]
    for at, name in enumerate(table.columns):  # of earlier versions, or without validation
        if all(row[at].value is None for row in table.rows):
            lacking.append(name)
    return table.without(*lacking)


def classes_table(counts: Any, classes: tuple[str, ...]) -> Table:
    """Table of recall, precision, F1 and counts per class."""
    rows = [
        (
            name,
            *(each.recall, _limits(each.recall_interval)),
            *(each.precision, _limits(each.precision_interval)),
            *(each.f1, _limits(each.f1_interval)),
            *(each.images, each.predicted),
        )
        for name, each in summarise_classes(counts, classes).classes.items()
    ]
    columns = (
        "class", ("recall", ".2%"), "recall, 95%", ("precision", ".2%"), "precision, 95%",
        ("F1", ".2%"), "F1, 95%", "images", "predicted",
    )  # fmt: skip
    return make_table(columns, rows, title="Classes")


def _limits(interval: Interval | None) -> Cell | None:
    return None if interval is None else Cell("{:.2%} to {:.2%}".format(*interval), interval[0])


def evaluations_table(record: RunRecord) -> Table:
    """Table of all recorded evaluations."""
    names = ("accuracy", "balanced_accuracy", "loss", "calibration_error")
    rows = [
        (k.data, k.corruption or None, k.tta, k.precision, *(_figure(line, n) for n in names))
        for k, line in record.evaluations.items()
    ]
    columns: tuple[str | tuple[str, Format], ...] = (
        "images", "corruption", "views", "precision", ("accuracy", ".2%"),
        ("balanced accuracy", ".2%"), ("loss", ".4f"), ("calibration error", ".4f"),
    )  # fmt: skip
    return make_table(columns, rows, title="Evaluations")


def _figure(line: MetricRecord, name: str) -> float | None:
    value = line.get(name)
    return value if is_figure(value) else None


def blocks_table(blocks: list[Block]) -> Table:
    """Table of the network's blocks."""
    rows = [
        (b.name, b.content, "×".join(map(str, b.output_shape)), b.parameters, b.macs)
        for b in blocks
    ]
    columns = ("block", "layers", "output C×H×W", "parameters", "MACs")
    return make_table(columns, rows, title="Blocks", folded=True)


def recipe_table(record: RunRecord) -> Table:
    """Table of all recipe keys."""
    rows = flatten(record.recipe.model_dump(mode="json")).items()
    rows = [(key, _plain(value)) for key, value in rows]
    return make_table(("key", "value"), rows, title="Recipe", folded=True)


def environment_table(record: RunRecord) -> Table:
    """Table of the run's environments."""
    first, *later = record.environments
    if isinstance(started := first.get("command"), list) and started:
        first = {**first, "command": [Path(str(started[0])).name, *started[1:]]}
    each = [flatten(first), *(flatten({**facts, "command": None}) for facts in later)]
    keys = dict.fromkeys(key for facts in each for key in facts if key not in {"kind", "step"})
    rows = [(key, *(_plain(facts.get(key)) for facts in each)) for key in keys]
    moved = [f"from step {facts['step']:,}" if "step" in facts else "later" for facts in later]
    names = ("at first", *moved) if moved else ("value",)
    return make_table(("key", *names), rows, title="Environment", folded=True)


def runs_table(groups: list[RecordGroup], names: Mapping[str, str]) -> Table:
    """One line per run.

    Args:
        groups: All runs.
        names: What each run is called here, by the name of its folder.
    """
    labels = short_names([group.label for group in groups], longest=LONGEST)
    rows = [
        (
            names[record.run.name],
            label,
            record.recipe.seed,
            record.state,
            len(record.epochs) or None,  # of shipped weights none is known
            record.start.get("parameters"),
            *(record.test.get("accuracy"), record.test.get("loss")),
            *(record.end.get("seconds"), record.end.get("pflop")),
        )
        for group, label in zip(groups, labels, strict=True)
        for record in group.records
    ]
    columns = (
        "run", "recipe", "seed", "state", "epochs", "parameters", ("test accuracy", ".2%"),
        ("test loss", ",.4f"), ("time", clock), ("PFLOP", ",.3g"),
    )  # fmt: skip
    return make_table(columns, rows, title="Runs")


def differences_table(groups: list[RecordGroup]) -> Table | None:
    """Table of recipe keys that differ between groups; None with one group."""
    if len(groups) < 2:
        return None
    settings = differing_settings([group.records[0].recipe for group in groups])
    columns = ("key", *short_names([group.label for group in groups], longest=LONGEST))
    rows = [(key, *(_plain(own[key]) for own in settings)) for key in settings[0]]
    return make_table(columns, rows, title="Where the recipes differ")


def _plain(value: Any) -> Cell:
    """Text of a value; numbers are left-aligned like words."""
    return Cell(as_text(value))
