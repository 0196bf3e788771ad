"""What a trial syncs to disk: what a power cut must not take, and no more, as it takes time."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from small import small_recipe, use_images
from thriftnet.recipe import Recipe
from thriftnet.search.workers.trial import train_trial
from thriftnet.training.images import prepare_tensors
from thriftnet.training.progress import Quiet

NEW = ["environment.json", "recipe.yaml", "trial", "runs"]
CHECKPOINT = ["metrics.jsonl", "last.pt", "checkpoints"]
MODEL = ["model.safetensors", "trial"]
BEST = ["best.safetensors", "checkpoints"]


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files and folders that were synced, by their final names."""
    names: list[str] = []
    fsync = os.fsync

    def watch(handle: int) -> None:
        name = Path(f"/proc/self/fd/{handle}").readlink().name
        names.append(re.sub(r"^\.(.+)\.[0-9a-f]{8}(\.new)?$", r"\1", name))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", watch)
    use_images(monkeypatch)
    return names


def train(folder: Path, recipe: Recipe, *, epochs: int) -> None:
    place = folder / "runs" / "trial"
    train_trial(
        place,
        lambda: recipe,
        epochs=epochs,
        data=None,
        progress=Quiet(),
        prepare=prepare_tensors,
    )


def test_a_trial_of_seconds_is_synced_once(tmp_path: Path, synced: list[str]):
    train(tmp_path, small_recipe(), epochs=3)
    assert synced == NEW + CHECKPOINT + MODEL


def test_a_promoted_trial_is_synced_at_each_rung(tmp_path: Path, synced: list[str]):
    train(tmp_path, small_recipe(), epochs=1)
    assert synced == NEW + CHECKPOINT
    synced.clear()
    train(tmp_path, small_recipe(), epochs=3)
    assert synced == CHECKPOINT + MODEL


def test_the_best_weights_are_synced_where_the_training_selects_them(
    tmp_path: Path, synced: list[str]
):
    train(tmp_path, small_recipe(train={"select": "best"}), epochs=1)
    assert synced == NEW + BEST + CHECKPOINT
