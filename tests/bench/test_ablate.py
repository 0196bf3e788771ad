"""Ablations: what is trained, and what is not trained again."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

import ablate
from documents.performance_blocks import PERFORMANCE_BLOCKS
from documents.quoting import block_text
from support import record
from support.ablation_studies import STUDIES
from thriftnet.bench.speed import TrainingSpeed
from thriftnet.data import CIFAR10_CLASSES, Dataset, stratified_split
from thriftnet.recipe import Recipe, load_recipe
from thriftnet.recipe.epochs import Epochs
from thriftnet.training.setup import recipe_network
from thriftnet.training.sizes import Sizes


class Bench:
    """The script with its trainings counted and not done."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.trained: list[Recipe] = []
        self.patch = monkeypatch
        speed = TrainingSpeed(1, 1, "bf16", 5, 500.0, 0.1, 0.1, 300.0)
        monkeypatch.setattr(ablate, "training_speed", lambda *_, **__: speed)
        monkeypatch.setattr(ablate, "measure", self.measure)
        monkeypatch.setattr(record, "RESULTS", folder)
        monkeypatch.setattr(ablate, "result", self.read)

    def read(self, name: str) -> dict[str, Any] | None:
        path = self.folder / f"{name}.json"
        return json.loads(path.read_text()) if path.exists() else None

    def measure(self, recipe: Recipe, path: Path, *, quiet: bool = False) -> dict[str, Any]:
        self.trained.append(recipe)
        return {"seed": recipe.seed, "digest": recipe.digest(), "accuracy": 0.9, "seconds": 1.0}

    def __call__(self, *words: str) -> int:
        """Run the script; how many runs it trained."""
        before = len(self.trained)
        self.patch.setattr(sys, "argv", ["ablate.py", *words])
        ablate.main()
        return len(self.trained) - before


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, monkeypatch)


