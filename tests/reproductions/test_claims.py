"""Verdicts on the paper's claims, by results that would be measured so."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from made_results import ROOT, Write, run_of
from reproductions.dreamfire2025.authors_log import read_authors_log, scheduled_rates
from reproductions.dreamfire2025.claims import read_claims
from reproductions.dreamfire2025.judge import Judged, judge_all
from reproductions.dreamfire2025.results import read_results
from reproductions.dreamfire2025.tables import runs_table

Judge = Callable[[], dict[str, Judged]]


@pytest.fixture
def judged(results: Path) -> Judge:
    return lambda: judge_all(read_results(results))


def test_claims_on_size_and_time(judged: Judge, results: Path) -> None:
    figures = json.loads((results / "paper_against_resnet18.json").read_text())
    ours, theirs = figures["parameters"]["paper"], figures["parameters"]["ResNet-18"]
    found = judged()
    fewer = found["fewer parameters than ResNet-18"]
    assert fewer.verdict == fewer.words == "understated"
    assert fewer.here == f"{100 * (theirs - ours) / theirs:.4g}%"
    assert f"{theirs:,}" in fewer.decided
    time = found["less time per epoch than ResNet-18"]
    assert time.verdict == "did not hold"
    assert time.here.startswith("−")
    assert found["trainable parameters"].verdict == "held"
    assert found["under five million parameters"].verdict == "held"


@pytest.mark.parametrize(
    ("accuracies", "verdict"),
    [
        ([], "not measured yet"),
        ([0.93], "held"),
        ([0.915], "could not be measured"),  # 10,000 test images cannot tell it from 0.918
        ([0.91], "did not hold"),
        ([0.915, 0.9152, 0.9149], "did not hold"),  # three seeds can
        ([0.90, 0.93, 0.92], "could not be measured"),
        ([0.90, 0.93, 0.93], "held"),
    ],
)
def test_accuracy_is_judged_by_its_mean_and_its_interval(
    write: Write, judged: Judge, accuracies: list[float], verdict: str
) -> None:
    write("accuracy", runs=[run_of("paper", seed, value) for seed, value in enumerate(accuracies)])
    found = judged()["top-1 accuracy"]
    assert found.verdict == verdict
    if accuracies:
        assert found.here.startswith(f"{100 * np.mean(accuracies):.2f}%")
        assert found.command == ""
    if len(accuracies) > 1:
        low, high = stats.t.interval(
            0.95, len(accuracies) - 1, np.mean(accuracies), stats.sem(accuracies)
        )
        assert f"± {100 * (high - low) / 2:.2f}" in found.here
        assert (high >= 0.918) == (verdict != "did not hold")
        assert (np.mean(accuracies) >= 0.918) == (verdict == "held")


@pytest.mark.parametrize(
    ("losses", "verdict", "told"),
    [
        ([0.2069], "held", "does not pass the claim; a single run has no interval."),
        ([0.2071], "did not hold", "does not pass the claim; a single run has no interval."),
        ([0.22, 0.25], "could not be measured", "its 95% interval does, so more seeds are needed"),
        ([0.22, 0.2201, 0.22], "did not hold", "held if it does not pass the claim."),
    ],
)
def test_loss_of_one_run_has_no_interval_to_be_judged_by(
    write: Write, judged: Judge, losses: list[float], verdict: str, told: str
) -> None:
    runs = [
        {**run_of("authors", seed, 0.93), "tta": "none", "readings": {"none": {"loss": loss}}}
        for seed, loss in enumerate(losses)
    ]
    write("accuracy", runs=runs)
    found = judged()["the final run's loss"]
    assert found.verdict == verdict
    assert told in found.decided


def test_runs_of_an_earlier_recipe_do_not_count(write: Write, judged: Judge) -> None:
    write("accuracy", runs=[run_of("paper", 0, 0.94, digest="0" * 12)])
    found = judged()["top-1 accuracy"]
    assert found.verdict == "not measured yet"
    assert "other settings" in found.decided
    assert found.command == "python benchmarks/train_recipe.py paper --seeds 0 1 2"


def test_of_two_runs_of_a_seed_the_later_counts(write: Write, judged: Judge) -> None:
    runs = [run_of("paper", *run) for run in ((0, 0.9), (1, 0.9), (1, 0.94))]
    write("accuracy", runs=runs)
    assert judged()["top-1 accuracy"].here.startswith("92.00%")


@pytest.mark.parametrize(
    ("adamw", "sgd", "verdict"),
    [
        ([0.90, 0.91, 0.905], [0.88, 0.889, 0.884], "held at 8 epochs only"),
        ([0.88, 0.889, 0.884], [0.90, 0.91, 0.905], "did not hold"),
        ([0.90, 0.88, 0.91], [0.89, 0.90, 0.895], "could not be measured"),
        ([0.90], [0.80], "could not be measured"),
        ([0.90], [], "not measured yet"),
    ],
)
def test_order_of_the_optimisers_takes_a_test(
    write: Write, judged: Judge, adamw: list[float], sgd: list[float], verdict: str
) -> None:
    runs = [run_of("paper", seed, value) for seed, value in enumerate(adamw)]
    runs += [run_of("paper-sgd", seed, value) for seed, value in enumerate(sgd)]
    write("paper_sgd_against_adamw", epochs=8, runs=runs)
    found = judged()["AdamW ahead of SGD"]
    assert found.words == verdict
    write("paper_sgd_against_adamw", epochs=50, runs=runs)  # as many as the paper's
    assert judged()["AdamW ahead of SGD"].words == verdict.partition(" at 8")[0]
    if len(adamw) == len(sgd):
        assert f"{100 * (np.mean(adamw) - np.mean(sgd)):.2f}".lstrip("-") in found.here
        assert "8 epochs" in found.here
    if len(sgd) > 1:
        assert (stats.ttest_rel(adamw, sgd).pvalue < 0.05) == (verdict != "could not be measured")


def test_log_of_the_authors_is_not_the_papers_schedule(judged: Judge) -> None:
    log = read_authors_log()
    assert (log.epochs, log.learning_rate[0], log.test_accuracy[-1]) == (50, 0.004, 0.93928)
    formula = [
        0.01 * (0.001 + 0.999 * (1 + math.cos(math.pi * (epoch - 5) / 45)) / 2)
        for epoch in range(5, 51)
    ]
    gap = max(abs(a - b) for a, b in zip(log.learning_rate[4:], formula, strict=True)) / 0.01
    found = judged()
    assert found["the cosine of the formula"].verdict == "did not hold"
    assert found["the cosine of the formula"].here == f"{100 * gap:.4g}%"
    assert found["the peak"].verdict == "understated"
    # The recipe of what they ran has their rates, to the digits of the log.
    assert scheduled_rates("authors", epochs=50)[1:] == pytest.approx(log.learning_rate, abs=5e-9)


def test_every_measured_claim_names_a_command_that_is_there() -> None:
    claims = [claim for part in read_claims().parts for claim in part.claims]
    for claim in claims:
        if claim.command.startswith("python"):
            script = ROOT / claim.command.split()[1]
            assert script.is_file() or script.stem == claim.file  # one that is still to come
    assert len({claim.name for claim in claims}) == len(claims)


def test_times_of_different_machines_have_no_mean(write: Write, results: Path) -> None:
    facts = {"processor": "any", "threads": 2, "torch": "2"}
    graphics = {**facts, "accelerator": "card"}
    times = {"parameters": 5, "pflop": 3.0}
    runs = [
        run_of("strong", 0, 0.95, machine=facts, training_seconds=3600.0, **times),
        run_of("strong", 1, 0.95, machine=graphics, training_seconds=100.0, **times),
        run_of("strong", 2, 0.95, machine=graphics, training_seconds=140.0, **times),
        run_of(
            "best", 0, 0.95, machine=graphics, moves=[{"step": 5, "accelerator": None}],
            training_seconds=61.0, **times,
        ),
    ]  # fmt: skip
    write("accuracy", runs=runs)
    table = runs_table(read_results(results))
    assert table is not None
    shown = {str(row[0].text): row[-1].text for row in table.rows}
    assert shown == {
        "strong": "1:00:00 on any, 2 threads; 2:00 on card",
        "best": "1:01 on card and any, 2 threads",
    }
