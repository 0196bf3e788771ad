"""Comparisons of runs: who belongs together, what is tested, and what is said."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from made_groups import BETTER, SMOKE, seeds, text_of, wider
from made_runs import make_run, rights
from thriftnet.comparison.compare import compare
from thriftnet.errors import RunError
from thriftnet.terminal.compare import print_comparison


def test_two_recipes_of_three_seeds(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    found = compare(seeds(tmp_path, "smoke", SMOKE) + wider(tmp_path, BETTER))
    reference = stats.ttest_rel(BETTER, SMOKE)
    low, high = reference.confidence_interval()
    (contrast,) = found.contrasts
    assert contrast.test == "paired t test"
    assert contrast.p == contrast.p_corrected == pytest.approx(reference.pvalue)
    assert contrast.points == pytest.approx(100 * np.subtract(BETTER, SMOKE).mean())
    assert contrast.half_width == pytest.approx(50 * (high - low))
    gap = f"{contrast.points:.2f} ± {contrast.half_width:.2f}"
    told = "p < 0.001" if reference.pvalue < 0.001 else f"p = {reference.pvalue:.2g}"
    assert contrast.image_half_width is not None
    assert contrast.verdict == (
        f"wide is better than smoke by {gap} points (n = 3 seeds, {told}; "
        f"other test images: another ± {contrast.image_half_width:.2f} points)"
    )

    shown = text_of(found, capsys)
    for part in (
        contrast.verdict,
        "paired t test, two-sided",
        "wide 3 67.20 ± 0.75 78,042 12.5M 0:41",
        "smoke 0: 65.00 1: 65.50 2: 64.80",
        "optim.lr 0.1 0.2",
        "seeds and test images are different sources of uncertainty",
    ):
        assert part in shown
    turned = compare([run.path for g in reversed(found.groups) for run in g.scores]).contrasts[0]
    assert turned.verdict == contrast.verdict
    assert turned.points == pytest.approx(-contrast.points)


def test_two_seeds_say_how_much_other_test_images_would_move_them(tmp_path: Path):
    """Two seeds may agree by luck; the sentence tells that the images alone move more."""
    close = [SMOKE[0] + 0.0005, SMOKE[1] + 0.001]  # of one and of two images
    (contrast,) = compare(seeds(tmp_path, "smoke", SMOKE[:2]) + wider(tmp_path, close)).contrasts
    assert contrast.image_half_width is not None
    assert abs(contrast.points) < contrast.image_half_width
    width = f"other test images: another ± {contrast.image_half_width:.2f} points"
    assert f"{width}, more than the difference" in contrast.verdict


def test_other_seeds_are_not_paired(tmp_path: Path):
    runs = seeds(tmp_path, "smoke", SMOKE) + wider(tmp_path, [*BETTER, 0.66], first=1)
    (contrast,) = compare(runs).contrasts
    reference = stats.ttest_ind([*BETTER, 0.66], SMOKE, equal_var=False)
    assert contrast.test == "Welch's t test"
    assert contrast.p == pytest.approx(reference.pvalue)
    assert "n = 3 and 4 seeds" in contrast.verdict


def test_difference_that_cannot_be_shown_says_what_it_would_take(tmp_path: Path):
    near = [0.654, 0.653, 0.652]
    (contrast,) = compare(seeds(tmp_path, "smoke", SMOKE) + wider(tmp_path, near)).contrasts
    assert contrast.seeds_needed is not None
    assert contrast.seeds_needed > 3
    assert contrast.verdict.startswith(
        "no significant difference between smoke and wide with 3 seeds; "
        f"about {contrast.seeds_needed} would be needed (found: wide ahead by 0.20 ± "
    )
    # with that many seeds of the same difference and scatter, 8 of 10 experiments show it
    differences = np.subtract(near, SMOKE)
    rng, count = np.random.default_rng(0), contrast.seeds_needed
    drawn = rng.normal(differences.mean(), differences.std(ddof=1), (20_000, count))
    assert (stats.ttest_1samp(drawn, 0, axis=1).pvalue < 0.05).mean() == pytest.approx(
        0.8, abs=0.03
    )


def test_two_single_runs_are_paired_by_image(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    runs = seeds(tmp_path, "smoke", [0.65]) + wider(tmp_path, [0.69], first=1)
    found = compare(runs)
    first, other = rights(0.65, seed=0), rights(0.69, seed=1)
    counts = int((first & ~other).sum()), int((other & ~first).sum())
    (contrast,) = found.contrasts
    assert contrast.test == "McNemar's exact test"
    assert (contrast.only_first, contrast.only_other) == counts
    assert contrast.p == pytest.approx(stats.binomtest(counts[0], sum(counts)).pvalue)
    assert contrast.points == pytest.approx(4.0)
    assert contrast.verdict.startswith("wide is better than smoke by 4.00 ± ")
    assert "on these test images" in contrast.verdict
    shown = text_of(found, capsys)
    assert f"{counts[0]} images only smoke classifies correctly, {counts[1]} only wide" in shown
    assert "compares these two networks" in shown


def test_single_runs_alike(tmp_path: Path):
    runs = seeds(tmp_path, "smoke", [0.65]) + wider(tmp_path, [0.651], first=1)
    (contrast,) = compare(runs).contrasts
    assert contrast.p is not None
    assert contrast.p > 0.05
    assert "no significant difference between smoke and wide with one run each" in contrast.verdict


def test_one_seed_against_several(tmp_path: Path):
    found = compare(seeds(tmp_path, "smoke", SMOKE) + wider(tmp_path, [0.672]))
    assert found.contrasts[0].test == "Student's t test"
    assert any("one seed is assumed to have the other's variance" in note for note in found.notes)


def test_several_recipes_are_corrected_for_their_number(tmp_path: Path):
    runs = seeds(tmp_path, "smoke", SMOKE)
    for number, accuracies in enumerate([BETTER, [0.655, 0.659, 0.654], [0.651, 0.64, 0.66]]):
        options = [f"name=r{number}", f"optim.lr=0.{number + 2}"]
        runs += seeds(tmp_path, f"r{number}", accuracies, overrides=options)
    found = compare(runs)
    assert found.correction == "Holm"
    assert any("Holm-corrected" in note for note in found.notes)
    assert [contrast.other for contrast in found.contrasts] == ["r0", "r1", "r2"]
    assert {contrast.first for contrast in found.contrasts} == {"smoke"}
    raw = [contrast.p or 0.0 for contrast in found.contrasts]
    order = np.argsort(raw)
    by_hand = np.maximum.accumulate([raw[at] * (3 - rank) for rank, at in enumerate(order)])
    corrected = [found.contrasts[at].p_corrected for at in order]
    assert corrected == pytest.approx([min(1.0, p) for p in by_hand])
    for contrast in found.contrasts:
        assert contrast.p_corrected is not None
        assert ("is better" in contrast.verdict) == (contrast.p_corrected < 0.05)


def test_correction_can_take_a_finding_back(tmp_path: Path):
    """p = 0.03 alone is shown; as the best of three it is not."""
    near = [0.6545, 0.6585, 0.6545]
    alone = compare(seeds(tmp_path / "1", "smoke", SMOKE) + wider(tmp_path / "1", near))
    assert "is better" in alone.contrasts[0].verdict
    runs = seeds(tmp_path / "2", "smoke", SMOKE) + wider(tmp_path / "2", near)
    for number in range(2):
        options = [f"name=r{number}", f"optim.lr=0.{number + 3}"]
        runs += seeds(tmp_path / "2", f"r{number}", [0.65, 0.64, 0.66], overrides=options)
    among = compare(runs)
    assert among.contrasts[0].p == pytest.approx(alone.contrasts[0].p)
    assert "no significant difference" in among.contrasts[0].verdict


def test_recipes_of_one_name_are_told_apart(tmp_path: Path):
    runs = [
        make_run(tmp_path / f"run{at}", accuracy=0.6 + at / 100, overrides=options).path
        for at, options in enumerate(
            [["optim.lr=0.1"], ["optim.lr=0.2"], ["train.batch_size=100", "train.epochs=5"]]
        )
    ]
    two, three = compare(runs[:2]), compare(runs)
    assert [group.label for group in two.groups] == ["smoke optim.lr=0.1", "smoke optim.lr=0.2"]
    labels = [group.label for group in three.groups]
    assert len(set(labels)) == 3
    assert labels[0] == "smoke (run0)"
    assert three.groups[2].settings["train.epochs"] == 5


def test_recipes_that_differ_much_are_called_as_their_runs_are(tmp_path: Path):
    many = ["train.batch_size=100", "train.epochs=5", "optim.lr=0.2"]
    runs = [
        make_run(tmp_path / f"2026-laptop-{kind}-seed{seed}", seed=seed, overrides=options).path
        for kind, options in (("wide", []), ("deep", many))
        for seed in (0, 1)
    ]
    assert [group.label for group in compare(runs).groups] == ["smoke (wide)", "smoke (deep)"]


def test_seeds_of_one_recipe_have_nothing_to_be_compared_with(tmp_path: Path):
    runs = seeds(tmp_path, "smoke", SMOKE)
    found = compare(runs)
    assert found.contrasts == ()
    assert found.groups[0].mean.mean == pytest.approx(np.mean(SMOKE))
    assert "differ by seed only" in found.notes[0]
    two = compare(runs[:2])
    assert [group.label for group in two.groups] == ["smoke0", "smoke1"]
    assert two.contrasts[0].test == "McNemar's exact test"


def test_reading_can_be_chosen(tmp_path: Path):
    runs = seeds(tmp_path, "smoke", SMOKE) + wider(tmp_path, BETTER)
    mirrored, plain = compare(runs), compare(runs, tta="none")
    assert {group.scores[0].tta for group in plain.groups} == {"none"}
    assert plain.groups[0].mean.mean < mirrored.groups[0].mean.mean
    with pytest.raises(RunError, match=r"never evaluated with --tta flip_shift; run: thriftnet ev"):
        compare(runs, tta="flip_shift")


def test_more_seeds_of_one_side_are_asked_of_each(tmp_path: Path):
    runs = seeds(tmp_path, "smoke", SMOKE) + wider(tmp_path, [0.654, 0.653, 0.652, 0.655])
    (contrast,) = compare(runs).contrasts
    assert f"; about {contrast.seeds_needed} of each would be needed" in contrast.verdict


def test_json_and_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    tall = "\x1b[31mred\n" + "x" * 40
    runs = seeds(tmp_path, "smoke", [0.65]) + seeds(tmp_path, tall, [0.66], first=1)
    found = compare(runs)
    told = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert told["groups"][1]["runs"][0]["run"] == str(runs[1])
    assert told["groups"][0]["accuracy"] == pytest.approx(0.65)
    assert told["contrasts"][0]["verdict"] == found.contrasts[0].verdict
    for columns in (50, 80):
        monkeypatch.setenv("COLUMNS", str(columns))
        print_comparison(found)
        shown = capsys.readouterr().out
        assert "\x1b" not in shown
        words = [line for line in shown.splitlines() if str(tmp_path) not in line]
        assert max(map(len, words)) <= columns + len(tall)


@pytest.mark.parametrize("columns", [50, 80])
def test_what_differs_between_many_recipes_fits_the_terminal(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    columns: int,
):
    runs = [
        make_run(tmp_path / f"{n}", overrides=[f"name=recipe-{n}", f"optim.lr=0.{n}"]).path
        for n in range(1, 9)
    ]
    monkeypatch.setenv("COLUMNS", str(columns))
    print_comparison(compare(runs))
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= columns
    assert "optim.lr: recipe-1 0.1; recipe-2 0.2;" in " ".join(shown.split())


@pytest.mark.parametrize("columns", [40, 80])
def test_sentences_call_recipes_as_the_table_does(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    columns: int,
):
    """Names with a long common beginning overflowed, and hid the figures between them."""
    start = "greenhouse-camera-2026-autumn-campaign"
    runs = [
        make_run(
            tmp_path / kind, accuracy=accuracy, overrides=[f"name={start}-{kind}", f"optim.lr={lr}"]
        ).path
        for kind, accuracy, lr in (("narrow", 0.6, 0.1), ("wide", 0.7, 0.2))
    ]
    monkeypatch.setenv("COLUMNS", str(columns))
    print_comparison(compare(runs))
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= columns
    assert "…wide is better than …narrow by" in " ".join(shown.split())
    assert start not in shown
