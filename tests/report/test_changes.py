"""Where a run's images change, marked in its figures; and which losses may be compared."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from small import sitting, small_recipe
from thriftnet.recipe import load_recipe
from thriftnet.report.record import read_record
from thriftnet.report.style import figure_style
from thriftnet.report.training.changes import find_changes
from thriftnet.report.training.curves import draw_accuracy
from thriftnet.report.training.loss import draw_loss, training_loss
from thriftnet.report.training.schedule import draw_learning_rate
from thriftnet.report.training.steps import draw_steps, step_points
from thriftnet.report.training.usage import draw_usage
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.metrics_log import write_lines

pytestmark = pytest.mark.usefixtures("svg_alone")
GROWING = {"sizes": [[1, 16], [2, 24]], "epochs": 4, "hard_fraction": 0.5, "full_epochs": 2}


def test_changes_of_a_recipe_in_order():
    found = find_changes(small_recipe(train=GROWING))
    assert [(change.after, change.words) for change in found] == [
        (1, "16→24 px"),
        (2, "24→32 px"),
        (2, "hardest 50%"),
    ]
    assert find_changes(small_recipe()) == []
    # Hard from the first epoch on: nothing changes on the way.
    assert find_changes(small_recipe(train={"hard_fraction": 0.5})) == []
    assert find_changes(load_recipe("quick"))


def test_each_figure_by_epoch_or_step_has_the_lines(tmp_path: Path):
    _, run = sitting(small_recipe(train=GROWING), tmp_path / "run")
    record = read_record(run.path)
    run.append({"kind": "start", "step": 0, "train_images": 50, "steps": 12})
    record = read_record(run.path)
    with figure_style():
        drawn = [draw_loss(record), draw_accuracy(record), draw_steps(record)]
        drawn.append(draw_learning_rate(record))
    for drawing in drawn:
        assert drawing is not None
        for words in ("16→24 px", "24→32 px", "hardest 50%"):
            assert words in drawing.svg, drawing.name
        assert "images grow from 16 to 24 pixels" in drawing.caption


@pytest.mark.parametrize(
    ("sections", "reasons"),
    [
        ({}, []),
        ({"train": {"label_smoothing": 0.1}}, []),  # the plain cross-entropy is kept
        ({"augment": {"mixup": 0.2}}, ["mixed images"]),
        (
            {"train": {"hard_fraction": 0.5, "full_epochs": 1}},
            ["only hard images in later epochs"],
        ),
    ],
)
def test_losses_share_an_axis_only_where_they_are_one_quantity(
    tmp_path: Path, sections: dict[str, object], reasons: list[str]
):
    _, run = sitting(small_recipe(**sections), tmp_path / "run")
    record = read_record(run.path)
    assert training_loss(record) == ("train_cross_entropy", reasons)
    with figure_style():
        drawing = draw_loss(record)
    assert ("separate axes" in drawing.caption) == bool(reasons)
    assert drawing.svg.count('<g id="axes_') == (2 if reasons else 1)


def test_a_test_loss_alone_has_no_axes_of_its_own(tmp_path: Path):
    sections = {"augment": {"mixup": 0.2}, "data": {"val_ratio": 0.0}}
    _, run = sitting(small_recipe(**sections), tmp_path / "run")
    record = replace(read_record(run.path), test={"loss": 1.2345, "accuracy": 0.5})
    with figure_style():
        drawing = draw_loss(record)
    assert drawing.svg.count('<g id="axes_') == 1
    assert "not comparable with test loss" in drawing.caption
    assert "The test loss is 1.23" in drawing.caption


def test_runs_of_earlier_versions_open_without_what_they_lack(tmp_path: Path):
    _, run = sitting(small_recipe(train={"label_smoothing": 0.1}), tmp_path / "run")
    new = ("steps", "train_cross_entropy", "cpu_share", "memory_bytes", "memory_share")
    lines = [{k: v for k, v in line.items() if k not in new} for line in run.metrics()]
    write_lines(run.metrics_path, lines)
    record = read_record(RunFolder.open(run.path).path)
    assert training_loss(record) == ("train_loss", ["targets smoothed by 0.1"])
    with figure_style():
        assert draw_steps(record) is None
        assert draw_usage(record) is None
        assert "smoothed by 0.1" in draw_loss(record).caption


@pytest.mark.parametrize(
    "odd",
    [
        None, 5, [], {}, {"step": 1, "loss": [1], "gradient_norm": [1]},
        {"step": [1, "x"], "loss": [1, 2], "gradient_norm": [None, 1]},
        {"step": [1, 2], "loss": [1e300, 2], "gradient_norm": []},
    ],
)  # fmt: skip
def test_steps_that_are_not_what_was_written_cost_themselves_alone(copied: Path, odd: object):
    run = RunFolder(copied)
    lines = run.metrics()
    lines[0]["steps"] = odd
    write_lines(run.metrics_path, lines)
    steps, losses, norms = step_points(read_record(run.path))
    assert len(steps) == len(losses) == len(norms) >= 8
