"""Fine-tuning against corruptions, and what it costs: what is trained, kept and written."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

import robust_cost
import robust_tuning
from documents.quoting import block_text
from documents.robust_blocks import ROBUST_BLOCKS, mean_of_others
from support import record
from support.robust_studies import TUNING
from thriftnet.evaluation.corruptions.table import PUBLISHED
from thriftnet.recipe import Recipe, load_recipe

_variant = robust_tuning.variant


class Script:
    """robust_tuning.py with its trainings counted and not done."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.patch = folder, monkeypatch
        self.trained: list[str] = []
        monkeypatch.setattr(robust_tuning, "variant", variant)
        monkeypatch.setattr(robust_tuning, "measure", self.measure)
        monkeypatch.setattr(robust_tuning, "figures_by_share", self.figures_by_share)
        monkeypatch.setattr(
            robust_tuning, "start_figures", lambda *_, **given: _figures(0.6, **given)
        )
        monkeypatch.setattr(robust_tuning, "result", self.read)
        monkeypatch.setattr(record, "RESULTS", folder)

    def read(self, name: str) -> dict[str, Any] | None:
        path = self.folder / f"{name}.json"
        return json.loads(path.read_text()) if path.exists() else None

    def measure(self, recipe: Recipe, path: Path, *, quiet: bool) -> dict[str, Any]:
        self.trained.append(path.name)
        return {
            "digest": recipe.digest(),
            "images": 5000,
            "pflop": 0.2,
        }

    def figures_by_share(self, recipe: Recipe, _path: Path, **given: Any) -> dict[str, Any]:
        mean = 0.81 if recipe.augment.noise else 0.7
        return {"0": _figures(mean, **given), "0.5": _figures(mean - 0.02, **given)}

    def __call__(self, *words: str) -> list[str]:
        self.trained = []
        self.patch.setattr(sys, "argv", ["robust_tuning.py", *words])
        robust_tuning.main()
        return self.trained


def _figures(mean: float, *_: Path, **given: Any) -> dict[str, Any]:
    return {
        "accuracy_without_tta": 0.93,
        "corruption_images": given["images"],
        "corruption_accuracy": mean,
        "corruption_accuracy_of_others": 0.7,
        "jpeg_accuracy": 0.8,
    }


def variant(name: str, _companion: Path) -> Recipe:
    """A variant that starts from a network which is there."""
    return _variant(name, Path("quick"))


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Script:
    return Script(tmp_path, monkeypatch)


def test_what_is_measured_is_not_trained_again(script: Script):
    assert script("--variants", "base", "noise") == ["robust-tuning-base", "robust-tuning-noise"]
    assert script("--variants", "noise", "JPEG") == ["robust-tuning-JPEG"]
    figures = script.read("robust_tuning")
    assert figures is not None
    assert list(figures["variants"]) == ["base", "noise", "JPEG"]
    text = block_text("robust-tuning", ROBUST_BLOCKS["robust-tuning"], figures)
    rows = [line.split(" | ")[:4] for line in text.splitlines() if line.startswith("| ")][2:]
    assert rows[0] == ["| before fine-tuning", "100%", "93.00%", "60.00%"]
    assert rows[3:5] == [
        ["| noise", "0%", "93.00%", "81.00%"],
        ["| noise", "50%", "93.00%", "79.00%"],
    ]


def test_a_variant_of_another_recipe_is_trained_anew(script: Script, tmp_path: Path):
    script("--variants", "noise")
    path = tmp_path / "robust_tuning.json"
    path.write_text(path.read_text().replace(variant("noise", Path()).digest(), "0" * 12))
    assert script("--variants", "noise") == ["robust-tuning-noise"]


def test_every_variant_has_a_run_folder_of_its_own(script: Script):
    assert len(set(script())) == len(TUNING)


def test_without_a_companion_nothing_is_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "argv", ["robust_tuning.py", "--runs-dir", str(tmp_path)])
    with pytest.raises(SystemExit, match="quick-companion"):
        robust_tuning.main()


@pytest.mark.parametrize("name", TUNING)
def test_variants_do_the_operations_of_base(name: str):
    """Passes over the images, each counted twice where a step sees it twice."""
    recipe, base = (variant(each, Path()) for each in (name, "base"))
    passes = base.train.passes * (3 if name.endswith("three times as long") else 1)
    assert recipe.train.views * recipe.train.passes == pytest.approx(passes, rel=0.01)


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
