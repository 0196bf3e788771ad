"""An existing run folder: what it holds, and every way it can be damaged."""

import json
from pathlib import Path

import numpy as np
import pytest

from thriftnet.errors import RecipeError, RunError
from thriftnet.recipe import load_recipe
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.listing import read_run
from thriftnet.runs.paths import model_file
from thriftnet.runs.predictions import Predictions

RECIPE = load_recipe("smoke", seed=4)


def test_new_run_holds_recipe_and_environment(run: RunFolder):
    opened = RunFolder.open(run.path)
    assert opened.recipe() == RECIPE
    assert json.loads(run.environment_path.read_text())["torch"] == "2"
    assert opened.environment() == {"torch": "2"}
    assert opened.metrics() == []
    assert not opened.finished
    assert opened.name == "one"


def test_what_is_no_run_is_told(tmp_path: Path, run: RunFolder):
    with pytest.raises(RunError, match="there is no run folder"):
        RunFolder.open(tmp_path / "none")
    with pytest.raises(RunError, match="is not a run folder: it has no recipe.yaml"):
        RunFolder.open(tmp_path)
    run.recipe_path.write_text("name: x\noptim: {lrr: 1}\n")
    with pytest.raises(RecipeError, match="did you mean optim.lr"):
        run.recipe()


def test_model_file_of_runs_and_paths(run: RunFolder, tmp_path: Path):
    with pytest.raises(RunError, match="there is no run folder or model file"):
        model_file(tmp_path / "none")
    with pytest.raises(RunError, match="has no final model yet; finish it with: thriftnet train"):
        model_file(run.path)
    with pytest.raises(RunError, match="is not a run folder"):
        model_file(tmp_path)
    run.model_path.write_bytes(b"weights")
    assert run.finished
    assert model_file(run.path) == model_file(run.model_path) == run.model_path


def test_predictions_come_back_as_they_were_written(run: RunFolder):
    assert run.load_predictions() is None
    labels = np.array([3, 0, 9])
    logits = {"none": np.eye(3, 10, dtype=np.float32), "flip": np.full((3, 10), -1.5, np.float32)}
    run.save_predictions(Predictions(labels, logits))
    found = run.load_predictions()
    assert found is not None
    assert found.labels.tolist() == [3, 0, 9]
    assert found.logits.keys() == logits.keys()
    assert all(np.array_equal(found.logits[tta], logits[tta]) for tta in logits)


def test_damaged_predictions_are_written_anew_by_evaluate(run: RunFolder):
    run.save_predictions(Predictions(np.zeros(4, np.int64), {"none": np.ones((4, 2), np.float32)}))
    whole = run.predictions_path.read_bytes()
    for damaged in (
        whole[: len(whole) // 2],
        b"",
        b"PK\x03\x04",
        whole.replace(b"labels", b"lebals"),
    ):
        run.predictions_path.write_bytes(damaged)
        with pytest.raises(RunError, match=r"predictions\.npz is damaged; .*: thriftnet evaluate"):
            run.load_predictions()


def test_no_cut_recipe_is_another_recipe(run: RunFolder):
    whole = run.recipe_path.read_bytes()
    before = whole.split(b"\n", 1)[1]  # as earlier versions wrote it
    for content in (whole, before):
        for end in range(0, len(content), 7):
            run.recipe_path.write_bytes(content[:end])
            with pytest.raises(RecipeError):
                run.recipe()
            assert read_run(run).value("state") == "damaged"
    for content in (whole, before):
        run.recipe_path.write_bytes(content)
        assert run.recipe() == read_run(run).recipe == RECIPE
    run.recipe_path.write_bytes(whole.replace(b"seed: 4", b"seed: 5"))
    with pytest.raises(RecipeError, match="was cut or changed after it was written"):
        load_recipe(run.recipe_path)
