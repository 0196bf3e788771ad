"""A worker process: claims jobs, trains them in run folders and records results.

Started as `python -m` this module, `STUDY STAGE...`. Between stages it waits for the outcome. Exit
codes: 0 when there are no more jobs, 130 when stopped, 2 for a user's error and 1 for lack of
memory, each with one line.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import platform
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from thriftnet.errors import (
    RunError,
    SearchError,
    ThriftnetError,
    TooLargeError,
    TrainingError,
)
from thriftnet.runtime.interrupt import StopRequest, stop_on_signal
from thriftnet.runtime.memory import is_out_of_memory
from thriftnet.search.candidates import trial_recipe
from thriftnet.search.queue.heartbeat import Heartbeat, orphaned
from thriftnet.search.queue.jobs import Answer, Candidate, Claim
from thriftnet.search.stages.order import Stage, find_stage, read_snapshot, stages_before
from thriftnet.search.study import Study
from thriftnet.search.threads import computing_with
from thriftnet.search.workers.pool import STORAGE_VARIABLE
from thriftnet.search.workers.trial import result_after, train_trial
from thriftnet.training.images import ImageTensors, PrepareTensors
from thriftnet.training.progress import Quiet, StepStats

_SHORTEST_PAUSE = 0.1
"""Seconds between two polls for a job or the start of a stage."""
_LAG_SECONDS = 60.0
"""Time for a shared folder to show a file written by another machine."""


@dataclass(frozen=True)
class _Worker:
    """The constant state of a worker."""

    study: Study
    name: str
    data: Path | None
    parent: int | None
    stop: StopRequest
    prepare: PrepareTensors

    @property
    def wanted(self) -> bool:
        """Whether to continue."""
        return not (self.stop.requested or orphaned(self.parent))


def work(
    study: Study,
    *stages: Stage,
    worker: str,
    data: Path | None = None,
    parent: int | None = None,
) -> bool:
    """Run the jobs of stages in order, until there are no more.

    Args:
        study: The study.
        stages: Each starts when all earlier ones are concluded.
        worker: Unique name of this worker.
        data: Replaces the space's data set.
        parent: Process id of the parent, whose end stops the worker; None: no parent.

    Returns:
        Whether all jobs are done; False if the worker was stopped.

    Raises:
        ThriftnetError: The data, the disk or the storage fails; the current job is released.
    """
    with stop_on_signal() as stop, computing_with(study.threads):
        own = _Worker(study, worker, data, parent, stop, ImageTensors())
        return all(_await_stage(own, stage) and _run_stage(own, stage) for stage in stages)


def _await_stage(own: _Worker, stage: Stage) -> bool:
    """Wait until all earlier stages are concluded; False if stopped first."""
    pauses = _pauses(own.study)
    # Check the last one first.
    while any(own.study.outcome(each.name) is None for each in reversed(stages_before(stage))):
        if not own.wanted:
            return False
        time.sleep(next(pauses))
    return True


def _run_stage(own: _Worker, stage: Stage) -> bool:
    """Run a stage's jobs; False if stopped before they are done."""
    snapshot = read_snapshot(own.study)
    decide = stage.decide(snapshot)
    pauses = _pauses(own.study)
    while own.wanted:
        found = own.study.storage.claim(stage.name, decide, worker=own.name)
        if found is Answer.DONE:
            return True
        if isinstance(found, Answer):
            time.sleep(next(pauses))
            continue
        pauses = _pauses(own.study)
        with Heartbeat(own.study.storage, found, own.parent) as heart:
            _run_job(own, stage, found, snapshot.candidates[found.job.candidate], heart)
    return False


def _pauses(study: Study) -> Iterator[float]:
    """Increasing pauses between polls, up to a tenth of a heartbeat."""
    pause = _SHORTEST_PAUSE
    while True:
        yield pause
        pause = min(2 * pause, max(_SHORTEST_PAUSE, study.storage.heartbeat / 10))


