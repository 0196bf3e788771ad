"""Builds the plan and the state of a training from a recipe and its images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from thriftnet.augment import Augment, Mix, normalise
from thriftnet.data import OpenDataset
from thriftnet.data.balance import BalancedOrder, balanced
from thriftnet.data.options import Fit
from thriftnet.errors import RecipeError
from thriftnet.inference.engine import Engine
from thriftnet.models.build import build_model
from thriftnet.models.describe import training_flops
from thriftnet.models.saved import SavedModel
from thriftnet.models.speednet import SpeedNet
from thriftnet.optim.build import build_optimisers
from thriftnet.optim.schedules import Schedule, build_schedule
from thriftnet.recipe import Recipe
from thriftnet.recipe.epochs import Epochs
from thriftnet.recipe.few_images import check_epochs, without_lone_image
from thriftnet.runtime.device import Compute, choose_compute
from thriftnet.training.averaging import Average, Interpolation
from thriftnet.training.distributed import norms
from thriftnet.training.distributed.micro_batches import (
    check_lone_image,
    check_memory,
    fits_at_once,
)
from thriftnet.training.distributed.processes import ALONE, Processes
from thriftnet.training.distributed.shared_step import must_split
from thriftnet.training.images import (
    HELD_OUT,
    PrepareTensors,
    check_image_size,
    check_selection,
    prepare_tensors,
    recipe_augment,
    recipe_mix,
)
from thriftnet.training.objective import Objective, build_objective
from thriftnet.training.order import random_order
from thriftnet.training.rng import derive_seed, generator
from thriftnet.training.sizes import Sizes
from thriftnet.training.state import TrainingState
from thriftnet.training.update import UPDATES, Update
from thriftnet.weights.initial import load_initial

_WHITENING_IMAGES = 5000
"""Images for the patches of a whitening stem; more make no measurable difference. Fewer for images
larger than 32 pixels, as 5,000 of 128 pixels would take 9 GB."""


@dataclass(frozen=True)
class Plan:
    """Everything that stays constant during a training."""

    seed: int
    compute: Compute
    images: Tensor
    """(N, 3, H, W) uint8, channels-last, on the device."""
    labels: Tensor
    """(N,) int64, on the device."""
    val_images: Tensor
    val_labels: Tensor
    """As images and labels; of length 0 without validation."""
    classes: tuple[str, ...]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    fit: Fit
    """How pictures are made square."""
    data: Mapping[str, str]
    """Digests of the images."""
    augment: Augment
    mix: Mix | None
    schedule: Schedule
    batch_size: int
    micro_batch: int
    views: int
    """How often a step sees each image."""
    epochs: Epochs
    total_steps: int
    balance: BalancedOrder | None
    """Order of an epoch's images with oversampling of small classes; None: `random_order`."""
    objective: Objective
    """Computes the loss."""
    update: Update
    """Takes a step, and counts its operations."""
    sizes: Sizes
    """Image size of each epoch."""
    stem_epochs: int | None
    """Epochs that train a whitening stem's bias; None: all."""
    processes: Processes
    """The process group."""
    sync_batch_norm: bool
    """Whether each micro-batch is split between the processes."""
    at_once: bool
    """Whether a whole batch goes through the network at once, for an accelerator."""

    @property
    def macs(self) -> int:
        """Multiply-accumulates of a forward pass at full image size."""
        return self.sizes.macs[self.sizes.full]

    @property
    def pixels(self) -> dict[str, int]:
        """Height and width of the images at full size."""
        return {"height": self.images.shape[2], "width": self.images.shape[3]}

    def engine(self, network: nn.Module) -> Engine:
        """An engine for a network in training, which cannot be optimized for inference."""
        return Engine(network, mean=self.mean, std=self.std, compute=self.compute)

    def order(self, epoch: int, losses: Tensor) -> Tensor:
        """Positions of an epoch's images in random order, (n,) int64 on the CPU.

        Args:
            epoch: Counted from 0.
            losses: (N,) float32, of each training image.
        """
        draws = generator(self.seed, "order", epoch)
        if self.balance is not None:
            return self.balance(generator=draws)
        return random_order(self.epochs, epoch, losses, generator=draws)

    def operations(self, steps: int) -> int:
        """Operations of training for the first `steps` steps."""
        return self.update.operations(self.sizes, self.epochs, steps)

    def image_operations(self, side: int | None = None) -> int:
        """Operations of training on one image of `side` pixels in a step; None: of full size."""
        return self.views * training_flops(self.sizes.macs[side or self.sizes.full], 1)


