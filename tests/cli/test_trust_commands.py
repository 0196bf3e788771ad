"""Options of evaluate --robust, calibrate and audit: clashes, and a stale calibration's way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from calibrated_models import calibration, model
from commands import Command, in_this_process
from thriftnet.models.rewrite import write_calibration
from thriftnet.models.saved import read_model, save_model


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return in_this_process(monkeypatch, capsys)


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (
            ("evaluate", "quick", "--robust", "--corruption", "fog:1"),
            "--robust already uses every corruption; leave out --corruption",
        ),
        (("evaluate", "quick", "--images", "9"), "--images is for --robust; add it, or leave out"),
        (("calibrate", "quick", "--remove", "--data", "x"), "--remove needs no images; leave out"),
        (("calibrate", "quick"), "quick is part of the package and is not changed"),
        (("audit", "nowhere"), "nowhere"),
        (("evaluate", "quick", "--robust", "--images", "0"), "images=0 leaves nothing to classify"),
    ],
)
def test_what_cannot_be_meant_is_one_line(
    run: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], part: str
):
    monkeypatch.chdir(tmp_path)
    done = run(*words)
    assert done.code == 2
    assert part in done.error_line
    assert not list(tmp_path.iterdir())


def test_a_calibration_is_taken_away_by_the_command(run: Command, tmp_path: Path):
    path = tmp_path / "m.safetensors"
    save_model(path, model())
    write_calibration(path, path, calibration())
    done = run("calibrate", path, "--remove")
    assert done.code == 0
    assert read_model(path).calibration is None
