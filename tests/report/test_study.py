"""A report of a search: what it shows of a study that is done, half-done or damaged."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

import thriftnet
from commands import Command
from studies import change_jobs
from support.made_study import made_study
from thriftnet.digests import dump_json, load_json
from thriftnet.errors import SearchError
from thriftnet.report.build import Report
from thriftnet.report.study.record import StudyRecord, read_study
from thriftnet.report.study.tradeoffs import COSTS, pareto_front
from thriftnet.report.study.validated import (
    draw_validation,
    seed_values,
    verdict_sentences,
)
from thriftnet.search.queue import schema
from thriftnet.search.space import load_space
from thriftnet.search.study import Study
from thriftnet.table import amount
from tiny import space_file

FIGURES = {
    "pareto-parameters", "pareto-macs", "pareto-operations", "importance-grid", "parallel", "rungs",
    "learning-curves", "stages-1", "stages-2", "stages-3", "stages-4", "refinement", "validation",
}  # fmt: skip


class Shown(HTMLParser):
    """Elements of a page, its text, and the cells of its tables by title."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.text = ""
        self._rows: list[list[str]] = []
        self._cell = False
        self.feed(page.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        label = dict(attrs).get("aria-label") or ""
        if tag == "div" and label.endswith(", table"):
            self._rows = self.tables[label.removesuffix(", table")] = []
        elif tag == "tr":
            self._rows.append([])
        elif tag in {"td", "th"}:
            self._cell = True
            self._rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self._cell = self._cell and tag not in {"td", "th"}

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._cell:
            self._rows[-1][-1] += data.strip("\n")

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


@pytest.fixture(scope="module")
def shown(study_report: Report) -> Shown:
    return Shown(study_report.page)


@pytest.fixture(scope="module")
def record(study: Path) -> StudyRecord:
    opened = Study.open(study)
    found = read_study(opened)
    opened.storage.close()
    return found


def small_study(folder: Path, *, until: str = "validation", jobs: int | None = None) -> Path:
    """A made study of eight candidates."""
    made_study(
        folder / "tiny", space=load_space(space_file(folder)), until=until, jobs=jobs
    ).storage.close()
    return folder / "tiny"


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


@pytest.mark.parametrize(
    ("until", "jobs", "told", "figures"),
    [
        ("grid", 0, "The stage grid is running (0 of about 9 jobs over)", {"rungs"}),
        ("grid", 4, "Not known yet: analysis, refinement, validation", {"pareto-macs", "rungs"}),
        ("refinement", 1, "Not known yet: validation", {"stages-1", "refinement"}),
        ("validation", 2, "The stage validation is running (2 of about", {"validation"}),
    ],
)
def test_a_half_done_study_has_a_report_that_says_what_is_missing(
    tmp_path: Path, until: str, jobs: int, told: str, figures: set[str]
):
    path = small_study(tmp_path, until=until, jobs=jobs)
    report = thriftnet.write_report(path)
    assert told in " ".join(report.missing)
    assert f"thriftnet search {path / 'space.yaml'} --study {path}" in report.missing[0]
    assert figures <= {file.stem for file in report.figures}
    page = Shown(report.page)
    assert all(text in page.text for text in report.missing)
    assert any("on its way to epoch" in row[-1] for row in page.tables["Candidates"]) or (
        until == "validation"
    )


def test_a_damaged_study_has_a_report_all_the_same(tmp_path: Path):
    path = small_study(tmp_path)
    (path / "analysis.json").write_text('{"networks": [')
    shutil.rmtree(path / "trials" / "grid")
    report = thriftnet.write_report(path, output=tmp_path / "out")
    told = " ".join(report.missing)
    assert "analysis.json is damaged" in told
    assert "remove it, it is recreated" in told
    assert "run folders of 6 trials are missing" in told
    names = {file.stem for file in report.figures}
    assert {"learning-curves", "validation"} <= names
    assert "stages-1" not in names
    assert report.page == tmp_path / "out" / "report.html"


MARKUP = '<script>alert("1")</script><b onclick=x>$x$</b>'


def test_words_of_users_are_shown_and_never_markup(tmp_path: Path):
    space = load_space(space_file(tmp_path, description=MARKUP))
    path = tmp_path / "a<img src=x onerror=alert(2)>&amp;"
    made_study(path, space=space, failing=MARKUP).storage.close()
    analysis = load_json((path / "analysis.json").read_text("utf-8"))
    for network in analysis["networks"]:
        network["label"] = MARKUP
        network["stages"][0]["reason"] = MARKUP
    (path / "analysis.json").write_text(dump_json(analysis), "utf-8")
    report = thriftnet.write_report(path)
    page = Shown(report.page)
    assert len(page.named("script")) == 1
    assert not [tag for tag, a in page.found if tag in {"b", "img"} or "onclick" in a]
    assert page.text.count(MARKUP) > 6
    assert f"failed: {MARKUP}" in page.text
    assert path.name in page.text
    for file in report.figures:
        if file.suffix == ".svg":
            assert "<script" not in file.read_text("utf-8")


def test_the_same_study_gives_the_same_files(tmp_path: Path):
    path = small_study(tmp_path)
    first = thriftnet.write_report(str(path))
    before = [file.read_bytes() for file in (first.page, *first.figures)]
    second = thriftnet.write_report(path)
    assert [file.read_bytes() for file in (second.page, *second.figures)] == before


def test_the_command_tells_what_it_wrote(command: Command, tmp_path: Path):
    path = small_study(tmp_path, until="grid", jobs=2)
    told = command("report", path)
    assert told.code == 0
    assert f"wrote {path / 'report.html'}" in told.out
    assert "missing: The stage grid is running" in told.out


def test_mistakes_are_one_line(command: Command, trained: Path, tmp_path: Path):
    path = small_study(tmp_path, until="grid", jobs=1)
    beside = command("report", trained, path)
    assert beside.code == 2
    assert f"{path} is a study, and its report covers nothing else" in beside.error_line
    storage = command("report", trained, "--storage", "sqlite:///x.db")
    assert storage.code == 2
    assert "--storage goes with a study" in storage.error_line
    (path / "study.db").unlink()
    gone = command("report", path)
    assert gone.code == 2
    assert "pass its new place as --storage URL" in gone.error_line
    assert not (path / "report.html").exists()


def test_a_study_in_a_database_elsewhere_is_read_from_there(tmp_path: Path):
    path = small_study(tmp_path, until="grid", jobs=3)
    shutil.move(path / "study.db", tmp_path / "elsewhere.db")
    with pytest.raises(SearchError, match="was deleted or moved; restore it, pass its new"):
        thriftnet.write_report(path)
    report = thriftnet.write_report(path, storage=f"sqlite:///{tmp_path / 'elsewhere.db'}")
    assert f"--storage sqlite:///{tmp_path / 'elsewhere.db'}" in report.missing[0]


def test_a_contender_that_lost_a_seed_is_told_and_comes_last(tmp_path: Path):
    """Without a word, the paper's configuration would be missing from its own comparison."""
    path = small_study(tmp_path)
    study = Study.open(path)
    outcome = study.outcome("validation")
    assert outcome is not None
    *kept, lost = outcome["ranking"]
    study.save_outcome("validation", {**outcome, "ranking": kept, "unfinished": [lost]})
    own = (schema.jobs.c.candidate == lost["candidate"]) & (schema.jobs.c.seed == 1)
    where = own & (schema.jobs.c.stage == "validation")
    change_jobs(path, where, state="failed", value=None)
    found = read_study(study)
    study.storage.close()
    assert list(seed_values(found))[-1] == lost["candidate"]
    assert verdict_sentences(found)[-1].startswith("Not ranked because a seed failed: ")
    drawing = draw_validation(found)
    assert drawing is not None


def test_a_reference_of_ones_own_is_not_called_the_papers(tmp_path: Path):
    text = Shown(thriftnet.write_report(small_study(tmp_path)).page).text
    assert "the reference" in text
    assert "the paper" not in text.lower().replace("the paper's four", "")
