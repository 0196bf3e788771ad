"""Levers and cost of the ingredients against corruptions: what is trained, kept and written."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

import robust_cost
import robust_levers
from documents.quoting import block_text
from documents.robust_blocks import ROBUST_BLOCKS, mean_of_others
from support import record
from support.robust_studies import ROBUST
from thriftnet.bench.speed import TrainingSpeed
from thriftnet.evaluation.corruptions.table import PUBLISHED
from thriftnet.recipe import Recipe, load_recipe


class Script:
    """robust_levers.py with its trainings counted and not done."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.patch = folder, monkeypatch
        self.trained: list[tuple[str, int]] = []
        speed = TrainingSpeed(1, 1, "bf16", 5, 500.0, 0.1, 0.1, 300.0)
        monkeypatch.setattr(robust_levers, "training_speed", lambda *_, **__: speed)
        monkeypatch.setattr(robust_levers, "measure", self.measure)
        monkeypatch.setattr(robust_levers, "robust_figures", self.robust_figures)
        monkeypatch.setattr(robust_levers, "result", self.read)
        monkeypatch.setattr(record, "RESULTS", folder)

    def read(self, name: str) -> dict[str, Any] | None:
        path = self.folder / f"{name}.json"
        return json.loads(path.read_text()) if path.exists() else None

    def measure(self, recipe: Recipe, path: Path, *, quiet: bool) -> dict[str, Any]:
        assert recipe.data.val_ratio == 0.1
        self.trained.append((path.name, recipe.seed))
        return {
            "seed": recipe.seed,
            "digest": recipe.digest(),
            "accuracy": 0.94,
            "accuracy_without_tta": 0.93,
            "pflop": 0.2,
        }

    def robust_figures(self, recipe: Recipe, _path: Path, **given: Any) -> dict[str, Any]:
        better = 0.1 if recipe.augment.noise else 0.0
        return {
            "corruption_images": given["images"],
            "corruption_accuracy": 0.7 + better + 0.01 * recipe.seed * bool(better),
            "resembled": [],
            "corruption_accuracy_of_others": 0.7,
            "jpeg_accuracy": 0.8,
        }

    def __call__(self, *words: str) -> int:
        before = len(self.trained)
        self.patch.setattr(sys, "argv", ["robust_levers.py", *words])
        robust_levers.main()
        return len(self.trained) - before


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Script:
    return Script(tmp_path, monkeypatch)


def test_what_is_measured_is_not_trained_again(script: Script):
    assert script("--variants", "noise", "--seeds", "0", "1") == 4
    assert script("--variants", "noise", "JPEG", "--seeds", "0", "1") == 2
    assert script("--variants", "JPEG", "--seeds", "0", "--images", "50") == 2  # of other images
    assert {name for name, _ in script.trained[:2]} == {
        "robust_levers-base-s0", "robust_levers-noise-s0",
    }  # fmt: skip


def test_the_table_pairs_seeds(script: Script):
    script("--variants", "noise", "--seeds", "0", "1", "2")
    figures = script.read("robust_levers")
    assert figures is not None
    text = block_text("robust-levers", ROBUST_BLOCKS["robust-levers"], figures)
    line = next(each for each in text.splitlines() if each.startswith("| noise"))
    assert "+11.00 ± 2.48 points" in line
    assert "+0.00" in line


def test_a_shorter_horizon_has_a_file_of_its_own(script: Script):
    assert script("--epochs", "2", "--variants", "noise", "--seeds", "0") == 2
    assert script.read("robust_levers") is None
    figures = script.read("robust_levers_2_epochs")
    assert figures is not None
    assert set(figures["variants"]) == {"base", "noise"}


def test_unknown_variants_are_refused(script: Script, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        script("--variants", "fog")
    assert "no variant 'fog'; there are: base, noise" in capsys.readouterr().err


@pytest.mark.parametrize("name", ROBUST.variants)
def test_variants_do_the_operations_of_quick(name: str):
    """Passes over the images, each counted twice where a step sees it twice."""
    recipe, base = (ROBUST.load(each, 0) for each in (name, "base"))
    assert recipe.train.views * recipe.train.passes == pytest.approx(base.train.passes, rel=0.01)


def test_cost_is_measured_in_turns(monkeypatch: pytest.MonkeyPatch):
    taken: list[str] = []

    def training(recipe: Recipe) -> tuple[Any, Any]:
        return recipe, str(recipe.augment.model_dump(exclude_defaults=True))

    def steps(_plan: Any, state: str) -> Any:
        return lambda: taken.append(state)

    monkeypatch.setattr(robust_cost, "noise_training", training)
    monkeypatch.setattr(robust_cost, "noise_steps", steps)
    found = robust_cost.measure("quick", rounds=2, steps=1)
    count = len(robust_cost.VARIANTS)
    assert len(taken) == 3 * count  # one to warm up
    assert taken[count : 2 * count] == taken[2 * count :][::-1]
    assert set(found["variants"]) == set(robust_cost.VARIANTS)
    assert found["variants"]["without"]["every_ratio"] == [1, 1]
    text = block_text("robust-cost", ROBUST_BLOCKS["robust-cost"], found)
    assert text.count("\n") == count + 1


def test_the_recipe_robust_is_within_what_was_asked():
    recipe, strong, best = map(load_recipe, ("robust", "strong", "best"))
    assert recipe.init.weights == "strong"
    assert recipe.model == strong.model
    passes = recipe.train.views * recipe.train.passes + strong.train.passes
    assert passes <= best.train.passes
    assert recipe.augment.corrupts


def test_the_mean_of_others_is_that_of_evaluate():
    cells = {name: [0.1 * (number % 7)] * 5 for number, name in enumerate(PUBLISHED)}
    others = [row for name, row in cells.items() if name not in ("fog", "frost")]
    expected = sum(map(sum, others)) / 65
    found = mean_of_others({"corruptions": cells}, ("fog", "frost"))
    assert found == pytest.approx(expected)
