"""Companions of shipped networks: what is trained, and how a map of a shorter one is judged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calibrate_shipped
from companion_length import on_held_out
from thriftnet.errors import RunError
from thriftnet.recipe import Recipe, load_recipe


class Runs:
    """Trainings that are noted and end at once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.trained: dict[str, tuple[Recipe, Path | None]] = {}
        monkeypatch.setattr("thriftnet.train", self.train)
        monkeypatch.setattr(calibrate_shipped, "RunFolder", self)

    def train(
        self, recipe: str, *, overrides: list[str], init: Path | None, name: str, runs_dir: Path
    ) -> None:
        (runs_dir / name).mkdir()
        self.trained[name] = load_recipe(recipe, overrides), init

    def open(self, path: Path) -> Any:
        run = type("Run", (), {"path": path, "finished": True})()
        run.recipe = lambda: self.trained[path.name][0]
        return run


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    return Runs(monkeypatch)


def test_a_fine_tuned_network_has_a_companion_that_starts_from_one(runs: Runs, tmp_path: Path):
    run = calibrate_shipped.companion_of("robust", tmp_path, share=0.25)
    (first, (strong, nothing)), (second, (robust, start)) = runs.trained.items()
    assert (first, second) == ("strong-companion-0.25", "robust-companion-0.25")
    assert run.path == tmp_path / second
    assert nothing is None
    assert start == tmp_path / first
    assert strong.data.val_ratio == robust.data.val_ratio == 0.1
    assert strong.seed == robust.seed  # the same images are held out
    for recipe in (strong, robust):
        assert recipe.train.epochs == round(load_recipe(recipe.name).train.epochs / 4)


def test_a_companion_is_trained_once_and_one_of_another_recipe_is_refused(
    runs: Runs, tmp_path: Path
):
    calibrate_shipped.companion_of("quick", tmp_path)
    calibrate_shipped.companion_of("quick", tmp_path)
    assert list(runs.trained) == ["quick-companion"]
    other = load_recipe("quick", ["data.val_ratio=0.1", "train.label_smoothing=0"])
    runs.trained["quick-companion"] = other, None
    with pytest.raises(RunError, match="trained with another recipe"):
        calibrate_shipped.companion_of("quick", tmp_path)


def test_a_map_is_judged_on_the_half_that_did_not_fit_it():
    """Logits of half the right size have a temperature of a half, and so has a shorter network."""
    rng = np.random.default_rng(0)
    true = 2 * rng.normal(size=(4000, 5))
    likely = np.exp(true) / np.exp(true).sum(axis=1, keepdims=True)
    labels = np.array([rng.choice(5, p=row) for row in likely])
    own = on_held_out(true / 2, true / 2, labels)
    assert own["error"] < 0.04  # chance alone: 2,000 images a half
    less = on_held_out(true / 2, true / 4, labels)  # a map for others does not suit it
    assert less["error"] > 0.1
    assert less["nll"] > own["nll"]
