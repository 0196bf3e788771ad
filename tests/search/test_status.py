"""Where a study stands, watched on a terminal while it goes on."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

import pytest

from thriftnet.errors import SearchError
from thriftnet.search.conclusion import conclusion_of
from thriftnet.search.queue.jobs import Claim, Job
from thriftnet.search.space import load_space
from thriftnet.search.stages.order import ANALYSIS
from thriftnet.search.status import read_study_status
from thriftnet.search.study import Study
from thriftnet.terminal.search import follow
from tiny import space_file


def claimed(study: Study, stage: str) -> Claim:
    found = study.storage.claim(stage, lambda rows: Job(stage, "", 0, len(rows)), worker="w")
    assert isinstance(found, Claim)
    return found


def test_an_analysis_in_progress_is_running(tmp_path: Path):
    study = Study.create(tmp_path / "study", load_space(space_file(tmp_path)))
    with closing(study.storage):
        claimed(study, conclusion_of(ANALYSIS))
        assert [stage.state for stage in read_study_status(study).stages][:2] == [
            "waiting",
            "running",
        ]


def test_a_watch_goes_on_from_one_stage_to_the_next_and_ends_after_a_while_without_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    study = Study.create(tmp_path / "study", load_space(space_file(tmp_path)))
    pauses: list[str] = []

    def pause(_: float) -> None:
        nonlocal held
        pauses.append(read_study_status(study).stages[1].state)
        if len(pauses) in (1, 31):
            study.storage.release(held)
        elif len(pauses) == 30:  # the workers of the next stage took so long to start
            held = claimed(study, conclusion_of(ANALYSIS))

    with closing(study.storage):
        follow(study, pause=pause)
        assert not pauses  # nothing ran
        held = claimed(study, conclusion_of(ANALYSIS))
        follow(study, pause=pause)
    assert pauses[:2] == ["running", "waiting"]
    assert pauses[30] == "running"
    assert len(pauses) == 30 + 60  # a second each


def test_a_database_without_tables_holds_no_study(tmp_path: Path):
    Study.create(tmp_path / "study", load_space(space_file(tmp_path))).storage.close()
    (tmp_path / "study" / "study.db").write_bytes(b"")
    with pytest.raises(SearchError, match=r"study\.db holds no study"):
        Study.open(tmp_path / "study", read_only=True)
