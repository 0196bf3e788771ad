"""What ultralytics, timm, Keras, fastai, Lightning and Hugging Face call the keys of a recipe."""

from __future__ import annotations

import difflib
from collections.abc import Collection

KEYS: dict[str, str] = {
    "train.epochs": (
        "e epoch max-epochs n-epochs nb-epochs num-epochs num-train-epochs train-epochs"
    ),
    "optim.lr": "base-lr initial-lr learning-rate lr-init lr-max lr0 max-lr peak-lr",
    "train.batch_size": (
        "b batch batchsize bs device-batch-size per-device-batch-size per-device-train-batch-size "
        "train-batch-size"
    ),
    "data.fit=crop": "center-crop crop-pct",
    "data.image_size=64": (
        "image-size img img-dim img-size imgsz input-dim input-size resolution size"
    ),
    "data.val_ratio=0.1": (
        "val-fraction val-pct val-size val-split valid-pct validation-fraction validation-split"
    ),
    "data.test_ratio=0.2": "test-fraction test-pct test-size test-split",
    "data.fraction=0.1": "limit-train-batches max-train-samples subset",
    "data.balance=loss": "class-weight class-weights weighted-loss",
    "data.balance=sampling": "oversample weighted-sampler",
    "train.precision=bf16": "amp bf16 fp16 half mixed-precision",
    "train.precision=fp32": "fp32 full-precision no-amp",
    "train.micro_batch=64": (
        "accumulate accumulate-grad-batches accumulation-steps grad-accum grad-accum-steps "
        "gradient-accumulation-steps"
    ),
    "train.patience=5": "early-stop early-stopping early-stopping-patience",
    "train.select=best": "load-best-model-at-end save-best save-best-only",
    "train.ema_decay=0.999": "ema model-ema model-ema-decay use-ema",
    "train.label_smoothing=0.1": "smoothing",
    "train.sync_batch_norm=true": "sync-batchnorm sync-bn",
    "train.drop_last=true": "dataloader-drop-last",
    "optim.name=sgd": "opt optim optimizer",
    "optim.weight_decay=0.01": "wd",
    "schedule.name=one_cycle": (
        "lr-sched lr-schedule lr-scheduler lr-scheduler-type sched scheduler"
    ),
    "schedule.name=warmup_cosine": "cos-lr cosine",
    "schedule.floor=0.01": "final-lr lrf",
    "schedule.warmup_epochs=1": "warmup warmup-ratio warmup-steps",
    "augment.flip=random": "fliplr hflip horizontal-flip random-flip",
    "augment.policy=autoaugment": "aa auto-augment autoaugment",
    "augment.policy=trivialaugment": ("aug augment augmentation randaugment ta trivial-augment"),
    "augment.rotation=15": "degrees rotate",
    "augment.cutout=8": "erasing random-erase random-erasing reprob",
    "augment.brightness=0.2": "color-jitter colour-jitter hsv-v",
    "augment.saturation=0.2": "hsv-s",
    "augment.crop_padding=4": "random-crop",
    "model.channels=[32,128,128]": "hidden width width-mult",
    "model.blocks=[1,1,1]": "depth layers num-layers",
    "model.stochastic_depth=0.1": "drop-path drop-path-rate",
}
"""Names there, in lower case with dashes, by the key here, with a value that shows how it looks."""

_ALIKE = 0.7
"""Similarity from which on a name is taken for another, mistyped."""


def key_meant(name: str, known: Collection[str]) -> str | None:
    """The key or section meant by a name that is none: in another section, elsewhere, or mistyped.

    Args:
        name: As given, with or without its section.
        known: Dotted keys.
    """
    last = name.rpartition(".")[2]
    leaves: dict[str, list[str]] = {}
    for key in known:
        leaves.setdefault(key.rpartition(".")[2], []).append(key)
    if last in leaves:
        return difflib.get_close_matches(name, leaves[last], n=1, cutoff=0.0)[0]
    word = last.casefold().replace("_", "-")
    for setting, names in KEYS.items():
        key = setting.partition("=")[0]
        if key in known and word in names.split():
            return key
    sections = {key.partition(".")[0] for key in known if "." in key}
    for typed, names in ((name, known), (name, sections), (last, leaves)):
        if near := difflib.get_close_matches(typed, names, n=1, cutoff=_ALIKE):
            return leaves[near[0]][0] if names is leaves else near[0]
    return None
