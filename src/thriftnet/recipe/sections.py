"""The sections of a recipe except the model: every key with its unit and bounds."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from thriftnet.recipe.section import Fraction, Section


class DataSection(Section):
    """Which images train and which validate."""

    dataset: Annotated[str, Field(min_length=1)] = "cifar10"
    """The labelled images: `cifar10`, or the path of your own pictures."""
    val_ratio: Fraction = 0.1
    """Share of the training images of each class held out for validation; 0 trains on all."""
    fraction: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of the remaining training images of each class that is used; for searches."""
    image_size: Annotated[int, Field(ge=16, le=128)] = 32
    """Height and width in pixels of the network's input. CIFAR-10's images have 32 and can only be
    shrunk; your own pictures are decoded at this size."""
    fit: Literal["auto", "crop", "pad", "squash"] = "auto"
    """How a picture becomes square: its central square, padding with white, or resizing without
    regard to the aspect ratio. auto: chosen by the aspect ratios."""
    test_ratio: Fraction = 0.2
    """Share of the pictures of each class held out for testing, if there is no test split."""
    balance: Literal["none", "loss", "sampling"] = "none"
    """How small classes get more weight, by the inverse square root of their size: their images
    count more in the loss, or are sampled more often. The steps of an epoch stay the same."""
    image_column: str | None = None
    """Column of a table or Parquet file with the file names or pictures, by name or number from 1.
    None: detected, as the next two."""
    label_column: str | None = None
    """Column of the classes."""
    split_column: str | None = None
    """Column with train, val or test."""
    group: str | None = None
    """Which pictures stay in one split: a column, `folder`, `folder:DEPTH` (from the top) or a
    regular expression searched in their paths, whose first group counts."""
    decisions: str | None = None
    """Path of a CSV file of decisions, as `thriftnet audit` writes it: pictures to relabel or to
    drop before training and validation."""


_OPTIM_KEYS = {
    "betas": {"adamw", "muon"},
    "eps": {"adamw", "muon"},
    "momentum": {"sgd", "muon"},
    "dampening": {"sgd"},
    "nesterov": {"sgd"},
    "bias_lr": {"muon"},
    "head_lr": {"muon"},
    "aux": {"muon"},
    "aux_momentum": {"muon"},
}
_AUX_KEYS = {"betas": {"adamw"}, "eps": {"adamw"}, "aux_momentum": {"sgd"}}
_SCHEDULE_KEYS = {
    "interval": {"warmup_cosine", "step_decay", "linear", "one_cycle"},
    "warmup_epochs": {"warmup_cosine", "linear", "one_cycle"},
    "cosine_epochs": {"warmup_cosine"},
    "floor": {"warmup_cosine", "linear", "one_cycle"},
    "decay_epochs": {"step_decay"},
    "decay_factor": {"step_decay"},
}


def _refuse_unused(
    section: Section, path: str, keys: dict[str, set[str]], *, by: str = "name"
) -> None:
    """Check that no key is set that the selected optimiser or schedule ignores."""
    name = getattr(section, by)
    for key, users in keys.items():
        default = type(section).model_fields[key].default
        if name not in users and getattr(section, key) != default:
            raise ValueError(
                f"{path}.{key} does nothing with {path}.{by}={name} (it is for "
                f"{', '.join(sorted(users))}); set {path}.{key} back to {default}"
            )


