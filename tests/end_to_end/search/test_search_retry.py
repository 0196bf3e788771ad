"""A trial whose workers crashed is named, and `--retry` makes the study whole."""

from __future__ import annotations

import json
from pathlib import Path

from commands import Command, Outcome
from studies import change_jobs, finished
from thriftnet.runs.folder import RunFolder
from thriftnet.search.queue import schema
from thriftnet.search.stages.order import STAGES


def give_up_a_job(study: Path, stage: str) -> None:
    """As three crashes at one point leave a job."""
    where = (schema.jobs.c.stage == stage) & (schema.jobs.c.number == 1)
    reason = "out of memory after epoch 0"
    change_jobs(study, where, state="failed", deaths=3, value=None, reason=reason)


def test_a_crashed_trial_is_named_with_its_remedy_and_retried(
    thriftnet: Command, first: Outcome, folder: Path, study: Path
):
    assert first.code == 0
    give_up_a_job(study, "grid")
    told = thriftnet("search", "status", study).out.splitlines()
    assert any(
        line.startswith("given up in grid: blocks ")
        and line.endswith("(out of memory after epoch 0)")
        for line in told
    )
    again = f"thriftnet search {study}/space.yaml --study {study} --retry"
    assert told[-1] == f"try again: {again}"
    standing = json.loads(thriftnet("search", "status", study, "--json").out)
    assert [failure["given_up"] for failure in standing["failures"]] == [True]

    lacking = thriftnet("search", study / "space.yaml", "--study", study)
    assert lacking.code == 1
    assert "the results do not include 1 trial whose workers crashed: blocks " in lacking.error_line
    assert "(out of memory after epoch 0); run the same command with --retry" in lacking.error_line

    retried = thriftnet(*again.split()[1:], "--workers", "1")
    assert retried.code == 0
    assert "and all jobs chosen after it" in retried.out
    for stage in STAGES:
        assert finished(study, stage.name) == finished(folder / "study", stage.name)
    winner = (study / "winner.yaml").read_text()
    assert winner == (folder / "study" / "winner.yaml").read_text()
    for path in (study / "trials").glob("*/*"):  # nothing was trained again
        epochs = [line["epoch"] for line in RunFolder.open(path).metrics() if "epoch" in line]
        assert epochs == sorted(set(epochs))
    assert not json.loads(thriftnet("search", "status", study, "--json").out)["failures"]
    assert "there is nothing to retry" in thriftnet(*again.split()[1:]).out
