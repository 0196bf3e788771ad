"""Odd values in every file of a run and a study: one line and exit code 2, never "unexpected".

A few drawn by a seed; benchmarks/fuzz_files.py draws as many as it is given time for.
"""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from commands import Command
from made_runs import make_run
from planted import harm_in
from support.odd_files import RUN, STUDY

pytestmark = pytest.mark.usefixtures("svg_alone")
CASES = 5
"""Of each file."""


def check(thriftnet: Command, words: list[str | Path], told: str) -> None:
    done = thriftnet(*words)
    assert done.code in {0, 2}, f"{told}: {done.err}"
    assert "unexpected" not in done.err, f"{told}: {done.err}"
    assert harm_in(done.out + done.err) is None, told
    if done.code == 2 and "--json" not in words:
        assert done.err.splitlines()[-1].startswith("thriftnet: "), told


@pytest.mark.parametrize("file", RUN)
def test_odd_values_in_a_run(thriftnet: Command, tmp_path: Path, file: str) -> None:
    draw = random.Random(f"run {file}")
    other = make_run(tmp_path / "runs" / "other", seed=1).path
    for case in range(CASES):
        run = make_run(tmp_path / f"runs{case}" / "odd").path
        told = RUN[file](run, draw)
        for words in (
            ["runs", "--runs-dir", run.parent],
            ["runs", "--runs-dir", run.parent, "--json"],
            ["runs", "gc", "--runs-dir", run.parent],
            ["compare", run, other],
            ["watch", run],
            ["evaluate", run],
            ["predict", run, tmp_path / "none.png"],
            *([["report", run]] if case == 0 else []),  # drawing takes seconds
        ):
            check(thriftnet, words, told)


@pytest.mark.parametrize("file", STUDY)
def test_odd_values_in_a_study(thriftnet: Command, study: Path, tmp_path: Path, file: str) -> None:
    draw = random.Random(f"study {file}")
    for case in range(CASES):
        odd = Path(shutil.copytree(study, tmp_path / f"odd{case}"))
        told = STUDY[file](odd, draw)
        for words in (
            ["search", "status", odd],
            ["search", "status", odd, "--json"],
            ["runs", "gc", "--runs-dir", odd],
            *([["report", odd]] if case == 0 else []),
        ):
            check(thriftnet, words, told)
