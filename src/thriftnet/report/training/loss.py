"""Loss by epoch: training, validation and test on one axis where they are the same quantity."""

from __future__ import annotations

from thriftnet.report import style
from thriftnet.report.drawing import Drawing, finish
from thriftnet.report.record import RunRecord
from thriftnet.report.training.changes import mark_epochs
from thriftnet.report.training.curves import (
    curve_alt,
    label_epochs,
    plot_curve,
    plot_test,
    test_words,
)


def draw_loss(record: RunRecord) -> Drawing:
    """Training and validation loss by epoch, and the test loss at the end."""
    key, reasons = training_loss(record)
    has_validation = bool(record.series("val_loss")[1])
    if reasons and has_validation:
        upper, lower = style.stacked_axes(2.0, 2.2)
        upper.set_ylabel("training loss (nats)")
        label_epochs(lower, "cross-entropy (nats)")
    else:
        upper = lower = style.new_axes(legend_rows=1)
        label_epochs(lower, "training loss (nats)" if reasons else "cross-entropy (nats)")
    name = "training" if upper is lower else "training (not comparable with those below)"
    said = [
        plot_curve(upper, record.series(key), style.LINES[0], name),
        plot_curve(lower, record.series("val_loss"), style.LINES[1], "validation"),
    ]
    if has_validation or not reasons:
        said.append(plot_test(lower, record, "loss", scale=1))
        star = test_words(record)
    else:  # axes of their own for a single point would show nothing
        star = f"The test loss is {record.test['loss']:.3f}." if record.test else ""
    changes = ""
    for axes in [upper] if upper is lower else [upper, lower]:
        changes = mark_epochs(axes, record.recipe)
        style.legend_above(axes)
    if reasons:
        apart = (
            "validation and test loss, which have separate axes" if has_validation else "test loss"
        )
        words = f"The training loss uses {', '.join(reasons)}; it is not comparable with {apart}. "
    else:
        words = "All are cross-entropies against unsmoothed labels, on one axis. "
    return finish(
        upper,
        name="loss",
        title="Loss",
        caption=f"{words}The training loss is the mean over each epoch, on augmented images and "
        f"while the weights change. {changes}{star}",
        alt=curve_alt("Loss by epoch", said, "{:.3f}")
        + (" Training and test are on separate axes." if upper is not lower else ""),
    )


def training_loss(record: RunRecord) -> tuple[str, list[str]]:
    """The key of the training loss, and what keeps it from being compared with the test loss.

    Runs of earlier versions kept the loss that is trained on, and no plain cross-entropy.
    """
    recipe = record.recipe
    plain = bool(record.epochs) and len(record.series("train_cross_entropy")[1]) == len(
        record.epochs
    )
    reasons: list[str] = []
    if recipe.train.label_smoothing and not plain:
        reasons.append(f"targets smoothed by {recipe.train.label_smoothing:g}")
    if recipe.augment.mixup or recipe.augment.cutmix:
        reasons.append("mixed images")
    if recipe.train.hard_fraction < 1:
        reasons.append("only hard images in later epochs")
    if recipe.data.balance == "sampling":
        reasons.append("images drawn evenly from all classes")
    if recipe.data.balance == "loss" and not plain:
        reasons.append("images weighted by their class")
    return ("train_cross_entropy" if plain else "train_loss"), reasons
