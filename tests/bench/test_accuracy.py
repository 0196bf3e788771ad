"""The record of all runs: what it says of each, that it grows and repeats nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from accuracy import merge, recipe_of
from documents.accuracy_table import ACCURACY_TABLE, shipped_runs, times
from documents.published import PUBLISHED
from documents.quoting import block_text
from made_runs import make_run
from reproductions.dreamfire2025.claims import read_claims
from support.record import RESULTS, render
from thriftnet.recipe import load_recipe, shipped_recipes
from thriftnet.runs.folder import RunFolder

FACTS = {"commit": "a" * 40, "precision": "bf16", "torch": "2.13.0", "system": "Linux"}


def made(path: Path, *, accelerator: str | None = None, **changes: Any) -> RunFolder:
    """A finished run with weights of its own."""
    facts = {**FACTS, "accelerator": accelerator} if accelerator else FACTS
    run = make_run(path, environment=facts, **changes)
    if run.finished:
        with run.model_path.open("ab") as file:
            file.write(path.name.encode())
    return run


def test_everything_of_a_run_is_kept(tmp_path: Path) -> None:
    run = made(tmp_path / "a", seed=3, accuracy=0.65, overrides=["optim.lr=0.2"])
    ((entry,), left_out) = merge([], [run.path])
    assert left_out == []
    assert json.loads(json.dumps(entry, allow_nan=False)) == entry
    assert (entry["run"], entry["recipe"], entry["seed"]) == ("a", "smoke", 3)
    assert entry["digest"] == run.recipe().digest() != load_recipe("smoke").digest()
    assert entry["overrides"] == ["optim.lr=0.2"]
    assert (entry["parameters"], entry["pflop"], entry["training_seconds"]) == (78_042, 0.007, 41)
    assert (entry["train_images"], entry["images_seen"]) == (45_000, 90_000)
    assert (entry["tta"], entry["accuracy"]) == ("flip", 0.65)
    assert entry["accuracy_without_tta"] == pytest.approx(0.6495)
    assert entry["readings"]["none"]["calibration_error"] == 0.1
    assert entry["curve"] == {"epoch": [1, 2], "val_accuracy": [0.31, 0.32]}
    assert (entry["commit"], entry["machine"]["processor"]) == ("a" * 40, "any")
    assert (entry["machine"]["threads"], entry["machine"]["precision"]) == (2, "bf16")


def test_settings_make_the_recipe_again(tmp_path: Path) -> None:
    run = made(tmp_path / "a", recipe="quick", overrides=["name=mine", "train.epochs=3"])
    ((entry,), _) = merge([], [run.path])
    assert entry["overrides"] is None  # no recipe of that name is shipped
    base = ["name=x"]
    file = tmp_path / "bare.yaml"
    file.write_text("name: x\nmodel: {family: speednet}\n")
    again = [f"{key}={json.dumps(value)}" for key, value in entry["settings"].items()]
    assert load_recipe(file, [*base, *again]).digest() == entry["digest"]


def test_recipe_of_an_entry_is_that_of_its_run() -> None:
    entries = json.loads((RESULTS / "accuracy.json").read_text("utf-8"))["runs"]
    assert entries
    for entry in entries:
        assert recipe_of(entry).digest() == entry["digest"]


def test_run_merged_again_replaces_itself_under_any_name(tmp_path: Path) -> None:
    run, other = made(tmp_path / "a"), made(tmp_path / "b", seed=1)
    first, _ = merge([], [run.path, other.path])
    again, _ = merge(first, [run.path, other.path])
    assert again == first
    copy = tmp_path / "copy"
    shutil.copytree(run.path, copy)
    renamed, _ = merge(first, [copy])
    assert [entry["run"] for entry in renamed] == ["copy", "b"]
    anew = made(tmp_path / "new" / "a-again", accuracy=0.7)  # same recipe and seed, other weights
    grown, _ = merge(first, [anew.path])
    assert [entry["run"] for entry in grown] == ["a", "b", "a-again"]
    (shown, _) = sorted(
        shipped_runs({"runs": grown}, load_recipe("smoke")), key=lambda entry: entry["seed"]
    )
    assert shown["run"] == "a-again"


def test_later_reading_in_another_precision_changes_nothing(tmp_path: Path) -> None:
    run = made(tmp_path / "a")
    before, _ = merge([], [run.path])
    other = {"tta": "flip", "accuracy": 0.1, "accuracy_interval": [0, 1], "top5": 1, "loss": 1.0}
    run.append({"kind": "test", "precision": "fp32", **other, "calibration_error": 0.5})
    assert merge(before, [run.path])[0] == before


def test_what_is_no_evidence_is_left_out_and_the_others_kept(tmp_path: Path) -> None:
    good = made(tmp_path / "good")
    cut = made(tmp_path / "cut", finished=False)
    unread = made(tmp_path / "unread", accuracy=None)
    lost = made(tmp_path / "lost")
    lost.environment_path.unlink()
    paths = [cut.path, unread.path, good.path, tmp_path / "none", lost.path]
    entries, left_out = merge([], paths)
    assert [entry["run"] for entry in entries] == ["good"]
    for told, reason in zip(
        (
            f"finish it with: thriftnet train --resume {cut.path}",
            f"was never evaluated; run: thriftnet evaluate {unread.path}",
            "check the path",
            f"run: thriftnet evaluate {lost.path}",
        ),
        left_out,
        strict=True,
    ):
        assert told in reason
        assert len(reason.splitlines()) == 1


def accuracy_block(runs: list[dict[str, Any]]) -> str:
    return block_text("accuracy", ACCURACY_TABLE["accuracy"], {"runs": runs})


def test_table_shows_the_shipped_recipe_over_its_seeds(tmp_path: Path) -> None:
    accuracies = (0.65, 0.66, 0.70)
    runs = [made(tmp_path / str(s), seed=s, accuracy=a).path for s, a in enumerate(accuracies)]
    other = made(tmp_path / "other", accuracy=0.9, overrides=["optim.lr=0.2"]).path
    entries, _ = merge([], [*runs, other])
    text = accuracy_block(entries)
    # t of 2 degrees of freedom: 4.303 × sd 0.02646 / √3 = 6.57 points
    row = (
        f"| **`smoke`** | 3 | {fmean(accuracies):.2%} ± 6.57 | 66.95% ± 6.57 | 0.08M | 0.007 PFLOP"
    )
    assert row in text
    assert "0.7 min on any, 2 threads |" in text
    assert "90.00%" not in text
    assert "1 further run of other settings" in text
    assert "| [airbench94, Muon](https://github.com/KellerJordan/cifar10-airbench): README" in text


def test_single_seed_has_no_interval(tmp_path: Path) -> None:
    entries, _ = merge([], [made(tmp_path / "a").path])
    text = accuracy_block(entries)
    assert "| **`smoke`** | 1 | 65.00% | 64.95% |" in text


def test_recipe_without_a_run_is_in_the_table_all_the_same(tmp_path: Path) -> None:
    entries, _ = merge([], [made(tmp_path / "a").path])
    rows = accuracy_block(entries).splitlines()
    first = [row.split("`")[1] for row in rows if row.startswith("| **")]
    assert first[0] == "smoke"
    assert sorted(first) == list(shipped_recipes())
    (paper,) = [row for row in rows if row.startswith("| **`paper`**")]
    assert paper.startswith("| **`paper`** | 0 | not measured yet | – | 4.92M | 10.8 PFLOP | ≈ ")


def test_time_of_a_training_stands_beside_what_it_was_trained_on(tmp_path: Path) -> None:
    entries: list[dict[str, Any]] = []
    for seed, accelerator in enumerate((None, "fast", "fast")):
        run = made(tmp_path / str(seed), seed=seed, accelerator=accelerator)
        if seed == 2:
            run.append({"kind": "environment", "step": 180, "accelerator": None, "threads": 4})
        entries += merge([], [run.path])[0]
    assert [entry["machine"]["accelerator"] for entry in entries] == [None, "fast", "fast"]
    assert [move["step"] for move in entries[2]["moves"]] == [180]
    assert (
        times(entries)
        == "0.7 min on any, 2 threads; 0.7 min on fast; 0.7 min on fast and any, 4 threads"
    )
    del entries[0]["moves"], entries[0]["machine"]["accelerator"]  # as earlier files have it
    assert times(entries[:1]) == "0.7 min on any, 2 threads"


def test_runs_that_all_had_an_accelerator_have_an_expected_time_beside_theirs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = {"threads": 64, "processor": "another"}
    speeds = {"machine": machine, "recipes": {"smoke": {"expected_seconds": 120.0}}}
    monkeypatch.setattr("documents.accuracy_table.result", {"recipe_speed": speeds}.get)
    entries, _ = merge([], [made(tmp_path / "0", accelerator="fast").path])
    (row,) = [r for r in accuracy_block(entries).splitlines() if "`smoke`" in r]
    assert row.endswith("| 0.7 min on fast; ≈ 2.0 min expected on another, 64 threads |")
    entries, _ = merge(entries, [made(tmp_path / "1", seed=1).path])
    (row,) = [r for r in accuracy_block(entries).splitlines() if "`smoke`" in r]
    assert row.endswith("| 0.7 min on any, 2 threads; 0.7 min on fast |")


def test_expected_times_name_the_machine_they_are_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    speeds = {"machine": {"threads": 64, "processor": "another"}, "recipes": {}}
    monkeypatch.setattr("documents.accuracy_table.result", {"recipe_speed": speeds}.get)
    entries, _ = merge([], [made(tmp_path / "a").path])
    text = accuracy_block(entries)
    assert "Expected times are for another, 64 threads: extrapolated from the speed over" in text


def test_results_are_json_with_each_list_of_numbers_in_a_line() -> None:
    figures = {"a": [1, 2.5, None], "b": [{"c": "ü, [1,\n2]"}, []], "d": {}, "e": ["x", 1]}
    text = render(figures)
    assert json.loads(text) == figures
    assert '  "a": [1, 2.5, null],\n  "b": [\n    {\n      "c": ' in text


@pytest.mark.parametrize("peer", PUBLISHED, ids=lambda peer: peer["name"])
def test_published_figures_name_their_source(peer: dict[str, Any]) -> None:
    assert peer["source"].startswith("https://")
    assert peer["where"]
    assert 0.9 < peer["accuracy"] < 1
    assert 10**5 < peer["parameters"] < 10**8


def test_the_papers_figures_are_those_of_its_claims() -> None:
    claimed = {c.name: c.claimed for part in read_claims().parts for c in part.claims}
    paper, logged = PUBLISHED[:2]
    assert paper["accuracy"] == claimed["top-1 accuracy"]
    assert logged["accuracy"] == claimed["the final run's accuracy"]
    assert paper["parameters"] == logged["parameters"] == claimed["trainable parameters"]
