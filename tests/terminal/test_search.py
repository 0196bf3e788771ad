"""What a search prints of its stages."""

from __future__ import annotations

import pytest

from thriftnet.search.queue.jobs import Candidate, Job, JobRow
from thriftnet.search.snapshot import StudySnapshot
from thriftnet.search.space import load_space
from thriftnet.search.status import StageStatus
from thriftnet.terminal.search import PrintedSearch


def test_a_grid_whose_candidates_all_failed_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """The next stage then says what to do; its message was lost to an IndexError here."""
    outcome = {"jobs": 3, "competing": 3, "seconds": 1.0, "share_of_exhaustive": 0.1}
    PrintedSearch().concluded("grid", {**outcome, "ranking": [], "reference": None})
    assert "no candidate finished" in capsys.readouterr().out


def test_a_long_line_is_continued_and_not_cut_where_the_terminal_is_narrow(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seeds of one network were told apart by the last words of their lines alone."""
    monkeypatch.setenv("COLUMNS", "60")
    candidate = Candidate("d", {f"optim.key{n}": n / 7 for n in range(4)}, 1, 1)
    row = JobRow(Job("validation", "d", 2, 9), 0, "finished", 1, 0, "w", 0.5, None, 3.0)
    snapshot = StudySnapshot(load_space("small"), {"d": candidate}, {}, {})
    status = StageStatus("validation", "running", 1, 2, 0, 0, 0, None, None, None)
    PrintedSearch().job(row, snapshot, status, done=1)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 1
    assert max(map(len, lines)) <= 60
    assert all(line.startswith("    ") for line in lines[1:])
    told = " ".join(" ".join(lines).split())
    assert told.endswith(" ".join(f"{candidate.label} seed 2".split()))
