"""A report of a search that is half-done, damaged, hostile or elsewhere."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import thriftnet
from commands import Command
from page_shown import Shown
from studies import change_jobs
from support.made_study import made_study
from thriftnet.digests import dump_json, load_json
from thriftnet.errors import SearchError
from thriftnet.html.shared import without_folders
from thriftnet.report.build import Report
from thriftnet.report.study.record import read_study
from thriftnet.report.study.validated import (
    draw_validation,
    seed_values,
    verdict_sentences,
)
from thriftnet.search.queue import schema
from thriftnet.search.space import load_space
from thriftnet.search.study import Study
from tiny import space_file

pytestmark = pytest.mark.usefixtures("svg_alone")


def small_study(folder: Path, *, until: str = "validation", jobs: int | None = None) -> Path:
    """A made study of eight candidates."""
    made_study(
        folder / "tiny", space=load_space(space_file(folder)), until=until, jobs=jobs
    ).storage.close()
    return folder / "tiny"


@pytest.mark.parametrize(
    ("until", "jobs", "told", "figures"),
    [
        ("grid", 0, "The stage grid is running (0 of about 9 jobs done)", {"rungs"}),
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
    shown = without_folders([path.parent.parent])  # a page names no folder of this machine
    assert all(str(shown(text)) in page.text for text in report.missing)
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
    assert len(page.named("script")) == 5  # the theme, the page, three files of the charts
    assert not [tag for tag, a in page.found if tag in {"b", "img"} or "onclick" in a]
    assert page.text.count(MARKUP) > 6
    assert f"failed: {MARKUP}" in page.text
    assert path.name in page.text
    for file in report.figures:
        if file.suffix == ".svg":
            assert "<script" not in file.read_text("utf-8")


def test_the_same_study_gives_the_same_files(
    study: Path, study_report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.undo()  # the PNG files, too
    folder = tmp_path / study_report.page.parent.name  # which the page's own command has
    second = thriftnet.write_report(str(study), output=folder)
    assert second.page.read_bytes() == study_report.page.read_bytes()
    for one, other in zip(study_report.figures, second.figures, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name


@pytest.mark.usefixtures("undrawn")
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
    assert "--storage is for a study" in storage.error_line
    (path / "study.db").unlink()
    gone = command("report", path)
    assert gone.code == 2
    assert "pass its new place as --storage URL" in gone.error_line
    assert not (path / "report.html").exists()


@pytest.mark.usefixtures("undrawn")
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


@pytest.mark.usefixtures("undrawn")
def test_a_reference_of_ones_own_is_not_called_the_papers(tmp_path: Path):
    text = Shown(thriftnet.write_report(small_study(tmp_path)).page).text
    assert "the reference" in text
    assert "the paper" not in text.lower().replace("the paper's four", "")
