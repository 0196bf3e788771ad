"""Blocks of the page on accuracy, from made figures."""

from __future__ import annotations

from typing import Any

import pytest

from accuracy import settings
from documents import accuracy_blocks
from documents.accuracy_blocks import ACCURACY_BLOCKS, Target
from documents.quoting import block_text
from reproductions.dreamfire2025.authors_log import read_authors_log
from thriftnet.recipe import load_recipe


def lines(block: str, figures: dict[str, Any]) -> list[str]:
    return block_text(block, ACCURACY_BLOCKS[block], figures).splitlines()


def run(recipe: str, *, seed: int = 0, accuracy: float, pflop: float = 1.0) -> dict[str, Any]:
    epochs = read_authors_log().epochs
    return {
        "recipe": recipe,
        "digest": load_recipe(recipe).digest(),
        "seed": seed,
        "accuracy": accuracy,
        "accuracy_without_tta": accuracy - 0.01,
        "pflop": pflop,
        "training_seconds": 600.0,
        "machine": {"processor": "any", "threads": 2, "accelerator": None},
        "tta": "none",
        "readings": {"none": {"loss": 0.25}},
        "curve": {"train_loss": [0.5] * epochs, "train_accuracy": [0.8] * epochs},
    }


@pytest.mark.parametrize(
    ("seeds", "accuracy", "pflop", "verdict"),
    [
        (2, 0.97, 1.0, "reached"),
        (1, 0.97, 1.0, "**not reached**"),
        (2, 0.95, 1.0, "**not reached**"),
        (2, 0.97, 9.0, "**not reached**"),
    ],
    ids=["all of it", "too few seeds", "too low", "too much training"],
)
def test_a_target_is_reached_by_accuracy_cost_and_seeds(
    monkeypatch: pytest.MonkeyPatch, seeds: int, accuracy: float, pflop: float, verdict: str
) -> None:
    monkeypatch.setattr(accuracy_blocks, "TARGETS", {"quick": Target(0.96, 3.5, 2)})
    runs = [run("quick", seed=s, accuracy=accuracy, pflop=pflop) for s in range(seeds)]
    assert lines("targets", {"runs": runs})[-1].endswith(
        f"| 10.0 min on any, 2 threads | {verdict} |"
    )


def test_a_recipe_without_runs_has_not_been_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accuracy_blocks, "TARGETS", {"unheard-of": Target(0.966, 12, 1)})
    assert "96.6% in 12 PFLOP, 1 seed | 0 | not measured yet" in lines("targets", {"runs": []})[-1]


def test_versions_of_a_recipe_say_what_is_other_than_in_it() -> None:
    now = settings(load_recipe("strong"))
    before = {**now, "train.epochs": 50.0}
    del before["augment.policy"]
    runs = [
        run("strong", accuracy=0.94) | {"run": "a", "digest": "before", "settings": before},
        run("quick", accuracy=0.93),
        run("strong", accuracy=0.95, seed=0) | {"run": "b", "settings": now},
        run("strong", accuracy=0.97, seed=1) | {"run": "b", "settings": now},
    ]
    first, last = lines("strong-versions", {"runs": runs})[2:]
    assert first == '| `augment.policy="none"`, `train.epochs=50.0` | 1 | 94.00% | 93.00% | 1 |'
    assert last.startswith("| as shipped | 2 | 96.00% ± 12.71 |")


def test_the_authors_log_stands_beside_our_run() -> None:
    told = lines("authors-log", {"runs": [run("authors", accuracy=0.9401)]})
    assert [line.split(" | ")[0] for line in told[2:5]] == ["| 1", "| 5", "| 10"]
    log = read_authors_log()
    theirs = f"| {log.train_loss[49]:.4f} | 0.5000 | {log.train_accuracy[49]:.2%} | 80.00% |"
    assert told[12] == f"| 50 {theirs} {log.test_accuracy[49]:.2%} | **94.01%** |"
    assert "ours at 94.01% and 0.2500 (seed 0" in told[-1]


def test_runs_of_authors_are_asked_for() -> None:
    (line,) = lines("authors-log", {"runs": []})
    assert "train_recipe.py authors" in line


def test_the_papers_network_stands_as_published_and_as_mended() -> None:
    runs = [run("paper-fixed", accuracy=0.9575, pflop=4.91)]
    told = lines("paper-fixed", {"runs": runs})
    assert [row.split("|")[5].strip() for row in told[2:4]] == ["91.80%", "93.93%"]
    epochs = load_recipe("paper-fixed").train.epochs
    assert told[4:] == [
        "| `authors` | 50 | – | 0 | not measured yet | – |",
        f"| `paper-fixed` | {epochs:g} | 4.91 | 1 | 95.75% | 94.75% |",
    ]
    assert epochs <= 50


def test_optimisers_are_compared_pair_by_pair() -> None:
    runs = [
        {"recipe": recipe, "seed": seed, "accuracy": base + 0.01 * seed + gain * (seed + 1)}
        for recipe, base, gain in (("paper", 0.8, 0.001), ("paper-sgd", 0.79, 0.0))
        for seed in range(3)
    ]
    told = lines("optimisers", {"epochs": 5, "runs": runs})
    assert told[2] == "| 0 | 80.10% | 79.00% | +1.10 points |"
    assert told[-1].startswith("AdamW is ahead by +1.20 ± 0.25 points (95% interval; paired t test")


@pytest.mark.parametrize(("change", "words"), [(-0.4, "40% more"), (0.3, "30% less")])
def test_time_beside_resnet18_is_less_or_more(change: float, words: str) -> None:
    networks = {"paper": 2, "ResNet-18": 3}
    told = lines(
        "resnet18",
        {
            "parameters": networks,
            "macs": networks,
            "epoch_seconds": networks,
            "reduction": change,
            "claimed_reduction": 0.22,
        },
    )
    assert f"takes {words} time per epoch, where the paper claims 22% less" in told[-1]
