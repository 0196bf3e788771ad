"""The page of the paper's claims, the command that writes it, and results that are damaged."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from commands import Command, in_this_process
from made_results import ORIGIN, made_results, run_of, write_file
from reproductions.dreamfire2025.__main__ import main
from reproductions.dreamfire2025.build import PaperReport, write_paper_report
from reproductions.dreamfire2025.claims import read_claims
from reproductions.dreamfire2025.judge import MARKS
from support.run_curves import curve_of

pytestmark = pytest.mark.usefixtures("svg_alone")
Visit = Callable[[Path, int, str], Page]
TORN_CURVE = {"epoch": [1], "train_loss": [2, 1]}


def lines_of(**figures: float) -> list[dict[str, Any]]:
    """Metrics of a training of five epochs."""
    return [
        {"kind": "start"},
        *(
            {"kind": "epoch", "epoch": e, "train_loss": 2 / e, "train_accuracy": 1 - 1 / (e + 1),
             "val_loss": None, "val_accuracy": None, "learning_rate": 0.1 / e, **figures}
            for e in range(1, 6)
        ),
    ]  # fmt: skip


@pytest.fixture
def paper(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run `make paper` in this process, with these arguments."""
    return in_this_process(monkeypatch, capsys, main)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> PaperReport:
    """The report of results that have all it reads."""
    folder = made_results(tmp_path_factory.mktemp("whole") / "results")
    curve = curve_of(lines_of(val_accuracy=0.5))
    runs = [run_of(name, 0, 0.94, curve=curve) for name in ("paper", "paper-sgd", "authors")]
    runs.append({"recipe": "<b>best</b>", "seed": 0, "accuracy": 0.97, "pflop": 12.0})
    write_file(folder, "accuracy", runs=runs)
    pairs = [
        run_of(name, seed, value + seed / 1000, curve=curve)
        for name, value in (("paper", 0.9), ("paper-sgd", 0.8))
        for seed in range(3)
    ]
    write_file(folder, "paper_sgd_against_adamw", epochs=5, runs=pairs)
    return write_paper_report(folder, folder / "out" / "paper.html")


def test_a_verdict_looks_as_one_of_the_tones_of_every_page(whole: PaperReport) -> None:
    """The package's style sheet knows nothing of the paper."""
    text = whole.page.read_text("utf-8")
    tones = set(re.findall(r'<article class="card ?([^"]*)">', text))
    assert {"good", "bad"} <= tones <= {"", "good", "partly", "bad", "open"}
    style = resources.files("thriftnet.report").joinpath("assets/style.css").read_text("utf-8")
    assert {f".card.{tone}" for tone in tones - {""}} <= set(re.findall(r"\.card\.\w+", style))
    assert not [verdict for verdict in MARKS if verdict.replace(" ", "-") in style]


def test_page_has_every_claim_figure_and_erratum(whole: PaperReport) -> None:
    assert whole.counts["not measured yet"] == 0
    page = whole.page.read_text("utf-8")
    claims = read_claims()
    for name in ("optimisers", "optimiser-curves", "learning-rate", "loss", "accuracy"):
        assert page.count(f'id="figure-{name}"') == 1
    assert 'id="figure-architecture"' in page
    assert page.count('<p class="verdict">') == len(whole.claims)
    assert page.count("<article") == len(whole.claims) + len(claims.errata)
    assert len(claims.errata) >= 6
    assert "&lt;b&gt;best&lt;/b&gt;" in page
    assert "<b>" not in page
    assert not re.search(r'(src|href)="(?!#|data:)', page)


