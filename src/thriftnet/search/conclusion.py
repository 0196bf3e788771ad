"""Concludes a stage exactly once, even if several commands share the study.

The conclusion is a job like others, so that a second command waits and takes over if the first
dies.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from thriftnet.search.queue.heartbeat import Heartbeat
from thriftnet.search.queue.jobs import Answer, Job, JobRow, new_worker
from thriftnet.search.stages.order import Stage, read_snapshot
from thriftnet.search.study import Study
from thriftnet.search.threads import computing_with

_PAUSE_SECONDS = 0.5


def conclusion_of(stage: Stage) -> str:
    """Name in the storage of the stage whose one job concludes another stage."""
    return f"{stage.name} conclusion"


def conclude(
    study: Study,
    stage: Stage,
    *,
    data: Path | None,
    stopping: Callable[[], bool],
    say: Callable[[str], None],
) -> dict[str, Any] | None:
    """Conclude a stage whose jobs are over, or wait for the command that does.

    Args:
        study: The study.
        stage: The stage.
        data: Replaces the space's data set.
        stopping: Whether the user requested a stop.
        say: Called if another command is concluding.

    Returns:
        The outcome; None if the user stopped it first.

    Raises:
        ThriftnetError: As the stage's own `conclude`.
    """
    name, reported = new_worker(), False
    job = Job(conclusion_of(stage), "", 0, 0)

    def once(rows: Sequence[JobRow]) -> Job | Answer:
        return Answer.WAIT if rows else job

    while not stopping():
        claim = study.storage.claim(job.stage, once, worker=name)
        if isinstance(claim, Answer):
            if not reported:
                say(f"another command is finishing the stage {stage.name}; waiting for it")
            reported = True
            time.sleep(_PAUSE_SECONDS)
            continue
        try:
            with Heartbeat(study.storage, claim), computing_with(study.threads):
                found = study.outcome(stage.name)
                if found is None:
                    study.storage.flush()
                    found = stage.conclude(study, read_snapshot(study), data)
                    study.save_outcome(stage.name, found)
        finally:  # never finished, so that a lost file is written again
            study.storage.release(claim)
        return found
    return None
