"""Early stopping: `train.patience` ends a run whose validation accuracy no longer improves."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from small import dataset, opened, small_recipe
from thriftnet.errors import RecipeError
from thriftnet.recipe import Recipe, load_recipe
from thriftnet.runs.new_run import create_run
from thriftnet.runtime.interrupt import StopRequest
from thriftnet.training.loop import fit
from thriftnet.training.progress import Quiet
from thriftnet.training.recorder import Recorder
from thriftnet.training.setup import make_plan, make_state, recipe_network


def trained(recipe: Recipe, path: Path) -> list[dict[str, object]]:
    model = recipe_network(recipe, classes=10)
    plan = make_plan(recipe, opened(dataset()), model)
    state = make_state(recipe, plan, model)
    run = create_run(path, recipe, {})
    assert fit(plan, state, Recorder(recipe, plan, state, run, Quiet()), StopRequest())
    assert run.model_path.is_file()
    return run.metrics()


@pytest.mark.parametrize("patience", [1, 3])
def test_a_run_that_learns_nothing_stops_after_its_patience(tmp_path: Path, patience: int) -> None:
    still = {"epochs": 8, "patience": patience, "ema_decay": 0.0}
    recipe = small_recipe(train=still, optim={"lr": 1e-12, "weight_decay": 0.0})
    lines = trained(recipe, tmp_path / "run")
    epochs = [line for line in lines if line["kind"] == "epoch"]
    best = max(epochs, key=lambda line: (line["val_accuracy"], -line["epoch"]))
    assert epochs[-1]["epoch"] == best["epoch"] + patience < 8
    assert lines[-1]["kind"] == "end"
    assert lines[-1]["step"] == epochs[-1]["step"]


def test_a_run_within_its_patience_goes_to_the_end_with_the_same_weights(tmp_path: Path) -> None:
    for name, patience in (("without", 0), ("with", 3)):
        recipe = small_recipe(train={"patience": patience})
        assert trained(recipe, tmp_path / name)[-1]["step"] == 12
    without, with_it = (load_file(tmp_path / n / "model.safetensors") for n in ("without", "with"))
    assert all(torch.equal(without[key], with_it[key]) for key in without)


def test_patience_needs_validation_images_and_leaves_digests_alone() -> None:
    with pytest.raises(RecipeError, match="train.patience=3 needs validation images"):
        load_recipe("quick", ["train.patience=3", "data.val_ratio=0"])
    assert load_recipe("quick", ["train.patience=0"]).digest() == load_recipe("quick").digest()
