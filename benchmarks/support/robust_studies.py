"""What is tried against corrupted images: each ingredient of `robust` alone, and some together."""

from __future__ import annotations


def _rates(share: float) -> tuple[str, ...]:
    """Peak learning rates as a share of those of `quick`."""
    return (
        f"optim.lr={0.24 * share:g}",
        f"optim.bias_lr={53 * share:g}",
        f"optim.head_lr={670 * share:g}",
    )


_NOISE, _JPEG, _AUGMIX = "augment.noise=0.5", "augment.jpeg=0.25", "augment.augmix=0.5"
_TRIVIAL = "augment.policy=trivialaugment"
_LOW, _THREE = _rates(0.3), (_NOISE, _JPEG, _AUGMIX)

KEPT = (0.0, 0.3, 0.5)
"""Shares of the initial weights that the final network keeps."""
TUNING_EPOCHS = 2
TUNING: dict[str, tuple[str, ...]] = {
    "base": _LOW,
    "noise": (*_LOW, _NOISE),
    "JPEG": (*_LOW, _JPEG),
    "AugMix": (*_LOW, _AUGMIX),
    "primitives": (*_LOW, "augment.prime=0.5"),
    "TrivialAugment": (*_LOW, _TRIVIAL),
    "noise, JPEG and AugMix": (*_LOW, *_THREE),
    "the same, twice the rate": (*_rates(0.6), *_THREE),
    "with TrivialAugment": (*_LOW, *_THREE, _TRIVIAL),
    "with TrivialAugment, three times as long": (
        *_LOW,
        *_THREE,
        _TRIVIAL,
        f"train.epochs={3 * TUNING_EPOCHS}",
    ),
    "with TrivialAugment, a third of the rate": (*_rates(0.1), *_THREE, _TRIVIAL),
    "with TrivialAugment, a tenth of the rate": (*_rates(0.03), *_THREE, _TRIVIAL),
    "with primitives": (*_LOW, *_THREE, "augment.prime=0.25"),
    "with TrivialAugment, primitives": (*_LOW, *_THREE, _TRIVIAL, "augment.prime=0.25"),
    "with TrivialAugment, JPEG on half": (*_LOW, *_THREE, _TRIVIAL, "augment.jpeg=0.5"),
    # A step sees each image twice.
    "with consistency 6": (
        *_LOW,
        *_THREE,
        "train.consistency=6",
        f"train.epochs={TUNING_EPOCHS / 2}",
    ),
}
"""Fine-tuning from a trained network, at equal operations but where it is longer."""
