"""The analysis says which of the networks it is at: it has no jobs that could."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from phases_shown import Shown
from thriftnet.phases import show_phases
from thriftnet.search.candidates import count_candidates
from thriftnet.search.queue.jobs import Job, JobRow
from thriftnet.search.snapshot import StudySnapshot
from thriftnet.search.space import load_space
from thriftnet.search.stages import analysis
from thriftnet.search.study import Study
from tiny import space_file


def test_networks_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    space = load_space(space_file(tmp_path))
    candidates = {each.digest: each for each in count_candidates(space)}
    within = [digest for digest, each in candidates.items() if not each.refused]
    jobs = [Job("grid", digest, 0, 2) for digest in within]
    rows = [
        JobRow(job, at, "finished", 1, 0, "w", 0.5 - at / 100, None, 1.0)
        for at, job in enumerate(jobs)
    ]
    snapshot = StudySnapshot(space, candidates, {"grid": rows}, {})

    def analysed(path: Path, **settings: Any) -> dict[str, Any]:
        del settings
        return {"path": path}

    monkeypatch.setattr(analysis, "analyse_trial", analysed)
    study = cast(Study, SimpleNamespace(path=tmp_path, trial_path=str))
    shown = Shown()
    with show_phases(shown):
        found = analysis.conclude(study, snapshot, None)["networks"]
    count = len(analysis.survivors(snapshot))
    assert len(found) == count > 1
    counted = [f"{done}/{count}" for done in range(1, count + 1)]
    assert shown.told == ["analysing the grid's best networks", *counted]
