"""Ablations: single changes to recipes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from thriftnet.recipe import Recipe, build_recipe, load_recipe
from thriftnet.recipe.lengths import follow_epochs

_ADAMW_ASIDE = (
    "optim.aux=adamw",
    "optim.bias_lr=0.01",
    "optim.head_lr=0.05",
    "optim.weight_decay=0.01",
    "optim.betas=[0.85, 0.95]",
)
"""Replaces SGD as Muon's auxiliary optimiser."""


@dataclass(frozen=True)
class Study:
    """An ablation study: one recipe at a short horizon, and its variants."""

    recipe: str
    horizon: tuple[str, ...]
    """Changes to the recipe that every variant shares."""
    variants: dict[str, tuple[str, ...]]
    """Each has the operations of `base` within 1%, unless its name says otherwise."""

    share: float = 1.0
    """Share of its epochs that is trained."""

    def at(self, epochs: float) -> Study:
        """The study with other epochs of `base`; variants are scaled by the same factor."""
        return replace(self, share=epochs / self.load("base", 0).train.epochs)

    def load(self, variant: str, seed: int) -> Recipe:
        """The recipe of a variant; by default a tenth of the images is for validation."""
        changes = ["data.val_ratio=0.1", *self.horizon, *self.variants[variant]]
        recipe = load_recipe(self.recipe, changes, seed=seed)
        tree = recipe.model_dump(mode="json")
        tree["train"]["epochs"] *= self.share
        follow_epochs(tree, before=recipe.train.epochs)
        return build_recipe(tree, origin=recipe.name)


STUDIES = {
    "quick": Study(
        recipe="quick",
        horizon=("train.epochs=5", "train.full_epochs=2", "train.sizes=[[2, 24]]"),
        variants={
            "base": (),
            "every image in every epoch": (
                "train.full_epochs=0",
                "train.hard_fraction=1",
                "train.epochs=3.5",
            ),
            "hard images by averaged losses": ("train.loss_decay=0.75",),
            "hardest half after one epoch": ("train.full_epochs=1", "train.sizes=[[1, 24]]"),
            "hardest third after two epochs": ("train.hard_fraction=0.33333", "train.epochs=6.4"),
            "whole images from the start": ("train.sizes=[]", "train.epochs=3"),
            "two half epochs at 28 pixels": ("train.sizes=[[2, 24], [4, 28]]", "train.epochs=5.5"),
            "2x2 stem": ("model.stem_kernel=2", "train.epochs=4.63"),
            "stem bias trained in all epochs": ("train.stem_epochs=null",),
            "no residual connections": ("model.residual=false",),
            "batches of 2,000": ("train.batch_size=2000", "optim.lr=0.34"),
            "batches of 500": ("train.batch_size=500", "optim.lr=0.17"),
            "learning rate 0.34": ("optim.lr=0.34",),
            "learning rate 0.17": ("optim.lr=0.17",),
            "momentum 0.85": ("optim.momentum=0.85",),
            "AdamW on biases and head": _ADAMW_ASIDE,
            "ReLU": ("model.activation=relu",),
            "SiLU": ("model.activation=silu",),
            "random flips": ("augment.flip=random",),
            "no label smoothing": ("train.label_smoothing=0",),
            "averaged weights": ("train.ema_decay=0.9",),
            "a third convolution in the last group": (
                "model.blocks=[2, 2, 3]",
                "train.epochs=4.78",
            ),
        },
    ),
    "strong": Study(
        recipe="strong",
        # Fewer images and a smaller network for more epochs: what regularises shows where a
        # network comes to know its images, which in four epochs over all of them it does not.
        horizon=(
            "data.val_ratio=0.02",
            "data.fraction=0.25",
            "model.blocks=[2, 2, 2]",
            "model.channels=[64, 256, 256]",
            "train.epochs=48",
            "train.full_epochs=8",
            "train.sizes=[[8, 24]]",
        ),
        variants={
            "base": (),
            "no TrivialAugment": ("augment.policy=none",),
            "no cutout": ("augment.cutout=0",),
            "translation by 2 pixels": ("augment.crop_padding=2",),
            "random flips": ("augment.flip=random",),
            "no label smoothing": ("train.label_smoothing=0",),
            "every image in every epoch": (
                "train.full_epochs=0",
                "train.hard_fraction=1",
                "train.loss_decay=0",
                "train.epochs=28",
            ),
            "hard images by their last loss": ("train.loss_decay=0",),
            "whole images from the start": ("train.sizes=[]", "train.epochs=40.1"),
            "no residual connections": ("model.residual=false",),
            "AdamW on biases and head": _ADAMW_ASIDE,
        },
    ),
    "best": Study(
        recipe="best",
        # As strong's, with convolutions moved from the smallest grid to the larger ones.
        horizon=(
            "data.val_ratio=0.02",
            "data.fraction=0.25",
            "model.blocks=[4, 3, 1]",
            "model.channels=[64, 256, 256]",
            "train.epochs=36",
            "train.full_epochs=8",
            "train.sizes=[[8, 24]]",
        ),
        variants={
            "base": (),
            "blocks as strong has them": ("model.blocks=[2, 2, 2]", "train.epochs=48.4"),
            "CutMix in place of cutout": ("augment.cutout=0", "augment.cutmix=1"),
            "averaged weights": ("train.ema_decay=0.99",),
        },
    ),
}
