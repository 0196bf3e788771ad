"""What is tried against corrupted images: each ingredient of `robust` alone, and some together."""

from __future__ import annotations

from support.ablation_studies import Study

_HALF = ("train.epochs=6", "train.full_epochs=2", "train.sizes=[[2, 24]]")
"""Of quick's epochs: with a consistency loss a step sees each image twice."""
_NOISE, _JPEG, _AUGMIX = "augment.noise=0.5", "augment.jpeg=0.5", "augment.augmix=0.5"

ROBUST = Study(
    recipe="quick",
    horizon=(),
    variants={
        "base": (),
        "noise": (_NOISE,),
        "noise to 0.2": (_NOISE, "augment.noise_deviation=0.2"),
        "JPEG": (_JPEG,),
        "AugMix": (_AUGMIX,),
        "AugMix on all": ("augment.augmix=1",),
        "primitives": ("augment.prime=0.5",),
        "TrivialAugment": ("augment.policy=trivialaugment",),
        "noise and JPEG": (_NOISE, "augment.jpeg=0.25"),
        "noise, JPEG and AugMix": (_NOISE, "augment.jpeg=0.25", _AUGMIX),
        "noise, JPEG, AugMix and primitives": (
            _NOISE,
            "augment.jpeg=0.25",
            _AUGMIX,
            "augment.prime=0.25",
        ),
        "the same with TrivialAugment": (
            _NOISE,
            "augment.jpeg=0.25",
            _AUGMIX,
            "augment.prime=0.25",
            "augment.policy=trivialaugment",
        ),
        # A corrupted image has a large loss, and is visited again for that.
        "the three, hard images by averaged losses": (
            _NOISE,
            "augment.jpeg=0.25",
            _AUGMIX,
            "train.loss_decay=0.75",
        ),
        "the three, every image in every epoch": (
            _NOISE,
            "augment.jpeg=0.25",
            _AUGMIX,
            "train.full_epochs=0",
            "train.hard_fraction=1",
            "train.epochs=8",
            "train.sizes=[[4, 24]]",
        ),
        "AugMix on all, consistency 12": ("augment.augmix=1", "train.consistency=12", *_HALF),
        "noise, JPEG and AugMix, consistency 6": (
            _NOISE,
            "augment.jpeg=0.25",
            "augment.augmix=1",
            "train.consistency=6",
            *_HALF,
        ),
    },
)
"""Each at the operations of `quick`."""


def _rates(share: float) -> tuple[str, ...]:
    """Peak learning rates as a share of those of `quick`."""
    return (
        f"optim.lr={0.24 * share:g}",
        f"optim.bias_lr={53 * share:g}",
        f"optim.head_lr={670 * share:g}",
    )


_ALL = (_NOISE, "augment.jpeg=0.25", _AUGMIX)
TUNING_EPOCHS = 2
TUNING: dict[str, tuple[str, ...]] = {
    "base": _rates(0.3),
    "noise, JPEG and AugMix": (*_rates(0.3), *_ALL),
    "the same, twice the rate": (*_rates(0.6), *_ALL),
    "with TrivialAugment": (*_rates(0.3), *_ALL, "augment.policy=trivialaugment"),
    "with primitives": (*_rates(0.3), *_ALL, "augment.prime=0.25"),
}
"""Fine-tuning from a trained network, at equal operations."""
