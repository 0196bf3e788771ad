"""Training and inference speed of a recipe on this machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from thriftnet.bench.clock import median_seconds
from thriftnet.data import Dataset, OpenDataset
from thriftnet.data.opened import open_arrays
from thriftnet.data.registry import known_classes
from thriftnet.inference.engine import Engine
from thriftnet.models.describe import count_parameters, training_flops
from thriftnet.recipe import Recipe
from thriftnet.recipe.epochs import Epochs
from thriftnet.recipe.few_images import check_epochs
from thriftnet.training.loop import train_step
from thriftnet.training.rng import generator
from thriftnet.training.setup import Plan, as_saved, make_plan, make_state, recipe_network
from thriftnet.training.state import TrainingState

_CLASSES = known_classes("cifar10") or ()
_SIDE = 32
CIFAR10_TRAIN = 50_000
"""Training images of CIFAR-10, before any are held out."""


@dataclass(frozen=True)
class TrainingSpeed:
    """Training speed and cost of a recipe on this machine."""

    parameters: int
    macs: int
    """Of one image's forward pass."""
    precision: str
    epochs: float
    images_per_second: float
    augmentation_share: float
    """Share of the time of a step."""
    pflop: float
    """Operations of the whole training."""
    expected_seconds: float
    """Training time, without start-up and evaluation."""
    views: int = 1
    """Views of each image per step."""

    @property
    def flops_per_second(self) -> float:
        """Operations of convolutions and linear layers per second."""
        return self.views * training_flops(self.macs, 1) * self.images_per_second


@dataclass(frozen=True)
class InferenceSpeed:
    """Inference speed on this machine, without TTA."""

    images_per_second: float
    """In batches of 250."""
    latency_seconds: float
    """Of a single image."""


def training_speed(recipe: Recipe, *, seconds: float) -> TrainingSpeed:
    """Time training steps of a recipe on noise, including augmentation and optimiser.

    Raises:
        RecipeError: The network is over its budget, its device is not available, or an epoch has no
            complete batch.
    """
    share = (1 - recipe.data.val_ratio) * recipe.data.fraction
    images = round(CIFAR10_TRAIN * share)
    check_epochs(recipe, images=images)
    epochs = Epochs.of(recipe.train, images=images)
    plan, state = noise_training(recipe)
    took = median_seconds(noise_steps(plan, state), seconds=seconds)
    batch = torch.arange(plan.batch_size)

    def augment() -> None:  # in the same chunks as `train_step`
        for part in batch.split(plan.micro_batch if plan.compute.prefers_small else len(batch)):
            draws = generator(recipe.seed, "augment", 0)
            plan.augment(plan.images[part], indices=part, visits=0, generator=draws)
        if plan.compute.device.type != "cpu":  # wait for the result
            torch.accelerator.synchronize(plan.compute.device)

    model = recipe_network(recipe, classes=len(_CLASSES))
    rate = plan.batch_size / took
    operations = plan.update.operations(plan.sizes, epochs, epochs.steps(recipe.train.epochs))
    return TrainingSpeed(
        parameters=count_parameters(model),
        macs=plan.macs,
        precision=plan.compute.precision,
        epochs=recipe.train.epochs,
        images_per_second=rate,
        augmentation_share=median_seconds(augment, seconds=seconds / 10) / took,
        pflop=operations / 1e15,
        expected_seconds=operations / plan.image_operations() / rate,
        views=plan.views,
    )


def inference_speed(recipe: Recipe, *, seconds: float) -> InferenceSpeed:
    """Time inference of the recipe's network on noise, as in `evaluate` and `predict`."""
    plan, _ = noise_training(recipe)
    network = recipe_network(recipe, classes=len(_CLASSES))
    engine = Engine.of(as_saved(recipe, plan, network), plan.compute)

    def infer(count: int) -> None:
        engine.logits(plan.images[:count])

    return InferenceSpeed(
        images_per_second=250 / median_seconds(lambda: infer(250), seconds=seconds),
        latency_seconds=median_seconds(lambda: infer(1), seconds=seconds / 10, least=10),
    )


def noise_training(recipe: Recipe, *, images: int | None = None) -> tuple[Plan, TrainingState]:
    """Set up a training of a recipe on noise, using all images.

    Args:
        recipe: The recipe.
        images: Number of images; None: enough for two batches.

    Raises:
        RecipeError: The network is over its budget, or the device is not there.
    """
    model = recipe_network(recipe, classes=len(_CLASSES))
    recipe = _on_all_images(recipe)
    count = images or max(2 * recipe.train.batch_size, 1000)
    plan = make_plan(recipe, _noise(count, side=max(_SIDE, recipe.data.image_size)), model)
    return plan, make_state(recipe, plan, model)


def noise_steps(plan: Plan, state: TrainingState) -> Callable[[], None]:
    """A function that takes a training step on noise, restarting the schedule at its end.

    After its end a schedule may give a learning rate of 0.
    """
    batch = torch.arange(plan.batch_size)

    def step() -> None:
        state.step %= state.total_steps
        train_step(plan, state, batch, epoch=plan.sizes.first_whole_epoch)

    return step


def _on_all_images(recipe: Recipe) -> Recipe:
    """The recipe without validation split, subset and hard-example mining."""
    data = recipe.data.model_copy(update={"val_ratio": 0.0, "fraction": 1.0})
    every = {"hard_fraction": 1.0, "full_epochs": 0, "loss_decay": 0.0, "select": "final"}
    most = min(recipe.train.batch_size, CIFAR10_TRAIN)  # no batch has more images
    train = recipe.train.model_copy(update={**every, "batch_size": most})
    return recipe.model_copy(update={"data": data, "train": train})


def _noise(count: int, *, side: int) -> OpenDataset:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, size=(count, side, side, 3), dtype=np.uint8)
    labels = np.arange(count, dtype=np.int64) % len(_CLASSES)
    return open_arrays(Dataset(images, labels, _CLASSES), name="noise")