def test_loss_accuracy_and_optimisers_are_drawn_from_the_curves_of_accuracy_json(
    results: Path, tmp_path: Path
) -> None:
    """Which `accuracy.py` takes from the metrics; there is no other file of trained runs."""
    out = tmp_path / "page.html"
    runs = [run_of(name, 0, 0.94) for name in ("paper", "paper-sgd", "authors")]
    write_file(results, "accuracy", runs=runs)
    without = write_paper_report(results, out).page.read_text("utf-8")
    assert 'id="figure-optimiser-curves"' not in without
    assert "here, training" not in without

    validated = curve_of(lines_of(val_accuracy=0.5))
    runs = [run_of(name, seed, 0.94, curve=validated) for name in ("paper", "paper-sgd")
            for seed in (0, 1)]  # fmt: skip
    bare = curve_of(lines_of())
    assert "val_loss" not in bare  # as a run without validation images has none
    assert bare["train_loss"] == [2, 1, 0.66667, 0.5, 0.4]
    runs.append(run_of("authors", 0, 0.94, curve=bare))
    write_file(results, "accuracy", runs=runs)
    page = write_paper_report(results, out).page.read_text("utf-8")
    assert "SGD 50.00 at first, 50.00 at last; AdamW 50.00 at first" in page
    assert page.count("here, training: 2.000 to 0.400") == 1  # the alternative of figure 4
    assert page.count("here, training: 50.000 to 83.333") == 1  # and of figure 5


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (380, "dark")])
def test_page_in_a_browser(visit: Visit, whole: PaperReport, width: int, theme: str) -> None:
    page = visit(whole.page, width, theme)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for drawn in page.locator("figure svg").all():
        box = drawn.bounding_box()
        assert box is not None
        assert box["width"] > 300
    table = page.locator("[aria-label='All claims, table']")
    verdict = table.get_by_role("cell", name="✗ did not hold").first.bounding_box()
    assert verdict is not None
    assert verdict["x"] + verdict["width"] <= width  # seen without scrolling
    table.get_by_role("button", name="verdict").click()
    cells = table.locator("tbody td:nth-child(2)").all_text_contents()
    blocks = [cell for at, cell in enumerate(cells) if at == 0 or cells[at - 1] != cell]
    assert len(blocks) == len(set(cells))  # the same verdicts stand together


def test_command_tells_every_claim_and_writes_the_page(
    paper: Command, results: Path, tmp_path: Path
) -> None:
    outcome = paper("--results", results, "--out", tmp_path / "page.html")
    assert (outcome.code, outcome.err) == (0, "")
    assert "↑ fewer parameters than ResNet-18: understated (the paper 26%, here" in outcome.out
    assert "to measure more: python benchmarks/train_recipe.py authors" in outcome.out
    assert f"wrote {tmp_path / 'page.html'}" in outcome.out
    assert (tmp_path / "page.html").read_bytes().startswith(b"<!DOCTYPE html>")


def test_empty_folder_gives_a_page_all_the_same(paper: Command, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    out = tmp_path / "page.html"
    outcome = paper("--results", tmp_path / "none", "--out", out)
    assert outcome.code == 0
    assert "python benchmarks/paper_against_resnet18.py" in out.read_text("utf-8")
    assert "held" not in outcome.out.replace("not hold", "").splitlines()[-1]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("accuracy", '{"runs": [', "accuracy.json is damaged"),
        ("accuracy", "[]", "accuracy.json is damaged: the file: "),
        ("accuracy", "\xff", "accuracy.json is damaged"),
        ("accuracy", json.dumps({**ORIGIN, "runs": [{"recipe": "paper"}]}), "runs.0.seed: "),
        (
            "accuracy",
            json.dumps({**ORIGIN, "runs": [run_of("paper", 0, 93.5)]}),
            "runs.0.accuracy: ",
        ),
        (
            "accuracy",
            json.dumps({**ORIGIN, "runs": [run_of("paper", 0, math.nan)]}),
            "runs.0.accuracy: ",
        ),
        (
            "accuracy",
            json.dumps({**ORIGIN, "runs": [run_of("paper", 0, 0.9, curve=TORN_CURVE)]}),
            "train_loss has 2 values for 1 epochs",
        ),
        (
            "paper_speed",
            json.dumps({**ORIGIN, "images_per_second": {"ours": 1}, "ratio": 2}),
            "images_per_second: Value error, plain is missing",
        ),
    ],
)
def test_damaged_results_are_named(
    paper: Command, results: Path, tmp_path: Path, name: str, content: str, told: str
) -> None:
    (results / f"{name}.json").write_text(content, "latin-1")
    out = tmp_path / "page.html"
    outcome = paper("--results", results, "--out", out)
    assert outcome.code == 2
    assert told in outcome.error_line
    assert outcome.error_line.endswith("restore it with git, or measure it again")
    assert not out.exists()


def test_bad_paths(paper: Command, results: Path, tmp_path: Path) -> None:
    outcome = paper("--results", tmp_path / "nowhere")
    assert outcome.code == 2
    assert "there is no folder of results" in outcome.error_line
    assert "--results" in outcome.error_line
    outcome = paper("--results", results, "--out", tmp_path)
    assert outcome.code == 2
    assert "is a folder; name a file" in outcome.error_line
    (tmp_path / "file").write_text("")
    out = tmp_path / "file" / "page.html"
    outcome = paper("--results", results, "--out", out)
    assert outcome.code == 2
    assert "cannot be written" in outcome.error_line