class _ForwardStop(Quiet):
    """Stops the training on a lost claim or an earlier stop request."""

    def __init__(self, stop: StopRequest, heart: Heartbeat) -> None:
        self.stop = stop
        self.heart = heart
        self.forwarded = False

    def step(self, stats: StepStats) -> None:
        """Forward, and request a stop once."""
        del stats
        if (self.stop.requested or self.heart.lost) and not self.forwarded:
            self.forwarded = True
            signal.raise_signal(signal.SIGTERM)


def _run_job(
    own: _Worker, stage: Stage, claim: Claim, candidate: Candidate, heart: Heartbeat
) -> None:
    """Train a claimed job and record its result; release it if stopped."""
    study, stop = own.study, own.stop

    path, epochs, seed = study.trial_path(claim.job), claim.job.epochs, claim.job.seed

    def train() -> tuple[float, float] | None:
        progress, horizon = _ForwardStop(stop, heart), stage.horizon(study.space)
        run = train_trial(
            path,
            lambda: trial_recipe(study.space, candidate, epochs=horizon, seed=seed),
            epochs=epochs,
            data=own.data,
            progress=progress,
            prepare=own.prepare,
        )
        # A signal in the last step was handled by the training, which finished.
        asked = run is not None and run.asked and not progress.forwarded
        stop.requested = stop.requested or asked
        return result_after(path, epochs)

    try:
        try:
            found = train()
        except RunError:
            if not claim.silent:
                raise
            time.sleep(2 * study.storage.heartbeat)  # until the other worker has noticed, too
            found = train()
    except (TooLargeError, TrainingError) as fault:
        study.storage.fail(claim, reason=str(fault))
        return
    except ThriftnetError:
        if study.storage.release(claim):
            raise
        return  # claim lost: possibly two processes used the run folder
    if found is None:
        study.storage.release(claim)
        stop.requested = stop.requested or not heart.lost
    else:
        value, seconds = found
        study.storage.finish(claim, value=value, seconds=seconds)


def _die_with_parent(parent: int) -> None:
    """Ask the kernel to kill this process when its parent dies (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        if orphaned(parent):
            sys.exit(1)


def _await_outcomes(study: Study, stage: Stage) -> None:
    """Wait until earlier outcomes are visible, as a shared folder may lag.

    Raises:
        SearchError: They do not appear.
    """
    deadline = time.monotonic() + _LAG_SECONDS
    for before in stages_before(stage):
        while study.outcome(before.name) is None:
            if time.monotonic() > deadline:
                raise SearchError(
                    f"{study.path} on {platform.node()} does not show what the stage "
                    f"{before.name} found; check that all machines share the folder"
                )
            time.sleep(1)


def main() -> None:
    """Run a worker process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", type=Path)
    parser.add_argument("stages", nargs="+", metavar="STAGE")
    parser.add_argument("--worker", required=True)
    parser.add_argument("--heartbeat", type=float, required=True)
    parser.add_argument("--parent", type=int)
    parser.add_argument("--tied", action="store_true", help="die with the parent, at once")
    parser.add_argument("--data", type=Path)
    given = parser.parse_args()
    # The address may contain a password, which a command line would reveal.
    url = os.environ.pop(STORAGE_VARIABLE, None)
    try:
        if given.tied:
            _die_with_parent(given.parent)
        study = Study.open(
            given.study, url=url, heartbeat=given.heartbeat, wait_until_available=True
        )
        with closing(study.storage):
            stages = [find_stage(name) for name in given.stages]
            _await_outcomes(study, stages[0])
            done = work(study, *stages, worker=given.worker, data=given.data, parent=given.parent)
    except ThriftnetError as fault:
        print(fault, file=sys.stderr)
        sys.exit(fault.exit_code)
    except Exception as fault:
        if not is_out_of_memory(fault):
            raise
        print("out of memory; fewer --workers leave more for each", file=sys.stderr)
        sys.exit(1)
    sys.exit(0 if done else 130)


if __name__ == "__main__":
    main()
