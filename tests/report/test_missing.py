"""Runs that were cut or damaged: a report all the same, saying what is missing."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

import thriftnet
from commands import Command
from small import sitting, small_recipe
from thriftnet.errors import RecipeError, RunError
from thriftnet.report.record import read_record
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.new_run import create_run
from thriftnet.runs.predictions import Predictions

pytestmark = pytest.mark.usefixtures("svg_alone")


def missing_of(run: Path) -> str:
    """What the report of a run says is missing; it is on the page too."""
    report = thriftnet.write_report(str(run))
    assert report.page == run / "report.html"
    page = report.page.read_text("utf-8")
    assert ("What is missing" in page) == bool(report.missing)
    return "\n".join(report.missing)


def names(run: Path) -> set[str]:
    return {path.stem for path in (run / "figures").iterdir()}


@pytest.mark.usefixtures("undrawn")
def test_torn_last_line(copied: Path):
    with (copied / "metrics.jsonl").open("a") as file:
        file.write('{"kind": "epoch", "epo')
    assert "last line of the metrics was truncated" in missing_of(copied)
    assert {"loss", "confusion"} <= names(copied)


def test_run_that_was_cut_in_the_middle(tmp_path: Path):
    _, run = sitting(small_recipe(), tmp_path / "cut", stop_after=4)
    run.append({"kind": "start", "step": 0, "train_images": 50, "steps": 12})
    told = missing_of(run.path)
    assert f"thriftnet train --resume {run.path}" in told
    assert "thriftnet evaluate" not in told  # there is nothing to evaluate yet
    assert names(run.path) >= {"loss", "accuracy", "learning-rate", "time", "architecture"}
    assert "filters" not in names(run.path)
    assert "interrupted at step 4 of 12" in (run.path / "report.html").read_text("utf-8")


@pytest.mark.usefixtures("undrawn")
def test_run_that_goes_on_is_not_called_cut(tmp_path: Path):
    _, run = sitting(small_recipe(), tmp_path / "going", stop_after=4)
    run.rewind(4)
    lines = [line for line in run.metrics() if line["kind"] == "epoch"]
    run.metrics_path.unlink()
    for line in lines:
        run.append(line)
    run.save_status({"epoch": 2})
    told = missing_of(run.path)
    assert "Training in progress" in told
    assert "--resume" not in told
    run.append({"kind": "interrupted", "step": 4})
    assert "Training in progress" in missing_of(run.path)  # it was resumed a moment ago
    run.save_status(None)
    assert "--resume" in missing_of(run.path)


@pytest.mark.usefixtures("undrawn")
def test_run_that_failed_says_why(tmp_path: Path):
    _, run = sitting(small_recipe(), tmp_path / "failed", stop_after=4)
    run.append({"kind": "failed", "step": 4, "reason": "the loss became nan at step 4"})
    assert "the loss became nan at step 4" in missing_of(run.path)
    assert read_record(run.path).state.startswith("failed")
    run.append({"kind": "resumed", "step": 4})
    assert "The training was interrupted" in missing_of(run.path)


def test_run_that_has_only_begun(tmp_path: Path):
    run = create_run(tmp_path / "begun", small_recipe(), {})
    told = missing_of(run.path)
    assert "No epoch has finished yet" in told
    assert names(run.path) == {"architecture", "augmentation"}


def test_no_predictions_yet(copied: Path):
    (copied / "predictions.npz").unlink()
    assert f"thriftnet evaluate {copied}" in missing_of(copied)
    assert "confusion" not in names(copied)
    assert "loss" in names(copied)


@pytest.mark.parametrize(
    ("file", "content", "told"),
    [
        ("predictions.npz", b"PK\x03\x04torn", "predictions.npz is damaged"),
        ("model.safetensors", b"torn", "model.safetensors is damaged"),
        ("environment.json", b"{", "environment.json is missing or damaged"),
        ("metrics.jsonl", b'{"kind": "ep\n{"kind": "end", "step": 9}\n', "damaged in line 1"),
        ("metrics.jsonl", b'{"kind": "epoch", "epoch": "one"}\n[]\n', "is damaged in line 2"),
        ("metrics.jsonl", b"", "No epoch has finished yet"),
    ],
)
def test_damaged_file_costs_its_own_figures_only(
    copied: Path, file: str, content: bytes, told: str
):
    if file != "predictions.npz":  # the figures of the test images take most of the time
        (copied / "predictions.npz").unlink()
    (copied / file).write_bytes(content)
    said = missing_of(copied)
    assert told in said or (told.endswith("line 2") and "No epoch" in said)
    if "is damaged in line" in said:  # and so does not say whether the training ended
        assert "--resume" not in said
        assert "No epoch" not in said
    assert "architecture" in names(copied)


@pytest.mark.usefixtures("undrawn")
def test_predictions_of_another_network_are_not_shown(copied: Path):
    labels = np.array([0, 1, 2])
    RunFolder.open(copied).save_predictions(
        Predictions(labels, {"flip": np.zeros((3, 4), np.float32)})
    )
    assert "do not fit the run" in missing_of(copied)
    assert "confusion" not in names(copied)


@pytest.mark.usefixtures("undrawn")
def test_predictions_of_other_images_show_no_pictures(copied: Path):
    labels = np.array([3, 1, 2])
    RunFolder.open(copied).save_predictions(
        Predictions(labels, {"flip": np.eye(10, dtype=np.float32)[:3]})
    )
    assert "other images than the test split" in missing_of(copied)
    assert "mistakes" not in names(copied)
    assert "confusion" in names(copied)


@pytest.mark.usefixtures("undrawn")
def test_without_the_data_set_the_pictures_are_left_out_and_nothing_is_fetched(
    copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("THRIFTNET_CACHE", str(tmp_path / "empty"))
    assert "--data PATH" in missing_of(copied)
    assert not {"mistakes", "augmentation"} & names(copied)
    assert "confusion" in names(copied)
    assert not (tmp_path / "empty").exists()


def test_path_that_is_no_run(command: Command, tmp_path: Path, trained: Path):
    for wrong in (tmp_path / "nowhere", tmp_path):
        outcome = command("report", trained, wrong)
        assert outcome.code == 2
        assert str(wrong) in outcome.error_line
        assert outcome.out == ""
    with pytest.raises(RunError):
        thriftnet.write_report(tmp_path)


def test_recipe_that_was_spoiled(copied: Path):
    (copied / "recipe.yaml").write_text("name: x\ntrian: {}\n")
    with pytest.raises(RecipeError, match="did you mean train\\?"):
        thriftnet.write_report(copied)


def test_place_that_cannot_be_written(command: Command, trained: Path, tmp_path: Path):
    file = tmp_path / "file"
    file.write_text("in the way")
    outcome = command("report", trained, "--output", file)
    assert outcome.code == 2
    assert "cannot be written" in outcome.error_line
    assert file.read_text() == "in the way"


def test_metrics_with_values_that_are_no_numbers(copied: Path):
    (copied / "predictions.npz").unlink()
    path = copied / "metrics.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        if line["kind"] == "epoch" and line["epoch"] == 2:
            line["val_loss"] = "<b>low</b>"
            line["train_loss"] = None
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    thriftnet.write_report(copied)
    assert "<b>" not in (copied / "report.html").read_text("utf-8")


@pytest.mark.usefixtures("undrawn")
def test_predictions_read_in_another_way_than_the_recipe_says(copied: Path):
    """Their figures would stand for the recipe's, and be averaged with those of other seeds."""
    run = RunFolder.open(copied)
    said = run.load_predictions()
    assert said is not None
    (logits,) = said.logits.values()
    run.save_predictions(Predictions(said.labels, {"none": logits}))
    tta = run.recipe().evaluate.tta
    assert (
        f"not evaluated with the views {tta}: evaluate the run with: thriftnet evaluate {copied}"
        in (missing_of(copied))
    )
    assert "confusion" not in names(copied)
    assert read_record(copied).test["tta"] == tta  # the figures are in the metrics all the same


@pytest.mark.usefixtures("undrawn")
def test_a_run_that_went_on_elsewhere_shows_both_places_and_both_commits(copied: Path):
    move = {"commit": "1" * 40 + "+changes", "processor": "another", "torch": "3"}
    RunFolder.open(copied).append({"kind": "environment", "step": 8, **move})
    missing_of(copied)
    page = (copied / "report.html").read_text("utf-8")
    assert f"git checkout {'0' * 40}" in page
    assert f"git checkout {'1' * 40}" in page
    assert "The code it ran from step 8 on (with uncommitted" in page
    (table,) = re.findall(r"<table[^>]*>(?:(?!</table>).)*from step 8.*?</table>", page, re.DOTALL)
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in table.split("</tr>")]
    assert ["torch", "2", "3"] in [[re.sub("<.*?>", "", c).strip() for c in row] for row in cells]