def make_plan(
    recipe: Recipe,
    data: OpenDataset,
    model: nn.Module,
    processes: Processes = ALONE,
    *,
    prepare: PrepareTensors = prepare_tensors,
    resumed: bool = False,
) -> Plan:
    """Build the plan of a training.

    Args:
        recipe: The recipe.
        data: The data set.
        model: The recipe's network, to count its operations.
        processes: The process group.
        prepare: Splits the images and prepares their tensors.
        resumed: Whether it has begun, so that its micro-batches cannot change any more.

    Raises:
        RecipeError: The device is not available, the split leaves less than one batch or no
            validation images, a micro-batch is too small for the processes or too large for the
            memory, or batch norm would get a single value per channel.
    """
    settings = recipe.train
    check_image_size(recipe, data)
    compute = choose_compute(device=settings.device, precision=settings.precision)
    processes.check_device(compute.device)
    micro_batch = settings.micro_batch or settings.batch_size
    split = must_split(
        processes,
        batch_size=settings.batch_size,
        micro_batch=micro_batch,
        split=settings.sync_batch_norm,
    )
    placed = prepare(recipe, data, compute.device)
    epochs = Epochs.of(settings, images=len(placed.images))
    check_epochs(recipe, images=epochs.images)
    sizes = Sizes.of(model, settings.sizes, full=recipe.data.image_size)
    if not resumed:
        check_memory(model, settings, epochs, compute, side=sizes.full)
    weights, balance = balanced(recipe.data.balance, placed.labels, classes=len(data.classes))
    if epochs.has_lone_image(micro_batch):
        changes = without_lone_image(settings, images=epochs.images)
        check_lone_image(model, side=min(sizes.macs), changes=changes)
    check_selection(recipe, validation_images=len(placed.val_images))
    return Plan(
        seed=recipe.seed,
        compute=compute,
        images=placed.images,
        labels=placed.labels,
        val_images=placed.val_images,
        val_labels=placed.val_labels,
        classes=data.classes,
        mean=data.mean,
        std=data.std,
        fit=data.fit,
        data={**data.digests(), **placed.digests},
        augment=recipe_augment(recipe, mean=data.mean, std=data.std),
        mix=recipe_mix(recipe),
        schedule=build_schedule(steps_per_epoch=epochs.full_steps, **recipe.schedule.model_dump()),
        batch_size=min(settings.batch_size, epochs.images),
        micro_batch=min(micro_batch, epochs.images),
        views=settings.views,
        epochs=epochs,
        total_steps=epochs.steps(settings.epochs),
        balance=balance,
        objective=build_objective(settings, compute, weights),
        update=UPDATES["descent"](settings),
        stem_epochs=settings.stem_epochs,
        sizes=sizes,
        processes=processes,
        sync_batch_norm=split,
        at_once=processes.alone
        and not compute.prefers_small
        and fits_at_once(model, settings, epochs, compute, side=sizes.full),
    )


def recipe_network(recipe: Recipe, *, classes: int) -> nn.Module:
    """The network of a recipe, with weights drawn from its seed, within its budget.

    Raises:
        RecipeError: The network has more than `max_parameters`.
    """
    return build_model(
        classes=classes,
        seed=derive_seed(recipe.seed, "weights"),
        max_parameters=recipe.max_parameters,
        **recipe.model.model_dump(),
    )


def make_state(
    recipe: Recipe, plan: Plan, model: nn.Module, *, resumed: bool = False
) -> TrainingState:
    """The initial state of a training.

    Args:
        recipe: The recipe.
        plan: Its plan.
        model: Its network, freshly initialised.
        resumed: Whether a checkpoint will replace the weights; then initial weights are not loaded.

    Raises:
        RunError: The initial weights are missing or damaged.
        RecipeError: They are to be kept in part, and are of other classes.
    """
    init = recipe.init
    if init.weights is not None and not resumed:
        same = load_initial(recipe, model, plan.classes)
        if init.keep and not same:
            raise RecipeError(
                f"init.keep={init.keep:g} needs the classes of {init.weights}, as others get a new "
                "head; leave it out"
            )
    elif isinstance(model, SpeedNet):
        count = min(_WHITENING_IMAGES, _WHITENING_IMAGES * 32**2 // plan.images.shape[3] ** 2)
        model.whiten(normalise(plan.images[:count].cpu(), mean=plan.mean, std=plan.std))
    model.to(plan.compute.device)
    plan.processes.broadcast_weights(model)
    if plan.sync_batch_norm and not plan.processes.alone:
        norms.synchronise(model)
    if plan.at_once:
        norms.split(model, plan.micro_batch)
    return TrainingState(
        model=model,
        optimisers=build_optimisers(
            model,
            body_lr=1.0 if init.weights is None else init.body_lr,
            **recipe.optim.model_dump(),
        ),
        average=Average(model, decay=recipe.train.ema_decay) if recipe.train.ema_decay else None,
        interpolation=Interpolation(model, keep=init.keep) if init.keep else None,
        total_steps=plan.total_steps,
        losses=torch.full((len(plan.images),), torch.inf),
        visits=torch.zeros(len(plan.images), dtype=torch.int64),
    )


def as_saved(recipe: Recipe, plan: Plan, network: nn.Module) -> SavedModel:
    """A trained network with all that is needed to use it."""
    usual = recipe.data.dataset == "cifar10" and HELD_OUT not in plan.data
    return SavedModel(
        network=network,
        architecture=recipe.model.model_dump(mode="json"),
        classes=plan.classes,
        mean=plan.mean,
        std=plan.std,
        image_size=plan.sizes.full,
        tta=recipe.evaluate.tta,
        fit=plan.fit,
        about={
            "recipe": recipe.name,
            "digest": recipe.digest(),
            "seed": recipe.seed,
            **({} if usual else {"data": dict(plan.data)}),
        },
    )
