"""Converts between epochs, steps and images; later epochs may use hard-example mining."""

from __future__ import annotations

import math
from dataclasses import dataclass

from thriftnet.recipe.sections import TrainSection


@dataclass(frozen=True)
class Epochs:
    """The steps of each epoch: full epochs visit every image, later ones only hard images."""

    images: int
    batch_size: int
    drop_last: bool
    hard_fraction: float = 1.0
    """Share of the images in an epoch after the full ones."""
    full_epochs: int = 0
    """Epochs over all images, before those."""
    loss_decay: float = 0.0
    """Decay of the moving average of an image's losses."""

    @classmethod
    def of(cls, settings: TrainSection, *, images: int) -> Epochs:
        """The epochs of a recipe with this number of training images."""
        return cls(
            images=images,
            batch_size=settings.batch_size,
            drop_last=settings.drop_last,
            hard_fraction=settings.hard_fraction,
            full_epochs=settings.full_epochs,
            loss_decay=settings.loss_decay,
        )

    @property
    def full_steps(self) -> int:
        """Steps of an epoch over all images."""
        return self._steps(self.images)

    @property
    def hard_images(self) -> int:
        """Images of an epoch after the full ones."""
        share = round(self.images * self.hard_fraction, 6)  # 50,000 x 0.28 is slightly over 14,000
        return math.ceil(share)

    def micro_batches(self, size: int) -> set[int]:
        """All sizes of micro-batches in the run, where most have `size` images."""
        visited = {self.hard_images, self.images if self.full_epochs else self.hard_images}
        left = set[int]() if self.drop_last else {images % self.batch_size for images in visited}
        whole = min(self.batch_size, self.images)
        return {part for batch in {whole, *left} for part in (size, batch % size)}

    def steps_in(self, epoch: int) -> int:
        """Steps of an epoch, counted from 0."""
        return self.full_steps if epoch < self.full_epochs else self._steps(self.hard_images)

    def first_step(self, epoch: int) -> int:
        """First step of an epoch."""
        full = min(epoch, self.full_epochs)
        return full * self.full_steps + (epoch - full) * self.steps_in(self.full_epochs)

    def locate(self, step: int) -> tuple[int, int]:
        """The epoch of a step, and its index in that epoch."""
        head = self.full_epochs * self.full_steps
        if step < head:
            return divmod(step, self.full_steps)
        epoch, index = divmod(step - head, self.steps_in(self.full_epochs))
        return self.full_epochs + epoch, index

    def steps(self, epochs: float) -> int:
        """Steps in a number of epochs, at least one; a fraction ends within an epoch."""
        whole = math.floor(epochs)
        return max(1, self.first_step(whole) + round((epochs - whole) * self.steps_in(whole)))

    def epochs(self, steps: int) -> float:
        """Epochs in a number of steps, the inverse of `steps`."""
        epoch, index = self.locate(steps)
        return epoch + index / self.steps_in(epoch)

    def images_in(self, steps: int) -> int:
        """Images trained on in the first `steps` steps."""
        epoch, index = self.locate(steps)
        full = min(epoch, self.full_epochs)
        visited = full * self._visited(self.images)
        return visited + (epoch - full) * self._visited(self.hard_images) + index * self.batch_size

    def has_lone_image(self, micro_batch: int) -> bool:
        """Whether a micro-batch has a single image."""
        return 1 in self.micro_batches(micro_batch or self.batch_size)

    def _steps(self, images: int) -> int:
        share = images / self.batch_size
        return math.floor(share) if self.drop_last else math.ceil(share)

    def _visited(self, images: int) -> int:
        return min(images, self._steps(images) * self.batch_size)
