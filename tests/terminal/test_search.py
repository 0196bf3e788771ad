"""What a search prints of its stages."""

from __future__ import annotations

import pytest

from thriftnet.terminal.search import PrintedSearch


def test_a_grid_whose_candidates_all_failed_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """The next stage then says what to do; its message was lost to an IndexError here."""
    outcome = {"jobs": 3, "competing": 3, "seconds": 1.0, "share_of_exhaustive": 0.1}
    PrintedSearch().concluded("grid", {**outcome, "ranking": [], "reference": None})
    assert "no candidate finished" in capsys.readouterr().out
