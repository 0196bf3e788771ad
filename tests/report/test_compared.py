"""What `compare` says stands on the page of several runs; long names do not push it aside."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

import thriftnet
from made_groups import BETTER, SMOKE, seeds
from thriftnet.comparison.compare import compare
from thriftnet.report.build import Report
from thriftnet.runs.folder import RunFolder

pytestmark = pytest.mark.usefixtures("svg_alone")
Visit = Callable[[Path, int, str], Page]
LONG = "2026-11-29-fashion-mnist-from-scratch-with-trivialaugment-"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Seven runs of two recipes with long names, the second better."""
    folder = tmp_path_factory.mktemp("runs")
    runs = [
        *seeds(folder, f"{LONG}narrow-", SMOKE, overrides=[f"name={LONG}narrow"]),
        *seeds(
            folder, f"{LONG}wide-", [*BETTER, 0.67],
            overrides=[f"name={LONG}wide", "optim.lr=0.2"],
        ),
    ]  # fmt: skip
    for path in runs:
        for epoch in (3, 4):
            figures = {"train_loss": 2 / epoch, "train_accuracy": 0.1 * epoch, "val_loss": 0.5,
                       "val_accuracy": 0.15 * epoch, "images_per_second": 900.0}  # fmt: skip
            line = {"kind": "epoch", "epoch": epoch, "step": 180 * epoch, "seconds": 20.5 * epoch}
            RunFolder.open(path).append({**line, **figures})
    return runs


@pytest.fixture(scope="module")
def shared(runs: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Report:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("thriftnet.report.drawing.png_of", lambda _: b"")
        return thriftnet.write_report(runs, output=tmp_path_factory.mktemp("out"))


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (400, "dark")])
def test_nothing_is_cut_off_with_seven_long_names(
    visit: Visit, shared: Report, width: int, theme: str
):
    page = visit(shared.page, width, theme)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    runs = page.locator("[aria-label='Runs, table'] td:first-child").all_text_contents()
    assert sorted(runs) == ["narrow-0", "narrow-1", "narrow-2", *(f"wide-{n}" for n in range(4))]
    header = page.locator("header").inner_text()
    assert f"names of runs and recipes are shown without their prefix “{LONG}”" in header
    outside = page.evaluate(
        """() => [...document.querySelectorAll("figure svg")].flatMap((svg) => {
            const frame = svg.getBoundingClientRect();
            return [...svg.querySelectorAll("text")].map((text) => [text,
                text.getBoundingClientRect()]).filter(([, box]) => box.width
                && (box.left < frame.left - 2 || box.right > frame.right + 2))
                .map(([text]) => text.textContent);
        })"""
    )
    assert outside == []


def test_page_has_the_sentence_and_the_intervals_of_compare(runs: list[Path], shared: Report):
    page = shared.page.read_text("utf-8")
    (contrast,) = compare(runs).contrasts
    assert contrast.verdict.replace(LONG, "")[1:] in page  # "No significant difference" is capital
    assert "significant difference" in page
    assert contrast.half_width is not None
    ends = [contrast.points - contrast.half_width, contrast.points + contrast.half_width]
    assert f"{ends[0]:+.2f} to {ends[1]:+.2f}" in page
    assert "95% over test images" in page


def test_runs_that_cannot_be_compared_say_why(tmp_path: Path):
    several = seeds(tmp_path, "smoke", SMOKE)
    alone = seeds(tmp_path, "late", [0.65], overrides=["name=late"], finished=False)
    report = thriftnet.write_report([*several, *alone], output=tmp_path / "out")
    assert any("late0" in text for text in report.missing)
    page = report.page.read_text("utf-8")
    assert "These runs differ by seed only" in page


def test_a_difference_that_cannot_be_tested_is_not_called_insignificant(tmp_path: Path):
    runs = [
        *seeds(tmp_path, "one", [0.65, 0.65], overrides=["name=one"]),
        *seeds(tmp_path, "two", [0.67, 0.67], overrides=["name=two", "optim.lr=0.2"]),
    ]
    page = thriftnet.write_report(runs, output=tmp_path / "out").page.read_text("utf-8")
    assert "without any variance" in page
    assert "?</span> not tested" in page
    assert "significant difference" not in page


def test_runs_without_any_test_figure_have_a_page_all_the_same(tmp_path: Path):
    runs = [
        *seeds(tmp_path, "one", [0.6], overrides=["name=one"], finished=False),
        *seeds(tmp_path, "two", [0.6], overrides=["name=two"], finished=False),
    ]
    report = thriftnet.write_report(runs, output=tmp_path / "out")
    assert any(text.startswith("No comparison: ") for text in report.missing)
