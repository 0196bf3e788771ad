"""Epochs and steps, where later epochs may visit only the images that are still hard."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from thriftnet.errors import RecipeError
from thriftnet.recipe.sections import TrainSection


@dataclass(frozen=True)
class Epochs:
    """How many steps each epoch has: the first ones visit every image, later ones fewer."""

    images: int
    batch_size: int
    drop_last: bool
    hard_fraction: float = 1.0
    """Share of the images that a later epoch visits."""
    full_epochs: int = 0
    """Epochs that visit all of them before that."""
    loss_decay: float = 0.0
    """What the average of an image's losses keeps of it when the image is seen again."""

    @classmethod
    def of(cls, settings: TrainSection, *, images: int) -> Epochs:
        """Those of a recipe over so many training images."""
        return cls(
            images=images,
            batch_size=settings.batch_size,
            drop_last=settings.drop_last,
            hard_fraction=settings.hard_fraction,
            full_epochs=settings.full_epochs,
            loss_decay=settings.loss_decay,
        )

    def check(self) -> None:
        """See that every epoch has a step.

        Raises:
            RecipeError: The images of one are less than a batch, or none.
        """
        if self.images == 0:
            raise RecipeError(
                "data.val_ratio and data.fraction leave no training images; "
                "lower the one or raise the other"
            )
        if self.steps_in(self.full_epochs) == 0:
            raise RecipeError(
                f"train.batch_size {self.batch_size} is larger than the {self.hard_images} "
                "training images of an epoch; lower it or set train.drop_last=false"
            )

    @property
    def full_steps(self) -> int:
        """Steps of an epoch over all images."""
        return self._steps(self.images)

    @property
    def hard_images(self) -> int:
        """Images of a later epoch."""
        share = round(self.images * self.hard_fraction, 6)  # 50,000 x 0.28 is a trifle over 14,000
        return math.ceil(share)

    def micro_batches(self, size: int) -> set[int]:
        """How many images a micro-batch of the run may have, where most have `size`."""
        visited = {self.hard_images, self.images if self.full_epochs else self.hard_images}
        left = set[int]() if self.drop_last else {images % self.batch_size for images in visited}
        return {part for batch in {self.batch_size, *left} for part in (size, batch % size)}

    def steps_in(self, epoch: int) -> int:
        """Steps of an epoch, counted from 0."""
        return self.full_steps if epoch < self.full_epochs else self._steps(self.hard_images)

    def first_step(self, epoch: int) -> int:
        """The number of the first step of an epoch."""
        full = min(epoch, self.full_epochs)
        return full * self.full_steps + (epoch - full) * self.steps_in(self.full_epochs)

    def locate(self, step: int) -> tuple[int, int]:
        """The epoch that a step belongs to, and its place in that epoch."""
        head = self.full_epochs * self.full_steps
        if step < head:
            return divmod(step, self.full_steps)
        epoch, index = divmod(step - head, self.steps_in(self.full_epochs))
        return self.full_epochs + epoch, index

    def steps(self, epochs: float) -> int:
        """Steps of so many epochs, at the least one; a fraction ends inside an epoch."""
        whole = math.floor(epochs)
        return max(1, self.first_step(whole) + round((epochs - whole) * self.steps_in(whole)))

    def epochs(self, steps: int) -> float:
        """Epochs of so many steps, the inverse of `steps`."""
        epoch, index = self.locate(steps)
        return epoch + index / self.steps_in(epoch)

    def images_in(self, steps: int) -> int:
        """Images that so many steps train on."""
        epoch, index = self.locate(steps)
        full = min(epoch, self.full_epochs)
        visited = full * self._visited(self.images)
        return visited + (epoch - full) * self._visited(self.hard_images) + index * self.batch_size

    def order(self, epoch: int, losses: Tensor, *, generator: torch.Generator) -> Tensor:
        """Positions of an epoch's images in random order.

        Args:
            epoch: Counted from 0.
            losses: (images,) float32, of each image as `average` has it; infinite before.
            generator: Draws the order.

        Returns:
            (n,) int64: all positions, or in later epochs those of the largest losses.
        """
        order = torch.randperm(self.images, generator=generator)
        if epoch < self.full_epochs or self.hard_images == self.images:
            return order
        hard = torch.zeros(self.images, dtype=torch.bool)
        hard[losses.topk(self.hard_images).indices] = True
        return order[hard[order]]

    def average(self, before: Tensor, seen: Tensor) -> Tensor:
        """How hard images are once they were seen again.

        One loss is as much that of its crop and its cutout as of the image; over several visits
        the image stays.

        Args:
            before: (n,) float32, the averages so far; infinite for images never seen.
            seen: (n,) float32, the losses now.

        Returns:
            (n,) float32.
        """
        return torch.where(before.isfinite(), seen.lerp(before, self.loss_decay), seen)

    def _steps(self, images: int) -> int:
        share = images / self.batch_size
        return math.floor(share) if self.drop_last else math.ceil(share)

    def _visited(self, images: int) -> int:
        return min(images, self._steps(images) * self.batch_size)
