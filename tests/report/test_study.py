"""A report of a finished search: what it shows."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from page_shown import Shown
from thriftnet.report.build import Report
from thriftnet.report.study.record import StudyRecord, read_study
from thriftnet.report.study.tradeoffs import COSTS, pareto_front
from thriftnet.search.study import Study
from thriftnet.table import amount

FIGURES = {
    "pareto-parameters", "pareto-macs", "pareto-operations", "importance-grid", "parallel", "rungs",
    "learning-curves", "stages-1", "stages-2", "stages-3", "stages-4", "refinement", "validation",
}  # fmt: skip


@pytest.fixture(scope="module")
def shown(study_report: Report) -> Shown:
    return Shown(study_report.page)


@pytest.fixture(scope="module")
def record(study: Path) -> StudyRecord:
    opened = Study.open(study)
    found = read_study(opened)
    opened.storage.close()
    return found


def test_every_figure_is_on_the_page_with_words_and_in_both_files(
    study_report: Report, shown: Shown
):
    assert {path.name for path in study_report.figures} == {
        f"{name}.{ending}" for name in FIGURES for ending in ("svg", "png")
    }
    assert {str(a["id"]) for a in shown.named("figure")} == {f"figure-{name}" for name in FIGURES}
    drawn = shown.named("svg")
    assert all(a["role"] == "img" and len(str(a["aria-label"])) > 40 for a in drawn)
    ids = [a["id"] for _, a in shown.found if "id" in a]
    assert len(ids) == len(set(ids))
    for tag, attributes in shown.found:
        for key in ("src", "href", "xlink:href"):
            assert re.match(r"#|data:image/png;base64,", attributes.get(key) or "#"), tag
    assert study_report.page.stat().st_size < 1_000_000


def test_training_is_counted_in_operations_and_not_timed(shown: Shown, record: StudyRecord):
    head, *rows = shown.tables["Candidates"]
    assert "s/epoch" not in head
    trained = next(trial for trial in record.ranked if trial.reached == record.full)
    # Of a made trial: a quarter of the MACs, as at half the side, on 3,840 images.
    assert trained.operations == pytest.approx(6 * (trained.candidate.macs // 4) * 3840)
    cells = [row[head.index("FLOP/epoch")] for row in rows]
    assert amount(trained.operations or 0) in cells


def test_the_head_says_who_won_and_how_surely(shown: Shown, study: Path):
    found = thriftnet_validation(study)
    first, second = found["ranking"][:2]
    assert (
        f"Its validation accuracy is {first['mean']:.2%} ± {100 * first['half_width']:.2f} points"
        in shown.text
    )
    test = second["winner_less_this"]
    assert f"It is {100 * test['difference']:.2f} ± {100 * test['half_width']:.2f}" in (
        shown.text.replace("better than the runner-up by", "ahead by")
    )
    assert "paired t test, n = 3 seeds" in shown.text
    assert "the reference" in shown.text
    assert "evaluated once with seed 0, it has 55.10% (95% interval 54.10% to 56.10%)" in shown.text
    assert "55.10%" in shown.text


def thriftnet_validation(study: Path) -> dict[str, list[dict[str, dict[str, float]]]]:
    return json.loads((study / "validation.json").read_text())


def test_the_table_has_every_candidate_with_its_rungs_and_what_became_of_it(
    shown: Shown, record: StudyRecord
):
    head, *rows = shown.tables["Candidates"]
    head = [text.strip() for text in head]
    assert head[4:8] == ["MACs", "epoch 1", "epoch 2", "epoch 8"]
    assert len(rows) == len(record.trials) == 65 + 6  # shifts and suggestions beside the grid
    by_label = {row[1].split(" (")[0]: row for row in rows}
    for trial in record.trials.values():
        row = by_label[trial.candidate.label.replace("  ", " · ")]
        assert row[3] == f"{trial.candidate.parameters:,}"
        for epochs, value in trial.values.items():
            assert row[head.index(f"epoch {epochs}")] == f"{value:.2%}"
        if trial.candidate.refused:
            assert row[-1] == f"over budget: {trial.candidate.refused}"
        elif trial.reached == 8:
            assert row[-1] == "finished"
        elif trial.reached:
            assert row[-1] == f"pruned at epoch {trial.reached}"
    papers = [row[1] for row in rows if "★ the reference" in row[1]]
    assert len(papers) == 1
    assert "64,128,256,512 · blocks 3,5,3,0" in papers[0]
    assert sum("◆ winner" in row[1] for row in rows) == 1


@pytest.mark.parametrize("cost", COSTS, ids=lambda cost: cost.name)
def test_the_front_is_of_those_whom_none_beats(cost, record: StudyRecord):
    ends = [trial for trial in record.trained if trial.whole]
    front = {trial.candidate.digest for trial in pareto_front(ends, cost.of)}
    assert front
    for one in ends:
        beaten = any(
            other.value >= one.value
            and cost.of(other) <= cost.of(one)
            and (other.value, cost.of(other)) != (one.value, cost.of(one))
            for other in ends
        )
        assert (one.candidate.digest in front) != beaten


def test_stage_verdicts_come_with_their_numbers(shown: Shown, study: Path):
    head, *rows = shown.tables["Stages"]
    networks = json.loads((study / "analysis.json").read_text())["networks"]
    stages = [stage for network in networks for stage in network["stages"]]
    assert len(rows) == len(stages)
    for row, stage in zip(rows, stages, strict=True):
        assert stage["verdict"] in row[2]
        assert row[4] == str(stage["dead"])
        assert row[5] == f"{stage['effective_rank']:.1f}"
        assert row[6] == f"{stage['probe_accuracy']:.2%}"
        assert row[11] == "0.41"
        assert row[12] == "0.0031"
    assert any(stage["reason"] in shown.text for stage in stages)
    assert len(head) == 15


def test_the_refinement_tells_where_each_candidate_came_from(shown: Shown, study: Path):
    rows = shown.tables["Proposals of the refinement"][1:]
    found = json.loads((study / "refinement.json").read_text())
    assert [row[1] for row in rows[:2]] == [
        f"capacity moved from stage {shift['from_stage']} to {shift['to_stage']}"
        for shift in found["shifts"]
    ]
    assert "proposed by TPE" in {row[1] for row in rows}
    accuracies = {row[2] for row in rows}
    assert {f"{entry['val_accuracy']:.2%}" for entry in found["ranking"]} <= accuracies


def test_too_few_trials_for_an_importance_are_said(study_report: Report):
    (told,) = study_report.missing
    assert told.startswith("Importance of the refinement's keys is not shown: 6 trials")
