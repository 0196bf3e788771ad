"""Suggestions for unknown options: a typo, another trainer's name, or a recipe key."""

from __future__ import annotations

import difflib
from collections.abc import Collection

_ELSEWHERE = {
    "accelerator": "--device cuda",
    "accumulate": "--set train.micro_batch=64",
    "amp": "--set train.precision=bf16",
    "batch": "--batch-size",
    "bf16": "--set train.precision=bf16",
    "bs": "--batch-size",
    "checkpoint": "--resume",
    "ckpt": "--resume",
    "ckpt-path": "--resume",
    "conf": "--at-least",
    "confidence": "--at-least",
    "cuda": "--device cuda",
    "data-dir": "--data",
    "data-path": "--data",
    "dataset": "--data",
    "device-batch-size": "--batch-size",
    "early-stopping": "--set train.patience=5",
    "early-stopping-patience": "--set train.patience=5",
    "fp16": "--set train.precision=bf16",
    "format": "--to",
    "gpu": "--device cuda",
    "gpus": "--device cuda",
    "grad-accum-steps": "--set train.micro_batch=64",
    "gradient-accumulation-steps": "--set train.micro_batch=64",
    "half": "--set train.precision=bf16",
    "image-size": "--set data.image_size=64",
    "img-size": "--set data.image_size=64",
    "imgsz": "--set data.image_size=64",
    "learning-rate": "--lr",
    "logger": "--track",
    "lr-scheduler-type": "--set schedule.name=one_cycle",
    "lr0": "--lr",
    "max-epochs": "--epochs",
    "num-epochs": "--epochs",
    "num-train-epochs": "--epochs",
    "opt": "--set optim.name=sgd",
    "optimizer": "--set optim.name=sgd",
    "out": "--output",
    "output-dir": "--runs-dir",
    "per-device-train-batch-size": "--batch-size",
    "pretrained": "--init best",
    "project": "--runs-dir",
    "random-seed": "--seed",
    "report-to": "--track",
    "resume-from-checkpoint": "--resume",
    "save-dir": "--runs-dir",
    "sched": "--set schedule.name=one_cycle",
    "tensorboard": "--track tensorboard",
    "threshold": "--at-least",
    "train-dir": "--data",
    "val-split": "--set data.val_ratio=0.1",
    "validation-split": "--set data.val_ratio=0.1",
    "wandb": "--track wandb",
    "wd": "--set optim.weight_decay=0.01",
    "weights": "--init best",
}
"""Names in ultralytics, Keras, fastai, timm, Lightning and Hugging Face's Trainer."""


def meant(given: str, options: Collection[str]) -> str | None:
    """The option that was probably meant; None without a suggestion.

    Args:
        given: As typed, with its dashes and without a value.
        options: Options of the command, such as `--seed`.
    """
    name = given.lstrip("-").casefold().replace("_", "-")
    written = _ELSEWHERE.get(name) or (_as_a_key(name) if "--set" in options else None)
    if f"--{name}" in options:
        return f"--{name}"
    if written and written.split()[0] in options:
        return written
    near = difflib.get_close_matches(f"--{name}", options, n=1, cutoff=0.7)
    return near[0] if near else None


def _as_a_key(name: str) -> str | None:
    from thriftnet.recipe import load_recipe
    from thriftnet.recipe.keys import flatten

    leaf = name.replace("-", "_")
    keys = flatten(load_recipe("quick").model_dump(mode="json"))
    found = [key for key in keys if leaf in {key, key.rsplit(".", 1)[-1]}]
    return f"--set {found[0]}=VALUE" if len(found) == 1 else None
