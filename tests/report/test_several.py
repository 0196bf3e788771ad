"""A report of several runs: groups of seeds over each other."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from PIL import Image

import thriftnet
from commands import Command
from small import sitting, small_recipe
from thriftnet.errors import RunError
from thriftnet.models.saved import read_model, save_model
from thriftnet.report.drawing import Drawing, finish
from thriftnet.report.record import read_record
from thriftnet.report.several import overlay
from thriftnet.report.several.record_groups import group_notes, group_records
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.new_run import create_run

MakeRun = Callable[..., Path]
pytestmark = pytest.mark.usefixtures("svg_alone")


def test_runs_of_one_recipe_are_a_group_with_a_band(make_run: MakeRun, tmp_path: Path):
    runs = [make_run(f"seed{seed}", seed=seed) for seed in range(3)]
    other = make_run("sgd", optim={"name": "sgd", "lr": 0.1}, name="small-sgd")
    groups = group_records([read_record(path) for path in (*runs, other)])
    assert [(group.label, len(group.records)) for group in groups] == [
        ("small", 3),
        ("small-sgd", 1),
    ]
    epochs, mean, low, high = groups[0].band("val_loss")
    assert epochs.tolist() == [1, 2]
    for at, epoch in enumerate((1, 2)):
        told = [
            line["val_loss"]
            for path in runs
            for line in RunFolder.open(path).metrics()
            if line["kind"] == "epoch" and line["epoch"] == epoch
        ]
        assert mean[at] == pytest.approx(sum(told) / 3)
        assert (low[at], high[at]) == (min(told), max(told))

    report = thriftnet.write_report([*runs, other], output=tmp_path / "out")
    assert {path.stem for path in report.figures} == {
        "train-loss", "val-loss", "train-accuracy", "val-accuracy", "test-accuracy",
        "class-accuracy",
    }  # fmt: skip
    page = report.page.read_text("utf-8")
    assert "optim.lr" in page
    assert any("small-sgd: one seed only" in text for text in report.missing)
    assert not any(text.startswith("small:") for text in report.missing)


def test_groups_of_one_name_are_told_apart(make_run: MakeRun):
    records = [read_record(make_run(f"r{lr}", optim={"lr": lr})) for lr in (0.01, 0.02)]
    labels = [group.label for group in group_records(records)]
    assert labels == ["small optim.lr=0.01", "small optim.lr=0.02"]


def test_notes_call_recipes_as_the_figures_do_and_say_once_what_several_lack(make_run: MakeRun):
    rates = {"greenhouse-2026-wide": 0.01, "greenhouse-2026-narrow": 0.02}
    made = [make_run(name, name=name, optim={"lr": rate}) for name, rate in rates.items()]
    records = [read_record(path) for path in made]
    notes = group_notes(group_records(records))
    assert notes[0] == "wide, narrow: one seed only, so no band; train others with --seed."
    assert not any("greenhouse" in note for note in notes)


@pytest.mark.usefixtures("undrawn")
def test_test_figures_have_the_shape_of_their_line_and_can_be_read(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
):
    runs = [make_run("a", seed=0), make_run("ab", seed=1), make_run("abc", optim={"lr": 0.02})]
    groups = group_records([read_record(path) for path in runs])
    drawn: dict[str, Axes] = {}

    def keep(axes: Axes, *, name: str, **words: Any) -> Drawing:
        drawn[name] = axes
        return finish(axes, name=name, **words)

    monkeypatch.setattr(overlay, "finish", keep)
    drawings = {each.name: each for each in overlay.draw_overlays(groups)}
    curves = drawn["val-accuracy"].lines
    shapes = [line.get_marker() for line in curves]
    assert shapes == ["o", "o", "s", "s"]  # a line, then its test figures
    read = json.loads(drawings["val-accuracy"].data)[0]["series"]
    for group, series in zip(groups, read, strict=True):
        tests = ", ".join(f"{100 * value:.4g}" for value in group.tests("accuracy"))
        assert series["words"][-1].endswith(f"test {tests}")
        assert "test" not in series["words"][0]


def test_long_labels_stay_within_the_figure(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.undo()  # the PNG files, too
    long = {"optim": {"lr": 0.012345}, "name": "a-recipe-with-a-long-name"}
    runs = [make_run("a", dressed=False), make_run("b", dressed=False, **long)]
    report = thriftnet.write_report(runs, output=tmp_path / "out")
    (curve,) = [path for path in report.figures if path.name == "train-loss.png"]
    edge = np.asarray(Image.open(curve).convert("L"))[:, -3:]
    assert edge.min() == edge.max()  # a legend that is cut off reaches it


@pytest.mark.usefixtures("undrawn")
def test_cut_run_is_left_out_of_the_band_and_named(make_run: MakeRun, tmp_path: Path):
    whole = make_run("whole", seed=0)
    _, cut = sitting(small_recipe(seed=1, train={"epochs": 2}), tmp_path / "cut", stop_after=5)
    record = group_records([read_record(whole), read_record(cut.path)])
    epochs, mean, low, high = record[0].band("train_loss")
    assert epochs.tolist() == [1, 2]
    assert mean.tolist() == low.tolist() == high.tolist()
    missing = "\n".join(thriftnet.write_report([whole, cut.path], output=tmp_path / "o").missing)
    assert "from 1 to 2 epochs" in missing
    assert "1 of 2 runs have no test figures" in missing
    assert f"thriftnet train --resume {cut.path}" in missing


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("way", ["digests", "classes"])
def test_runs_of_different_data_sets(make_run: MakeRun, tmp_path: Path, way: str):
    runs = [make_run("a", seed=0), make_run("b", seed=1)]
    run = RunFolder.open(runs[1])
    if way == "digests":
        for path, digit in zip(runs, "01", strict=True):
            facts = {"data": {"train": digit * 32}}
            RunFolder.open(path).environment_path.write_text(json.dumps(facts))
    else:
        model = read_model(run.model_path)
        object.__setattr__(model, "classes", tuple("abcdefghij"))
        save_model(run.model_path, model)
    report = thriftnet.write_report(runs, output=tmp_path / "out")
    assert any("different data sets" in text for text in report.missing)
    assert ("class-accuracy" in {path.stem for path in report.figures}) == (way == "digests")


@pytest.mark.usefixtures("undrawn")
def test_a_run_whose_environment_is_lost_is_not_of_other_data(make_run: MakeRun, tmp_path: Path):
    runs = [make_run("a", seed=0), make_run("b", seed=1)]
    first = RunFolder.open(runs[0])
    first.environment_path.write_text(json.dumps({"data": {"train": "0" * 32}}))
    RunFolder.open(runs[1]).environment_path.unlink()
    report = thriftnet.write_report(runs, output=tmp_path / "out")
    assert not any("different data sets" in text for text in report.missing)


def test_runs_without_any_epoch_have_a_page(tmp_path: Path):
    runs = [
        create_run(tmp_path / name, small_recipe(seed=seed), {}).path
        for seed, name in enumerate("ab")
    ]
    report = thriftnet.write_report(runs)
    assert report.figures == ()
    assert report.page == tmp_path / "report" / "report.html"
    assert "a, b: No epoch has finished yet: there are no curves." in report.missing


@pytest.mark.usefixtures("undrawn")
def test_terminal_says_what_is_missing_and_where_it_lies(command: Command, make_run: MakeRun):
    runs = [make_run("one"), make_run("two", seed=1, dressed=False)]
    told = command("report", *runs)
    assert told.code == 0
    folder = runs[0].parent / "report"
    assert f"wrote {folder / 'report.html'} (0." in told.out
    assert f"wrote {folder / 'figures'} (6 figures, each as PNG and SVG)" in told.out
    assert "missing: small: 1 of 2 runs have no test figures" in told.out


def test_place_of_pictures_is_refused_where_none_are_shown(
    make_run: MakeRun, study: Path, tmp_path: Path
):
    runs = [make_run("one", dressed=False), make_run("two", seed=1, dressed=False)]
    for paths in (runs, study):
        with pytest.raises(RunError, match="report of one run; leave it out"):
            thriftnet.write_report(paths, data=tmp_path, output=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("undrawn")
def test_run_given_twice_counts_once(command: Command, make_run: MakeRun):
    run = make_run("one", dressed=False)
    told = command("report", run, run.parent / "." / "one")
    assert f"wrote {run / 'report.html'}" in told.out


def test_more_recipes_than_can_be_told_apart(tmp_path: Path):
    runs: list[Path] = []
    for number in range(10):
        recipe = small_recipe(optim={"lr": 0.01 * (number + 1)}, name=f"r{number}")
        run = create_run(tmp_path / f"r{number}", recipe, {})
        line = {"kind": "epoch", "epoch": 1, "step": 3, "train_loss": 2.0, "train_accuracy": 0.1}
        run.append({**line, "seconds": 1.0, "images_per_second": 48.0})
        runs.append(run.path)
    report = thriftnet.write_report(runs, output=tmp_path / "out")
    assert "Figures hold 8 recipes; left out: r8, r9." in report.missing
    page = report.page.read_text("utf-8")
    assert all(f">r{number}</td>" in page for number in range(10))