def test_what_was_measured_is_kept_and_not_trained_again(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench("quick", "--variants", "ReLU", "--seeds", "0", "1") == 4  # base besides
    said = capsys.readouterr().out
    assert "4 runs, 0 of them measured already" in said
    assert "the other 4 take about 20.0 min on this machine, 5.0 min each" in said
    assert bench("quick", "--variants", "ReLU", "SiLU", "--seeds", "0", "1", "2") == 5
    kept = bench.read("ablation_quick")
    assert kept is not None
    assert list(kept["variants"]) == ["base", "ReLU", "SiLU"]
    assert [run["seed"] for run in kept["variants"]["ReLU"]["runs"]] == [0, 1, 2]
    assert bench("quick", "--variants", "SiLU", "--seeds", "0", "1", "2") == 0


def test_several_at_once_are_kept_as_one_after_another_is(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def threads(jobs: int, **_: object) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(jobs)

    monkeypatch.setattr(ablate, "ProcessPoolExecutor", threads)
    words = ("quick", "--variants", "ReLU", "--seeds", "0", "1")
    assert bench(*words, "--jobs", "3") == 4
    kept = bench.read("ablation_quick")
    assert bench(*words) == 0
    assert bench.read("ablation_quick") == kept
    assert kept is not None
    assert list(kept["variants"]) == ["base", "ReLU"]


def test_run_of_another_version_of_the_recipe_is_trained_again(bench: Bench) -> None:
    bench("quick", "--variants", "base", "--seeds", "0")
    path = bench.folder / "ablation_quick.json"
    path.write_text(path.read_text().replace(bench.trained[0].digest(), "0" * 12))
    assert bench("quick", "--variants", "base", "--seeds", "0") == 1


def test_other_epochs_scale_every_variant_and_have_their_own_file(bench: Bench) -> None:
    bench("quick", "--epochs", "2", "--variants", "whole images from the start", "--seeds", "3")
    base, whole = bench.trained
    study = STUDIES["quick"]
    assert base.train.epochs == 2
    assert (base.train.full_epochs, base.train.sizes) == (1, ((1, 24),))
    assert whole.train.epochs == pytest.approx(2 * 3 / 5)
    assert (base.seed, base.data.val_ratio) == (3, 0.1)
    assert study.load("base", 0).train.epochs == 5
    assert bench.read("ablation_quick") is None
    assert bench.read("ablation_quick_2_epochs") is not None


def test_misspelt_variant_is_named(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        bench("quick", "--variants", "RELU")
    assert "no variant 'RELU'; there are: base, " in capsys.readouterr().err
    assert bench.trained == []


@pytest.mark.parametrize(
    ("words", "told"), [("--jobs 0", "takes 1 or more"), ("--epochs 0", "takes more than 0")]
)
def test_number_of_nothing_is_refused(
    bench: Bench, capsys: pytest.CaptureFixture[str], words: str, told: str
) -> None:
    with pytest.raises(SystemExit):
        bench("quick", *words.split())
    assert f"{words.split()[0]} {told}" in capsys.readouterr().err
    assert bench.trained == []


@pytest.mark.parametrize(("fraction", "unseen"), [(1, 10), (0.5, 50)])
def test_variants_are_read_on_every_image_that_they_did_not_see(
    monkeypatch: pytest.MonkeyPatch, fraction: float, unseen: int
) -> None:
    labels = np.arange(100) % 10
    pixels = np.broadcast_to(np.arange(100, dtype=np.uint8)[:, None, None, None], (100, 32, 32, 3))
    whole = Dataset(pixels, labels, CIFAR10_CLASSES)
    monkeypatch.setattr(ablate, "load_cifar10", lambda: (whole, whole))
    recipe = load_recipe("quick", ["data.val_ratio=0.1", f"data.fraction={fraction}"], seed=3)
    read = ablate.unseen(recipe).images[:, 0, 0, 0]
    _, held_out = stratified_split(labels, val_ratio=0.1, seed=3)
    assert len(read) == unseen
    assert set(held_out) <= set(read.tolist())


def operations(recipe: Recipe) -> int:
    """Counted, of all of the recipe's training on CIFAR-10."""
    network = recipe_network(recipe, classes=10)
    sizes = Sizes.of(network, recipe.train.sizes, full=recipe.data.image_size)
    images = round(50_000 * (1 - recipe.data.val_ratio) * recipe.data.fraction)
    epochs = Epochs.of(recipe.train, images=images)
    return sizes.operations(epochs, epochs.steps(recipe.train.epochs))


@pytest.mark.parametrize(
    ("study", "variant"), [(s, v) for s in STUDIES for v in STUDIES[s].variants]
)
def test_every_variant_does_as_many_operations_as_base(study: str, variant: str) -> None:
    base = operations(STUDIES[study].load("base", 0))
    # A step is up to 1% of these short trainings, and none is left half done.
    assert operations(STUDIES[study].load(variant, 0)) == pytest.approx(base, rel=0.015)


def lever_lines(figures: dict[str, Any]) -> list[str]:
    return block_text("levers", PERFORMANCE_BLOCKS["levers"], figures).splitlines()


def entry(*accuracies: float) -> dict[str, Any]:
    """A variant's runs, of seeds 0, 1 and so on."""
    runs = [
        {"seed": seed, "accuracy": accuracy, "pflop": 0.1, "seconds": 60.0}
        for seed, accuracy in enumerate(accuracies)
    ]
    return {"overrides": [], "runs": runs}


def test_a_variant_is_told_beside_the_base_of_its_own_seeds() -> None:
    variants = {"base": entry(0.90, 0.94), "other": entry(0.91), "both": entry(0.91, 0.96)}
    told = lever_lines({"variants": variants, "horizon": ["train.epochs=5"]})
    assert told[2] == "| base | – | 2 | 92.00% ± 2.83% (sd) | – | – | 0.100 | 1.0 min |"
    assert told[3] == "| other | – | 1 | 91.00% | +1.00 points | – | 0.100 | 1.0 min |"
    # t of one degree of freedom: 12.7; p of t = 3: 1 - 2 arctan(3) / pi
    assert "| +1.50 ± 6.35 points | 0.2 |" in told[4]


def test_of_single_seeds_there_is_no_p_and_of_several_it_is_corrected() -> None:
    def told(variants: dict[str, Any]) -> list[str]:
        return lever_lines({"variants": variants, "horizon": []})

    single = told({"base": entry(0.90), "other": entry(0.91)})
    assert "Holm" not in "".join(single)
    base, first, second = (0.90, 0.91, 0.92), (0.91, 0.93, 0.935), (0.89, 0.90, 0.915)
    several = told({"base": entry(*base), "a": entry(*first), "b": entry(*second)})
    p = [float(stats.ttest_rel(base, other).pvalue) for other in (first, second)]
    assert "p, by Holm" in several[0]
    assert f"| {2 * min(p):.2g} |" in several[3 + p.index(min(p))]
    assert f"| {max(2 * min(p), max(p)):.2g} |" in several[3 + p.index(max(p))]
