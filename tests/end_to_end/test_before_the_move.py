"""What commit d257c83 wrote, before files and identifiers moved, is read and continued."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import thriftnet as library
from commands import Command
from thriftnet.data import Dataset
from thriftnet.runs.folder import RunFolder

pytestmark = pytest.mark.usefixtures("svg_alone")
KEPT = Path(__file__).parents[1] / "support" / "before_the_move"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A copy of the kept folders."""
    return shutil.copytree(KEPT, tmp_path / "old")


def last(run: Path, kind: str) -> dict[str, Any]:
    return [line for line in RunFolder.open(run).metrics() if line["kind"] == kind][-1]


def test_runs_are_listed(thriftnet: Command, old: Path):
    listed = thriftnet("runs", "--runs-dir", old, "--sort", "name", "--json")
    rows = json.loads(listed.out)
    assert [(r["name"], r["state"], r["epoch"], r["accuracy"]) for r in rows] == [
        ("finished", "finished", 2, 0.1504),
        ("interrupted", "interrupted", 1, None),
    ]


def test_weights_classify_and_evaluate_as_they_did(
    thriftnet: Command, old: Path, cifar10: tuple[Dataset, Dataset]
):
    stated = last(old / "finished", "test")
    outcome = thriftnet("evaluate", old / "finished", "--json")
    assert "model.safetensors has no digest, as an earlier version wrote it" in outcome.err
    found = json.loads(outcome.out)
    assert found["parameters"] == 436
    # Another processor computes in another precision.
    measured = last(old / "finished", "test")
    assert measured["accuracy"] == pytest.approx(stated["accuracy"], abs=0.003)
    assert measured["loss"] == pytest.approx(stated["loss"], abs=0.001)
    picture = old / "picture.png"
    Image.fromarray(cifar10[1].images[0]).save(picture)
    model = library.load_model(old / "finished" / "model.safetensors")
    (prediction,) = library.predict(model, [picture])
    assert prediction.label in cifar10[1].classes


def test_a_checkpoint_resumes_to_what_the_unbroken_run_reached(thriftnet: Command, old: Path):
    assert thriftnet("train", "--resume", old / "interrupted").code == 0
    resumed, unbroken = (last(old / name, "epoch") for name in ("interrupted", "finished"))
    assert resumed["step"] == unbroken["step"] == 20
    for key in ("train_loss", "val_loss"):
        assert resumed[key] == pytest.approx(unbroken[key], rel=1e-3)


@pytest.mark.parametrize("name", ["finished", "interrupted", "study"])
def test_reports_are_written(thriftnet: Command, old: Path, name: str):
    assert thriftnet("report", old / name).code == 0
    page = (old / name / "report.html").read_text("utf-8")
    assert {"finished": "15.04%", "interrupted": "10.90%", "study": "13.40%"}[name] in page


def test_runs_compare(thriftnet: Command, old: Path):
    shutil.copytree(old / "finished", old / "other")
    compared = json.loads(thriftnet("compare", old / "finished", old / "other", "--json").out)
    # Of the 500 images whose predictions were kept.
    assert {group["accuracy"] for group in compared["groups"]} == {0.168}


def test_a_study_tells_its_state_and_goes_on(thriftnet: Command, old: Path):
    study = old / "study"
    told = thriftnet("search", "status", study, "--json")
    stages = {stage["name"]: stage for stage in json.loads(told.out)["stages"]}
    assert {name: (s["state"], s["done"]) for name, s in stages.items()} == {
        "grid": ("done", 6),
        "analysis": ("done", 0),
        "refinement": ("done", 2),
        "validation": ("done", 6),
    }
    before = {path.name: path.read_bytes() for path in study.glob("*.json")}
    assert thriftnet("search", study / "space.yaml", "--study", study).code == 0
    assert {path.name: path.read_bytes() for path in study.glob("*.json")} == before


def test_a_study_that_was_stopped_in_its_validation_is_finished(thriftnet: Command, old: Path):
    study = old / "study"
    with contextlib.closing(sqlite3.connect(study / "study.db")) as database, database:
        database.execute("delete from jobs where stage like 'validation%'")
    for path in (study / "validation.json", study / "winner.yaml"):
        path.unlink()
    shutil.rmtree(study / "trials" / "validation")
    assert thriftnet("search", study / "space.yaml", "--study", study).code == 0
    outcome = json.loads((study / "validation.json").read_text("utf-8"))
    contenders = {entry["candidate"]: set(entry["seeds"]) for entry in outcome["ranking"]}
    before = json.loads((KEPT / "study" / "validation.json").read_text("utf-8"))
    assert contenders == {each["candidate"]: set(each["seeds"]) for each in before["ranking"]}
    assert (study / "winner.yaml").is_file()
