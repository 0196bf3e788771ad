"""Draws augmented training images and the most confident errors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from thriftnet.data import Dataset, OpenDataset
from thriftnet.data.balance import balanced, repeats_before
from thriftnet.data.statistics import Triple
from thriftnet.recipe.augment_section import AugmentSection
from thriftnet.recipe.epochs import Epochs
from thriftnet.report.drawing import Drawing, Picture, draw_pictures
from thriftnet.report.record import RunRecord
from thriftnet.runtime.resize import as_pixels
from thriftnet.training.images import recipe_augment, recipe_mix, split_sets
from thriftnet.training.order import random_order
from thriftnet.training.rng import generator
from thriftnet.training.sizes import Sizes

_MISTAKES = 16
_SAMPLES = 16


def first_images(record: RunRecord, data: OpenDataset) -> tuple[Dataset, Tensor, Tensor]:
    """Reproduce the images of a run's first forward pass.

    Random draws depend on seed, purpose and step, so the first micro-batch can be recomputed.

    Returns:
        The original images, the augmented ones (N, 3, H, W, normalised), and the targets (N,
        classes).
    """
    recipe = record.recipe
    settings, seed = recipe.train, recipe.seed
    (train_set, train_at), _ = split_sets(recipe, data)
    labels = torch.from_numpy(train_set.labels[train_at])
    _, balance = balanced(recipe.data.balance, labels, classes=len(train_set.classes))
    draws = generator(seed, "order", 0)
    if balance:
        order = balance(generator=draws)
    else:
        unseen = torch.full((len(train_at),), torch.inf)
        order = random_order(Epochs.of(settings, images=len(train_at)), 0, unseen, generator=draws)
    batch = order[: settings.batch_size]
    part = batch[: settings.micro_batch or settings.batch_size]
    chosen = train_set.subset(train_at[part.numpy()])

    draws = generator(seed, "augment", 0)
    images = as_pixels(chosen.images, recipe.data.image_size)
    seen = recipe_augment(recipe, mean=data.mean, std=data.std)(
        images, indices=part, visits=repeats_before(part), generator=draws
    )
    targets = F.one_hot(torch.tensor(chosen.labels), len(chosen.classes)).float()
    mix = recipe_mix(recipe)
    if mix:
        seen, targets = mix(seen, targets, generator=draws)
    sizes = Sizes(settings.sizes, full=seen.shape[-1], macs={})
    seen = sizes.resize(seen, 0)
    return chosen, seen, targets


def draw_augmentation(record: RunRecord, data: OpenDataset) -> Drawing:
    """Draw training images beside their augmented versions of the first step."""
    originals, seen, targets = first_images(record, data)
    pictures: list[Picture] = []
    for number in range(min(_SAMPLES // 2, len(originals))):
        name = originals.classes[int(originals.labels[number])]
        target = _target_words(targets[number], originals.classes)
        as_seen = _as_bytes(seen[number], mean=data.mean, std=data.std)
        pictures += [
            Picture(
                originals.images[number], f"Training image of class {name}", (name, "original")
            ),
            Picture(
                as_seen, f"The same image as the network saw it: {target}", (target, "augmented")
            ),
        ]
    words = augmentation_words(record.recipe.augment)
    for end, side in record.recipe.train.sizes[:1]:
        words += f"; until epoch {end} shrunk to {side}×{side} pixels"
    return draw_pictures(
        tuple(pictures),
        columns=8,
        name="augmentation",
        title="What the network saw",
        caption="The first images of this run's first step, recomputed from its recipe and seed: "
        f"each original image, then its augmented version. Augmentation: {words}.",
        alt=f"{len(pictures) // 2} training images, each next to its augmented form.",
    )


def augmentation_words(section: AugmentSection) -> str:
    """What a recipe augments by; details such as `jpeg_quality` of what is used alone."""
    values = section.model_dump()
    on = {
        key: value
        for key, value in values.items()
        if value not in ("none", 0)
        and values.get(key.partition("_")[0], True) not in ("none", 0)
        and (key != "crop_mode" or section.crop_padding)
    }
    words = (key if value is True else f"{key} {value}" for key, value in on.items())
    return ", ".join(words) or "none"


def draw_mistakes(
    logits: NDArray[np.float32],
    labels: NDArray[np.int64],
    test_set: Dataset,
    classes: tuple[str, ...],
    title: Callable[[int], str],
) -> Drawing | None:
    """Draw the wrongly classified test images with the largest probability; None without errors."""
    shares = torch.from_numpy(logits).softmax(dim=1).numpy()
    predicted = shares.argmax(axis=1)
    wrong = np.flatnonzero(predicted != labels)
    if len(wrong) == 0:
        return None
    first = wrong[np.argsort(-shares[wrong, predicted[wrong]], kind="stable")][:_MISTAKES]
    pictures: list[Picture] = []
    for number in first.tolist():
        predicted_name, label = classes[predicted[number]], classes[labels[number]]
        sure, right = shares[number, predicted[number]], shares[number, labels[number]]
        pictures.append(
            Picture(
                test_set.images[number],
                f"{title(number)}: labelled {label}, predicted {predicted_name} with probability "
                f"{sure:.3f}",
                (f"{predicted_name} {sure:.3f}", f"label {label} {right:.3f}", title(number)),
            )
        )
    return draw_pictures(
        tuple(pictures),
        columns=8,
        name="mistakes",
        title="The most confident mistakes",
        caption=f"Of {len(wrong):,} misclassified test images, those with the largest probability: "
        "the prediction, then the label with its probability.",
        alt=f"{len(pictures)} misclassified test images, with prediction and label.",
    )


def _as_bytes(image: Tensor, *, mean: Triple, std: Triple) -> NDArray[np.uint8]:
    """Convert a normalised (3, H, W) image to (H, W, 3) bytes."""
    pixels = (image.permute(1, 2, 0) * torch.tensor(std) + torch.tensor(mean)) * 255
    return pixels.round().clamp(0, 255).to(torch.uint8).numpy()


def _target_words(target: Tensor, classes: tuple[str, ...]) -> str:
    """Describe a target: `cat`, or `0.70 cat, 0.30 dog` for a mixed image."""
    held = [(share, classes[at]) for at, share in enumerate(target.tolist()) if share > 0.005]
    if len(held) == 1:
        return held[0][1]
    return ", ".join(f"{share:.2f} {name}" for share, name in sorted(held, reverse=True))
