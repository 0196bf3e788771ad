"""Comparisons of runs that are missing, damaged or of something else, and what is left."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from made_groups import BETTER, SMOKE, seeds, text_of, wider
from made_runs import make_run, predictions_of, rights
from thriftnet.comparison.compare import compare
from thriftnet.errors import RunError
from thriftnet.runs.folder import RunFolder


def test_single_runs_without_predictions(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    runs = [
        make_run(tmp_path / "a", accuracy=0.65, predictions=False).path,
        make_run(tmp_path / "b", recipe="quick", accuracy=0.93).path,
    ]
    found = compare(runs)
    (contrast,) = found.contrasts
    assert (contrast.test, contrast.p, contrast.points) == ("none", None, pytest.approx(28))
    assert "cannot be tested" in contrast.verdict
    assert "one seed each" in contrast.verdict
    shown = text_of(found, capsys)
    assert "no test was possible" in shown
    assert f"has no saved predictions; run: thriftnet evaluate {runs[0]}" in shown
    assert "augmentation differs (smoke flip, quick flip_shift)" in shown


def test_repeated_seed_counts_once(tmp_path: Path):
    runs = seeds(tmp_path, "smoke", SMOKE) + wider(tmp_path, BETTER)
    again = make_run(tmp_path / "again", seed=1, accuracy=0.7).path
    found = compare([*runs, again, runs[0]])
    assert found.contrasts == compare(runs).contrasts
    (reason,) = found.left_out
    assert reason.startswith(f"{again} has the same recipe and seed as {runs[1]}")


def test_runs_that_cannot_be_used_are_named_and_the_others_compared(tmp_path: Path):
    good = seeds(tmp_path, "smoke", SMOKE) + wider(tmp_path, BETTER)
    unread = make_run(tmp_path / "unread", seed=7, accuracy=None)
    cut = make_run(tmp_path / "cut", seed=8, finished=False)
    damaged = make_run(tmp_path / "damaged", seed=9)
    damaged.metrics_path.write_text("{}\n{\n{}\n")
    emptied = make_run(tmp_path / "emptied", seed=10)
    emptied.model_path.write_bytes(b"")
    edited = make_run(tmp_path / "edited", seed=11)
    edited.recipe_path.write_text("name: x\noptim: {lrr: 1}\n")
    bad = [run.path for run in (unread, cut, damaged, emptied, edited)]
    found = compare([*bad, *good])
    assert found.contrasts == compare(good).contrasts
    told = "\n".join(found.left_out)
    for part in (
        f"{unread.path} was never evaluated; run: thriftnet evaluate {unread.path}",
        f"finish it with: thriftnet train --resume {cut.path}",
        "is damaged in line 2",
        f"{emptied.model_path} is damaged",
        "did you mean optim.lr?",
    ):
        assert part in told
    assert len(found.left_out) == 5
    alone = compare([unread.path, good[0]])
    assert [group.label for group in alone.groups] == [good[0].name]
    assert (
        alone.incomparable_reason
        == f"of the runs given only {good[0]} can be used; a comparison takes two"
    )
    with pytest.raises(RunError, match="was never evaluated; run: thriftnet evaluate"):
        compare([unread.path, cut.path])


def test_wrong_path_and_too_few_runs(tmp_path: Path):
    run = make_run(tmp_path / "a").path
    with pytest.raises(RunError, match="there is no run folder .*nowhere"):
        compare([run, tmp_path / "nowhere"])
    (tmp_path / "b").mkdir()
    twice = [run, tmp_path / "b" / ".." / "a"]
    for runs, told in (([], "none is"), ([run], "only one is"), (twice, "a is")):
        with pytest.raises(RunError, match=f"takes two runs or more, and .*{told} given"):
            compare(runs)


def test_other_classes_and_data_are_shown_and_not_compared(tmp_path: Path):
    first = make_run(tmp_path / "first")
    letters = make_run(tmp_path / "letters", seed=1, classes=("a", "b"))

    def incomparable_reason(other: RunFolder) -> str:
        found = compare([first.path, other.path])
        assert found.contrasts == ()
        assert [group.label for group in found.groups] == ["first", other.path.name]
        assert not any("differ by seed only" in note for note in found.notes)
        assert (
            json.loads(json.dumps(found.to_json()))["incomparable_reason"]
            == found.incomparable_reason
        )
        return found.incomparable_reason or ""

    assert "have different classes (airplane" in incomparable_reason(letters)
    assert incomparable_reason(letters).endswith("compare runs of the same classes")
    alone = {"network": "0" * 64}  # evaluated in the cache, whose folder nobody knows
    name = make_run(tmp_path / "best", seed=5, classes=("a", "b"), environment=alone)
    assert " and best have different classes" in incomparable_reason(name)
    data = make_run(tmp_path / "data", seed=2, environment={"data": {"test_batch": "81"}})
    assert "have different training data (" in incomparable_reason(data)
    third = make_run(tmp_path / "third", seed=4)  # a mean over data sets would say nothing
    three = compare([first.path, data.path, third.path])
    assert [len(group.scores) for group in three.groups] == [1, 1, 1]
    images = make_run(tmp_path / "images", seed=3)
    said = predictions_of(rights(0.6, seed=3))
    said.labels[:2] = said.labels[1::-1]
    images.save_predictions(said)
    assert "were evaluated on different test images; evaluate both" in incomparable_reason(images)


def test_other_test_images_are_seen_though_the_first_run_has_no_predictions(tmp_path: Path):
    runs = [make_run(tmp_path / "a", predictions=False), make_run(tmp_path / "b", seed=1)]
    runs.append(make_run(tmp_path / "c", seed=2))
    runs[2].save_predictions(predictions_of(rights(0.6, seed=3, images=30)))
    reason = compare([run.path for run in runs]).incomparable_reason or ""
    assert f"{runs[1].path} and {runs[2].path} were evaluated on different test images" in reason


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04torn", b"not numpy"])
def test_damaged_predictions_cost_the_test_only(tmp_path: Path, content: bytes):
    runs = [make_run(tmp_path / name, seed=seed) for seed, name in enumerate("ab")]
    runs[1].predictions_path.write_bytes(content)
    found = compare([run.path for run in runs])
    assert found.contrasts[0].p is None
    assert any("has damaged predictions; run: thriftnet evaluate" in n for n in found.notes)


def test_predictions_of_another_shape_cost_the_test_only(tmp_path: Path):
    runs = [make_run(tmp_path / name, seed=seed) for seed, name in enumerate("ab")]
    said = predictions_of(rights(0.6, seed=3))
    runs[1].save_predictions(type(said)(said.labels[:-1], said.logits))
    found = compare([run.path for run in runs])
    assert found.contrasts[0].p is None
    assert any("predictions that do not match their labels" in note for note in found.notes)


def test_two_seeds_that_are_left_of_three_runs_are_no_rivals(tmp_path: Path):
    """Who named three did not ask whether one seed is better than another."""
    first, second = seeds(tmp_path, "smoke", SMOKE[:2])
    cut = make_run(tmp_path / "cut", recipe="quick", finished=False).path
    found = compare([first, second, cut])
    assert len(found.groups) == 1
    assert found.contrasts == ()
    assert len(found.left_out) == 1
    assert compare([first, second]).contrasts  # who names two does ask


def test_times_of_runs_that_moved_do_not_compare(tmp_path: Path):
    runs = seeds(tmp_path, "smoke", SMOKE) + wider(tmp_path, BETTER)
    assert not any("different machines" in note for note in compare(runs).notes)
    RunFolder(runs[0]).append({"kind": "environment", "step": 180, "processor": "another"})
    assert any("different machines" in note for note in compare(runs).notes)
