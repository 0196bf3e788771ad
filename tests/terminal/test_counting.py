"""Long work says how far it has come, on a terminal's standard error alone."""

from __future__ import annotations

import pytest

from thriftnet.terminal.counting import counting


def told_of(capsys: pytest.CaptureFixture[str], *, shown: bool = True) -> str:
    with counting("test images", shown=shown) as told:
        for done in (250, 500, 1000):
            told(done, 1000)
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err


def test_a_terminal_shows_how_many_are_done(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # as a terminal
    told = told_of(capsys)
    for part in ("test images", "250/1000", "500/1000", "1000/1000"):
        assert part in told
    assert told_of(capsys, shown=False) == ""


def test_a_file_gets_none_of_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    assert told_of(capsys) == ""