class OptimSection(Section):
    """The optimiser and what it decays."""

    name: Literal["adamw", "sgd", "muon"] = "adamw"
    """muon updates convolution weights only, and `aux` all other parameters."""
    lr: Annotated[float, Field(gt=0)] = 0.01
    """Peak learning rate; the schedule multiplies it by a factor in [0, 1]. Muon: of convolution
    weights; `bias_lr` and `head_lr` are those of the others, and do not follow it."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.001
    """AdamW: decoupled; SGD: L2 in the gradient. Muon keeps the norm of convolution weights instead
    of decaying them; with `aux: sgd` it is the share of the other parameters that a step takes off
    at the peak learning rate, 1 / (1 - aux_momentum) times as much with momentum."""
    decay: Literal["weights", "all"] = "all"
    """What is decayed: weights of convolutions and linear layers, or norms and biases too."""
    betas: tuple[Fraction, Fraction] = (0.9, 0.999)
    """AdamW: decay per step of the averages of the gradient and of its square."""
    eps: Annotated[float, Field(gt=0)] = 1e-8
    """AdamW: added to the root of the average square."""
    momentum: Fraction = 0.9
    """Momentum of SGD and Muon."""
    dampening: Fraction = 0.0
    """SGD only: dampening of the momentum, as in torch.optim.SGD."""
    nesterov: bool = False
    """SGD only: Nesterov momentum; Muon always uses it."""
    bias_lr: Annotated[float, Field(gt=0)] | None = None
    """Muon only: peak learning rate of `aux` for norm scales and biases."""
    head_lr: Annotated[float, Field(gt=0)] | None = None
    """Muon only: peak learning rate of `aux` for linear weights: the head and channel gates."""
    aux: Literal["adamw", "sgd"] = "adamw"
    """Muon only: optimiser of all other parameters; sgd has Nesterov momentum."""
    aux_momentum: Fraction = 0.85
    """Muon with `aux: sgd` only: its momentum."""

    @model_validator(mode="after")
    def _options_belong(self) -> Self:
        if self.name == "muon" and (self.bias_lr is None or self.head_lr is None):
            raise ValueError("optim.name=muon needs optim.bias_lr and optim.head_lr; set both")
        _refuse_unused(self, "optim", _OPTIM_KEYS)
        if self.name == "muon":
            _refuse_unused(self, "optim", _AUX_KEYS, by="aux")
        if self.nesterov and (self.momentum == 0 or self.dampening != 0):
            raise ValueError("optim.nesterov needs momentum above 0 and dampening 0; set them so")
        return self


class ScheduleSection(Section):
    """How the learning rate's factor moves over the run."""

    name: Literal["warmup_cosine", "step_decay", "linear", "one_cycle", "constant"] = (
        "warmup_cosine"
    )
    """Shape of the learning-rate schedule."""
    interval: Literal["step", "epoch"] = "step"
    """Whether the learning rate changes every step or every epoch."""
    warmup_epochs: Annotated[float, Field(ge=0)] = 0.0
    """Epochs of the linear warm-up from 0 (warmup_cosine, linear) or to the peak (one_cycle). With
    train.hard_fraction every length here counts epochs over all images."""
    cosine_epochs: Annotated[float, Field(gt=0)] | None = None
    """Half-period of the cosine, in epochs. None: the epochs after the warm-up."""
    floor: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Learning rate at the end, as a share of the peak."""
    decay_epochs: Annotated[float, Field(gt=0)] = 30.0
    """step_decay: epochs between two decays."""
    decay_factor: Annotated[float, Field(gt=0, le=1)] = 0.1
    """step_decay: factor of each decay."""

    @model_validator(mode="after")
    def _options_belong(self) -> Self:
        _refuse_unused(self, "schedule", _SCHEDULE_KEYS)
        return self


class TrainSection(Section):
    """How long, in what portions and in what arithmetic."""

    epochs: Annotated[float, Field(gt=0)] = 50.0
    """Passes over the training images; a fraction ends inside an epoch."""
    batch_size: Annotated[int, Field(ge=1)] = 128
    """Images per optimiser step."""
    micro_batch: Annotated[int, Field(ge=0)] = 0
    """Images per forward pass (gradient accumulation). 0: the whole batch at once."""
    sync_batch_norm: bool = False
    """With several processes: split each micro-batch between them and take batch norm's statistics
    over all of it. Otherwise each process takes whole micro-batches."""
    drop_last: bool = False
    """Whether an epoch leaves out its last batch if that is not full."""
    hard_fraction: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Hard-example mining: share of the images, of the largest loss, that later epochs use."""
    full_epochs: Annotated[int, Field(ge=0)] = 0
    """Epochs over all images before that; no effect with hard_fraction 1."""
    loss_decay: Fraction = 0.0
    """Decay of the moving average of each image's loss, by which hard ones are chosen; 0: the last
    loss alone. It is the loss of the augmented (and mixed) image for its own label. No effect with
    hard_fraction 1."""
    sizes: tuple[tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=16, le=128)]], ...] = ()
    """Progressive resizing, [epoch, pixels] pairs: images are shrunk to that side until the end of
    that epoch, then to the next pair's; after the last pair they have their full size."""
    stem_epochs: Annotated[int, Field(ge=0)] | None = None
    """Epochs that train the bias of speednet's whitening stem; later ones save its gradient, that
    of the largest feature map. None: all epochs."""
    label_smoothing: Fraction = 0.0
    """Share of each target that is spread evenly over all classes."""
    consistency: Annotated[float, Field(ge=0)] = 0.0
    """Weight of the Jensen-Shannon divergence between the predictions of an image as it is and as
    augmix, prime, noise and jpeg leave it; the first one alone has the cross-entropy. A step sees
    each image twice. 0 is off: the changed image alone."""
    ema_decay: Fraction = 0.0
    """Decay per step of an exponential moving average of the weights; 0 is off."""
    select: Literal["final", "best"] = "final"
    """Which weights are kept: the last, or those of the best validation accuracy."""
    patience: Annotated[int, Field(ge=0)] = 0
    """Early stopping after so many epochs without a better validation accuracy; 0: never."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Mixed precision: of forward and backward; weights stay fp32. auto: bf16 where it is fast."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """auto: a GPU where there is one."""

    @property
    def passes(self) -> float:
        """Epochs over all images with as many steps as the whole run."""
        full = min(self.epochs, self.full_epochs)
        return full + (self.epochs - full) * self.hard_fraction

    @property
    def views(self) -> int:
        """How often a step sees each of its images."""
        return 2 if self.consistency else 1

    @property
    def needs_validation(self) -> str | None:
        """The setting that requires validation images, as written; None if there is none."""
        if self.select == "best":
            return "train.select=best"
        return f"train.patience={self.patience}" if self.patience else None

    @model_validator(mode="after")
    def _sizes_rise(self) -> Self:
        ends = [end for end, _ in self.sizes]
        if ends != sorted(set(ends)):
            raise ValueError(
                "train.sizes must name rising epochs, as [[2, 24], [4, 28]]; put them in order"
            )
        return self


class InitSection(Section):
    """The weights before the first step."""

    weights: Annotated[str, Field(min_length=1)] | None = None
    """Fine-tuning: the network to start from, as the name of shipped weights, a run folder or a
    model file. Its head is kept if its classes are the same, else initialised at random. None:
    training from scratch."""
    sha256: str | None = None
    """SHA-256 of those weights; a run records it and starts from no others."""
    body_lr: Annotated[float, Field(gt=0, le=1)] = 0.2
    """With weights: factor on the learning rate of all layers but the head."""
    keep: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """With weights: their share in the final network, which is interpolated between them and the
    trained weights (WiSE-FT, arXiv:2109.01903); 0: none."""

    @model_validator(mode="after")
    def _of_weights(self) -> Self:
        for key in ("sha256", "body_lr", "keep"):
            default = type(self).model_fields[key].default
            if self.weights is None and getattr(self, key) != default:
                raise ValueError(f"init.{key} does nothing without init.weights; leave it out")
        return self


class EvaluateSection(Section):
    """How the finished network is evaluated."""

    tta: Literal["none", "flip", "flip_shift", "shift", "flip_turn"] = "flip"
    """Test-time augmentation, views whose probabilities are averaged: mirrored; mirrored, and
    shifted by one pixel; shifted only; or all quarter turns, mirrored too."""
