"""The paper's figures drawn again: its own figures and its authors' log beside ours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean

import numpy as np
from matplotlib.axes import Axes

from reproductions.dreamfire2025.authors_log import read_authors_log, scheduled_rates
from reproductions.dreamfire2025.claims import read_claims
from reproductions.dreamfire2025.judge import runs_of
from reproductions.dreamfire2025.results import Results, SgdAgainstAdamW
from thriftnet.comparison.labels import count_seeds
from thriftnet.models.build import build_model
from thriftnet.recipe import load_recipe
from thriftnet.report import network, style
from thriftnet.report.blocks import block_table
from thriftnet.report.drawing import Drawing, finish
from thriftnet.report.training.curves import label_epochs

_OPTIMISERS = {"paper-sgd": "SGD", "paper": "AdamW"}


def draw_optimisers(results: Results) -> Drawing:
    """Figures 1 and 2: what the paper reports of each optimiser, and every seed here."""
    claims = {c.recipe: c.claimed for part in read_claims().parts[:1] for c in part.claims}
    found = results.files.get("paper_sgd_against_adamw")
    short = found if isinstance(found, SgdAgainstAdamW) else None
    axes = style.new_axes(height=2.2, legend_rows=2)
    words: list[str] = []
    for row, (recipe, name) in enumerate(_OPTIMISERS.items()):
        kinds = [
            ("the paper", [claims[recipe] or 0.0]),
            ("here, one per seed", [run.accuracy for run in runs_of(results, recipe)]),
        ]
        if short:
            runs = [run.accuracy for run in short.runs if run.recipe == recipe]
            kinds.append((f"here, {short.epochs:g} epochs", runs))
        for (label, values), look in zip(kinds, style.LINES, strict=False):
            if values:
                axes.plot(
                    [100 * value for value in values], [row] * len(values), linestyle="none",
                    marker=look.marker, markersize=7, color=look.color, alpha=0.85,
                    label=_once(axes, label),
                )  # fmt: skip
                words.append(f"{name}, {label}: {100 * fmean(values):.2f}")
    axes.set_yticks(range(len(_OPTIMISERS)), list(_OPTIMISERS.values()))
    axes.set_ylim(1.5, -0.5)
    axes.margins(x=0.15)
    axes.set_xlabel("test top-1 accuracy (%)")
    style.legend_above(axes, columns=2)
    return finish(
        axes,
        name="optimisers",
        title="Test accuracy by optimiser",
        caption="The paper gives one figure for each optimiser. Here every seed is a point: the "
        "recipe with all of its epochs and, where it was measured, a shorter horizon next to it.",
        alt="Test accuracy in percent. " + "; ".join(words) + ".",
    )


def draw_optimiser_curves(results: Results) -> Drawing | None:
    """The same two by epoch, means with bands over seeds; none without curves."""
    found = results.files.get("paper_sgd_against_adamw")
    short = found.runs if isinstance(found, SgdAgainstAdamW) else ()
    rows = short if any(run.curve.epoch for run in short) else results.runs
    axes = style.new_axes(legend_rows=1)
    words: list[str] = []
    for (recipe, name), look in zip(_OPTIMISERS.items(), style.LINES, strict=False):
        curves = [run.curve.series("val_accuracy") for run in rows if run.recipe == recipe]
        curves = [curve for curve in curves if curve]
        common = sorted(set.intersection(*map(set, curves))) if curves else []
        if not common:
            continue
        table = 100 * np.array([[curve[epoch] for epoch in common] for curve in curves])
        axes.plot(
            common, table.mean(axis=0), color=look.color, linestyle=look.linestyle,
            marker=look.marker, markevery=max(1, len(common) // 8),
            label=f"{name}, {count_seeds(len(curves))}",
        )  # fmt: skip
        axes.fill_between(
            common, table.min(axis=0), table.max(axis=0), color=look.color, alpha=0.22, linewidth=0
        )
        words.append(f"{name} {table[:, 0].mean():.2f} at first, {table[:, -1].mean():.2f} at last")
    if not words:
        return None
    label_epochs(axes, "validation accuracy (%)")
    style.legend_above(axes, columns=2)
    return finish(
        axes,
        name="optimiser-curves",
        title="Validation accuracy by epoch",
        caption="Lines are means over seeds, bands reach from the smallest to the largest.",
        alt=f"Validation accuracy in percent by epoch: {'; '.join(words)}.",
    )


def draw_rate(_results: Results) -> Drawing:
    """Figure 3: the formula, and what the authors' log has instead."""
    log = read_authors_log()
    epochs = list(range(log.epochs + 1))
    formula, chained = (scheduled_rates(name, epochs=log.epochs) for name in ("paper", "authors"))
    axes = style.new_axes(legend_rows=2)
    for rates, look, name in (
        (formula, style.LINES[0], "the formula (recipe paper)"),
        (chained, style.LINES[2], "chained (recipe authors)"),
    ):
        axes.plot(epochs, rates, color=look.color, linestyle=look.linestyle, label=name)
    axes.plot(
        epochs[1:], log.learning_rate, linestyle="none", marker="o", markerfacecolor="none",
        color=style.VERMILLION, label="the authors' log",
    )  # fmt: skip
    axes.set_xlabel("epochs ended")
    axes.set_ylabel("learning rate")
    axes.set_xlim(0, log.epochs)
    axes.set_ylim(bottom=0)
    style.legend_above(axes, columns=2)
    return finish(
        axes,
        name="learning-rate",
        title="Learning rate by epoch",
        caption="The log's rates are those of a warm-up chained to a cosine as long as the whole "
        "run: at the end it had not come down to its minimum.",
        alt=f"Learning rate by epoch. At the end {formula[-1]:.3g} by the formula, "
        f"{log.learning_rate[-1]:.3g} in the log and {chained[-1]:.3g} by the recipe authors; "
        f"the largest difference of log and formula is {log.schedule_gap:.1%} of the peak.",
    )


