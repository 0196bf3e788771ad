"""The training loop: what it learns, what it keeps, and how it fails."""

from __future__ import annotations

import errno
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from small import dataset, opened, sitting, small_recipe, use_images
from thriftnet.augment import Augment
from thriftnet.data import CIFAR10_CLASSES, Dataset
from thriftnet.data.opened import open_arrays
from thriftnet.errors import RecipeError, RunError, TrainingError
from thriftnet.evaluation.evaluate import evaluate_on
from thriftnet.models.saved import read_model
from thriftnet.recipe import Recipe
from thriftnet.runtime.device import choose_compute
from thriftnet.training.loop import train_step
from thriftnet.training.progress import Quiet, StepStats
from thriftnet.training.resume import resume_run
from thriftnet.training.setup import make_plan, make_state, recipe_network
from thriftnet.training.start import start_run

CPU = choose_compute(device="cpu", precision="fp32")


def test_learns_colours_and_generalises(tmp_path: Path) -> None:
    recipe = small_recipe(train={"epochs": 12}, augment={"brightness": 0.0, "cutout": 0})
    _, run = sitting(recipe, tmp_path / "run", images=lambda: dataset(200))
    unseen = dataset(100, seed=7)
    evaluation = evaluate_on(read_model(run.model_path), unseen, compute=CPU, tta="none")
    assert evaluation.accuracy > 0.8  # by chance: 0.1


def test_metrics_tell_the_run(tmp_path: Path) -> None:
    finished, run = sitting(small_recipe(), tmp_path / "run")
    assert finished
    *epochs, end = run.metrics()
    assert [line["epoch"] for line in epochs] == [1, 2, 3]
    assert [line["step"] for line in epochs] == [4, 8, 12]
    assert all(line["images_per_second"] > 0 for line in epochs)
    shares = [line["cpu_contention"] for line in epochs]
    assert all(share is None or 0 <= share < 1 for share in shares)  # none: too short to tell
    assert end["kind"] == "end"
    assert end["images"] == 3 * 50
    assert end["best_val_accuracy"] == max(line["val_accuracy"] for line in epochs)


def test_select_best_keeps_the_best_epoch(tmp_path: Path) -> None:
    recipe = small_recipe(train={"select": "best", "epochs": 5}, optim={"lr": 0.05})
    _, run = sitting(recipe, tmp_path / "run")
    assert run.model_path.read_bytes() == run.best_path.read_bytes()


def test_without_validation(tmp_path: Path) -> None:
    _, run = sitting(small_recipe(data={"val_ratio": 0.0}), tmp_path / "run")
    epochs = [line for line in run.metrics() if line["kind"] == "epoch"]
    assert all(line["val_accuracy"] is None for line in epochs)
    assert not run.best_path.exists()


@pytest.mark.parametrize(
    ("epochs", "drop_last", "steps"),
    [(1, False, 3), (1.4, False, 4), (2, True, 6), (0.01, True, 1)],
)
def test_number_of_steps(epochs: float, drop_last: bool, steps: int, tmp_path: Path) -> None:
    recipe = small_recipe(
        data={"val_ratio": 0.0},
        schedule={"warmup_epochs": 0},
        train={"epochs": epochs, "drop_last": drop_last, "batch_size": 20},
    )
    finished, run = sitting(recipe, tmp_path / "run", images=lambda: dataset(60))
    assert finished
    assert run.metrics()[-1]["step"] == steps


def test_batch_larger_than_the_data_is_refused(tmp_path: Path) -> None:
    recipe = small_recipe(train={"batch_size": 5000, "drop_last": True})
    with pytest.raises(RecipeError, match="larger than the 50 training images"):
        sitting(recipe, tmp_path / "run")


