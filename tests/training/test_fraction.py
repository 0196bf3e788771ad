"""Training on fewer and smaller images, and stopping at an epoch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from small import dataset, opened, sitting, small_recipe
from thriftnet.errors import RecipeError
from thriftnet.evaluation.evaluate import evaluate_on
from thriftnet.models.saved import read_model
from thriftnet.recipe import build_recipe
from thriftnet.recipe.overrides import merge_override, parse_override
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.new_run import create_run
from thriftnet.runtime.device import choose_compute
from thriftnet.runtime.interrupt import StopRequest
from thriftnet.runtime.resize import shrink
from thriftnet.training.images import ImageTensors, prepare_tensors, split_positions
from thriftnet.training.loop import fit
from thriftnet.training.progress import Quiet
from thriftnet.training.recorder import Recorder
from thriftnet.training.setup import Plan, make_plan, make_state, recipe_network


def test_a_fraction_keeps_the_validation_images_and_the_classes_shares():
    images = dataset(1000)
    labels = images.labels
    whole = split_positions(small_recipe(), images)
    part = split_positions(small_recipe(data={"fraction": 0.25}), images)
    assert np.array_equal(whole[1], part[1])
    assert set(part[0]) < set(whole[0])
    held_out, used = np.bincount(labels[whole[1]]), np.bincount(labels[part[0]])
    assert np.abs(used - (np.bincount(labels) - held_out) * 0.25).max() <= 0.5


def test_a_fraction_keeps_an_image_of_every_class():
    images = dataset(1000)
    labels = images.labels.copy()
    labels[labels == 3] = 4
    labels[0] = 3  # the only one
    rare = type(images)(images.images, labels, images.classes)
    part, _ = split_positions(small_recipe(data={"fraction": 0.1, "val_ratio": 0.0}), rare)
    assert set(labels[part]) == set(range(10))
    assert (labels[part] == 3).sum() == 1
    assert len(part) < 110


def test_images_of_one_group_are_on_one_side_of_validation():
    images = dataset(200)
    groups = np.arange(200) // 2
    grouped = type(images)(images.images, images.labels, images.classes, groups)
    train_at, val_at = split_positions(small_recipe(), grouped)
    assert len(val_at) > 0
    assert len(train_at) + len(val_at) == 200
    assert not set(groups[train_at]) & set(groups[val_at])


def test_small_images_cost_a_quarter_and_stay_small_to_the_test(tmp_path: Path):
    recipe = small_recipe(data={"image_size": 16}, train={"epochs": 1})
    _, run = sitting(recipe, tmp_path / "run")
    model = read_model(run.model_path)
    assert model.image_size == 16
    test_set = dataset(30, seed=1)
    compute = choose_compute(precision="fp32")
    found = evaluate_on(model, test_set, compute=compute, tta="none")
    small = torch.from_numpy(test_set.images.copy()).permute(0, 3, 1, 2)
    small = shrink(small, 16).permute(0, 2, 3, 1).numpy()
    again = evaluate_on(
        model, type(test_set)(small, test_set.labels, test_set.classes), compute=compute, tta="none"
    )
    assert again == found

    def plan_macs(side: int) -> int:
        sized = small_recipe(data={"image_size": side})
        return make_plan(sized, opened(), recipe_network(sized, classes=10)).macs

    assert plan_macs(16) / plan_macs(32) == pytest.approx(0.25, rel=0.01)


def test_images_are_never_enlarged():
    with pytest.raises(RecipeError, match=r"train\.sizes has 24 pixels, more than data\.image_siz"):
        small_recipe(data={"image_size": 16}, train={"sizes": ((1, 24),)})


@pytest.mark.parametrize(
    ("train", "fits"),
    [
        ({"batch_size": 49}, False),  # of 50 images, one is left
        ({"batch_size": 49, "drop_last": True}, True),
        ({"batch_size": 16, "micro_batch": 5}, False),
        ({"batch_size": 16, "micro_batch": 6}, True),
        ({"batch_size": 10, "hard_fraction": 0.5}, True),
        ({"batch_size": 24, "hard_fraction": 0.5}, False),
    ],
)
def test_one_image_at_one_pixel_has_no_batch_norm(train: dict[str, object], fits: bool):
    """Without a word before, PyTorch would refuse it in the middle of an epoch."""
    deep = {"family": "speednet", "blocks": [1, 1, 1, 1], "channels": [4, 4, 4, 4]}
    recipe = small_recipe(model=deep, train=train)

    def plan() -> Plan:
        return make_plan(recipe, opened(), recipe_network(recipe, classes=10))

    if fits:
        assert len(plan().images) == 50
        return
    with pytest.raises(RecipeError, match="32 pixels end at a grid of one .*; add --set") as told:
        plan()
    tree = recipe.model_dump(mode="json")
    for option in str(told.value).rpartition("; add --set ")[2].split(" --set "):
        merge_override(tree, *parse_override(option))
    recipe = build_recipe(tree)
    plan()  # what it says helps at once
    wide = {"family": "speednet", "blocks": [1, 1, 1], "channels": [4, 4, 4]}
    recipe = small_recipe(model=wide, train=train)
    plan()


def test_a_run_that_is_past_the_epoch_it_is_to_stop_at_stays_there(tmp_path: Path):
    recipe = small_recipe()
    path = tmp_path / "run"
    _, run = sitting(recipe, path, stop_after=8)  # four steps an epoch
    before = run.load_state()
    model = recipe_network(recipe, classes=10)
    plan = make_plan(recipe, opened(), model)
    state = make_state(recipe, plan, model)
    state.load_checkpoint(before)
    for until in (1, 2):
        assert not fit(
            plan, state, Recorder(recipe, plan, state, run, Quiet()), StopRequest(), until=until
        )
    assert state.step == before["step"] == 8


def test_a_run_that_stops_at_each_epoch_ends_as_an_unbroken_one(tmp_path: Path):
    recipe = small_recipe(data={"fraction": 0.5})
    _, whole = sitting(recipe, tmp_path / "whole")
    path = tmp_path / "paused"
    for until in (1, 2, None):
        model = recipe_network(recipe, classes=10)
        plan = make_plan(recipe, opened(), model)
        state = make_state(recipe, plan, model)
        if path.exists():
            run = RunFolder.open(path)
            state.load_checkpoint(run.load_state())
        else:
            run = create_run(path, recipe, {})
        finished = fit(
            plan, state, Recorder(recipe, plan, state, run, Quiet()), StopRequest(), until=until
        )
        epochs = [line["epoch"] for line in run.metrics() if line["kind"] == "epoch"]
        assert epochs[-1] == (until or 3)
        assert finished == (until is None)
    paused = RunFolder.open(path)
    assert paused.model_path.read_bytes() == whole.model_path.read_bytes()


def test_images_that_are_asked_for_again_are_at_hand_and_others_are_not_taken_for_them():
    placed, cpu = ImageTensors(), torch.device("cpu")
    recipe = small_recipe(data={"fraction": 0.5, "image_size": 16})
    first = placed(recipe, opened(), cpu)
    other = recipe.model_copy(update={"name": "other"})
    assert placed(other, opened(), cpu) is first
    for changed in (
        small_recipe(data={"fraction": 0.25, "image_size": 16}),
        recipe.model_copy(update={"seed": 1}),
        recipe,
    ):
        found, anew = placed(changed, opened(), cpu), prepare_tensors(changed, opened(), cpu)
        assert found is not first
        for name, value in vars(anew).items():
            same = getattr(found, name)
            assert torch.equal(same, value) if isinstance(value, torch.Tensor) else same == value