def draw_loss(results: Results) -> Drawing:
    """Figure 4: the authors' log, and our run of what they ran."""
    log = read_authors_log()
    return _beside_log(
        results,
        (("train_loss", log.train_loss), ("test_loss", log.test_loss)),
        name="loss",
        title="Loss",
        quantity="cross-entropy (nats)",
    )


def draw_accuracy(results: Results) -> Drawing:
    """Figure 5."""
    log = read_authors_log()
    return _beside_log(
        results,
        (("train_accuracy", log.train_accuracy), ("test_accuracy", log.test_accuracy)),
        name="accuracy",
        title="Accuracy",
        quantity="top-1 accuracy (%)",
        scale=100,
    )


def draw_architecture(_results: Results) -> Drawing:
    """Figure 6, from the network itself."""
    recipe = load_recipe("paper")
    net = build_model(classes=10, **recipe.model.model_dump())
    side = recipe.data.image_size
    blocks = block_table(net, image_size=side)
    return network.draw_architecture(blocks, name=recipe.name, classes=10, image_size=side)


FIGURES: dict[str, Callable[[Results], Drawing | None]] = {
    "optimisers": draw_optimisers,
    "optimiser-curves": draw_optimiser_curves,
    "learning-rate": draw_rate,
    "loss": draw_loss,
    "accuracy": draw_accuracy,
    "architecture": draw_architecture,
}
"""By the names that claims.yaml has."""


def _beside_log(
    results: Results,
    logged: Sequence[tuple[str, Sequence[float]]],
    *,
    name: str,
    title: str,
    quantity: str,
    scale: float = 1,
) -> Drawing:
    """The log's training and test curves; our training curve, and one test evaluation."""
    (train_key, train), (test_key, test) = logged
    axes = style.new_axes(legend_rows=2)
    epochs = np.arange(1, len(train) + 1)
    words: list[str] = []
    for values, look, label in (
        (train, style.LINES[0], "authors, training"),
        (test, style.LINES[1], "authors, test"),
    ):
        axes.plot(
            epochs, np.array(values) * scale, color=look.color, linestyle=look.linestyle,
            marker=look.marker, markevery=5, label=label,
        )  # fmt: skip
        words.append(f"{label}: {values[0] * scale:.3f} to {values[-1] * scale:.3f}")
    for run in runs_of(results, "authors"):
        curve = run.curve.series(train_key)
        if curve:
            values = np.array(list(curve.values())) * scale
            label = _once(axes, "here, training")
            axes.plot(list(curve), values, color=style.GREEN, linestyle="-.", label=label)
            words.append(f"here, training: {values[0]:.3f} to {values[-1]:.3f}")
        value = getattr(run, test_key.removeprefix("test_"))
        if value is not None:
            axes.plot(
                [len(train)], [value * scale], linestyle="none", marker="*", markersize=12,
                color=style.INK, markerfacecolor=style.ORANGE, clip_on=False, zorder=5,
                label=_once(axes, "here, test, once"),
            )  # fmt: skip
            words.append(f"here seed {run.seed}, test: {value * scale:.3f}")
    label_epochs(axes, quantity)
    style.legend_above(axes, columns=2)
    ours = "" if runs_of(results, "authors") else " Not measured here yet (recipe authors)."
    return finish(
        axes,
        name=name,
        title=title,
        caption="The authors' log of their final run: they evaluated on the test images "
        f"after every epoch, here once.{ours}",
        alt=f"{title} by epoch. {'; '.join(words)}.",
    )


def _once(axes: Axes, label: str) -> str:
    """A label for the legend, hidden from it where it stands there already."""
    return f"_{label}" if label in axes.get_legend_handles_labels()[1] else label