@pytest.mark.parametrize(
    ("data", "train", "told"),
    [
        (
            {"val_ratio": 0.001},
            {"select": "best"},
            "0.001 holds out no image, and train.select=best",
        ),
        ({"val_ratio": 0.99}, {}, r"val_ratio 0\.99 holds out all images .*; lower it"),
    ],
)
def test_a_split_that_leaves_nothing_is_refused_before_training(
    data: dict[str, float], train: dict[str, str], told: str, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match=told):
        sitting(small_recipe(data=data, train=train), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_loss_that_is_not_finite_ends_the_run(tmp_path: Path) -> None:
    recipe = small_recipe(optim={"lr": 1e30}, schedule={"warmup_epochs": 0})
    with pytest.raises(TrainingError, match=r"step [1-9].*lower optim\.lr") as caught:
        sitting(recipe, tmp_path / "run")
    assert caught.value.exit_code == 1
    assert not (tmp_path / "run" / "model.safetensors").exists()


def test_full_disk_keeps_the_checkpoint_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, run = sitting(small_recipe(), tmp_path / "run", stop_after=4)
    before = run.last_path.read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(RunError, match="disk is full"):
            sitting(small_recipe(), tmp_path / "run")
    assert run.last_path.read_bytes() == before
    assert not list(run.path.glob("**/.*"))
    finished, _ = sitting(small_recipe(), tmp_path / "run")
    assert finished


def test_micro_batches_add_up_to_the_batch() -> None:
    """Twins in both halves have the batch norm statistics of the whole, so gradients agree."""
    half = dataset(16)
    twins = Dataset(
        np.concatenate([half.images, half.images]),
        np.concatenate([half.labels, half.labels]),
        CIFAR10_CLASSES,
    )
    gradients = []
    for micro_batch in (0, 16):
        recipe = small_recipe(
            data={"val_ratio": 0.0},
            augment={"flip": "none", "crop_padding": 0, "brightness": 0.0, "cutout": 0},
            model={"stochastic_depth": 0.0},
            optim={"name": "sgd", "lr": 1.0, "momentum": 0.0, "weight_decay": 0.0},
            schedule={"name": "constant", "warmup_epochs": 0},
            train={"batch_size": 32, "micro_batch": micro_batch, "ema_decay": 0.0},
        )
        model = recipe_network(recipe, classes=10)
        before = [p.detach().clone() for p in model.parameters()]
        plan = make_plan(recipe, open_arrays(twins), model)
        state = make_state(recipe, plan, model)
        train_step(plan, state, torch.arange(32), epoch=0)
        gradients.append([a - b.detach() for a, b in zip(before, model.parameters(), strict=True)])
    for whole, parts in zip(*gradients, strict=True):
        torch.testing.assert_close(parts, whole, rtol=1e-3, atol=1e-5)


def test_label_smoothing_raises_the_floor_of_the_loss(tmp_path: Path) -> None:
    """With smoothing s over 10 classes no prediction has a loss under the targets' entropy."""
    smoothing = 0.2
    recipe = small_recipe(train={"label_smoothing": smoothing, "epochs": 6})
    _, run = sitting(recipe, tmp_path / "run")
    targets = [1 - smoothing + smoothing / 10] + [smoothing / 10] * 9
    entropy = -sum(p * math.log(p) for p in targets)
    assert all(line["train_loss"] > entropy for line in run.metrics() if line["kind"] == "epoch")


@pytest.mark.parametrize(
    "edited",
    [
        small_recipe(model={"channels": [4, 12]}),
        small_recipe(train={"epochs": 5}),
        small_recipe(optim={"lr": 0.02}),
        small_recipe(augment={"cutout": 8}),
        small_recipe(seed=1),
    ],
    ids=["other weights", "more epochs", "another rate", "more augmentation", "another seed"],
)
def test_checkpoint_of_another_recipe_is_refused(
    edited: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Someone edited recipe.yaml between two sittings; the run's name would say what it is not."""
    use_images(monkeypatch)
    _, run = sitting(small_recipe(), tmp_path / "run", stop_after=1)
    run.recipe_path.write_text(edited.to_yaml())
    with pytest.raises(RunError, match="does not fit its recipe.yaml"):
        resume_run(run.path)
    run.recipe_path.write_text(small_recipe(train={"device": "cpu"}).to_yaml())
    assert resume_run(run.path).finished  # a run may go on elsewhere


def test_an_image_that_some_epochs_leave_out_still_shows_its_sides_in_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recipe = small_recipe(augment={"flip": "alternating"}, train={"micro_batch": 8})
    network = recipe_network(recipe, classes=10)
    plan = make_plan(recipe, opened(), network)
    state = make_state(recipe, plan, network)
    apply, times = Augment.apply, dict[int, list[int]]()

    def spy(self: Augment, *args: Any, indices: Tensor, visits: Tensor, **more: Any) -> Tensor:
        for index, count in zip(indices.tolist(), visits.tolist(), strict=True):
            times.setdefault(index, []).append(count)
        return apply(self, *args, indices=indices, visits=visits, **more)

    monkeypatch.setattr(Augment, "apply", spy)
    for epoch, batch in enumerate((torch.arange(16), torch.arange(8, 24), torch.arange(16))):
        train_step(plan, state, batch, epoch=epoch)
    assert times == {i: [0, 1] if i < 8 else [0, 1, 2] if i < 16 else [0] for i in range(24)}


def test_what_a_step_keeps_of_losses_is_the_recipes_average() -> None:
    batch, found = torch.arange(16), dict[float, list[Tensor]]()
    for decay in (0.0, 0.75):
        hard = {"hard_fraction": 0.5, "full_epochs": 1, "loss_decay": decay}
        recipe = small_recipe(schedule={"name": "linear"}, train=hard)
        network = recipe_network(recipe, classes=10)
        plan = make_plan(recipe, opened(), network)
        state = make_state(recipe, plan, network)
        for _ in range(2):
            train_step(plan, state, batch, epoch=0)
            found.setdefault(decay, []).append(state.losses[batch].clone())
    (first, second), (again, average) = found.values()
    assert torch.equal(first, again)
    assert not torch.allclose(first, second)
    torch.testing.assert_close(average, 0.75 * first + 0.25 * second)


def test_stem_bias_is_trained_in_its_epochs_only() -> None:
    model = {"family": "speednet", "blocks": [1], "channels": [8]}
    optim = {"name": "muon", "lr": 0.1, "bias_lr": 0.1, "head_lr": 0.1}
    recipe = small_recipe(model=model, optim=optim, train={"stem_epochs": 1, "ema_decay": 0})
    network = recipe_network(recipe, classes=10)
    plan = make_plan(recipe, opened(), network)
    state = make_state(recipe, plan, network)
    bias, head = network.get_parameter("stem.bias"), network.get_parameter("head.weight")
    moved: list[tuple[bool, bool]] = []
    for epoch in (0, 1, 2):
        before = bias.clone(), head.clone()
        train_step(plan, state, torch.arange(16), epoch=epoch)
        moved.append((not torch.equal(bias, before[0]), not torch.equal(head, before[1])))
    assert moved == [(True, True), (False, True), (False, True)]


def test_stem_epochs_of_a_network_without_one_are_refused() -> None:
    with pytest.raises(RecipeError, match=r"train\.stem_epochs is for model\.family=speednet"):
        small_recipe(train={"stem_epochs": 1})


def test_a_run_that_is_moved_begins_no_other_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a better epoch, training went on into a folder of the old name, without a recipe."""
    use_images(monkeypatch)
    runs = tmp_path / "runs"

    class Moving(Quiet):
        def step(self, stats: StepStats) -> None:
            if stats.step == 3:
                (runs / "a").rename(runs / "b")

    with pytest.raises(RunError, match="a was moved or removed while it was trained; give the new"):
        start_run(small_recipe(), name="a", runs_dir=runs, progress=Moving())
    assert list(runs.iterdir()) == [runs / "b"]
    assert resume_run(runs / "b").finished
