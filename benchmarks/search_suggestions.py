"""What does a suggestion cost a claim, after hundreds of trials?

    python benchmarks/search_suggestions.py

Plays a refinement of 400 trials on a study in a file, with accuracies that a formula makes up.
After 50, 100, 200 and 400 trials a worker that has just started claims the next job. Its processor
time is measured inside the transaction, in which all other workers wait, and outside of it, where
Optuna's TPE looks for the suggestion. Writes results/search_suggestions.json.
"""

from __future__ import annotations

import contextlib
import random
import statistics
import tempfile
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sql

from support.made_study import made_study
from support.record import write_result
from thriftnet.search.queue.database import sqlite_url
from thriftnet.search.queue.jobs import Claim
from thriftnet.search.queue.storage import Storage
from thriftnet.search.space import Space, load_space
from thriftnet.search.stages.order import REFINEMENT, read_snapshot
from thriftnet.search.study import Study

TRIALS = (50, 100, 200, 400)
REPEATS = 5
"""New workers at each number of trials."""


class _Timed(Storage):
    """Counts the processor seconds of its own transactions."""

    inside = 0.0

    @contextlib.contextmanager
    def _writing(self) -> Generator[sql.Connection]:
        with super()._writing() as connection:
            began = time.process_time()
            yield connection
        self.inside += time.process_time() - began


def small_space(trials: int) -> Space:
    """The shipped space `small` with fewer candidates and more trials."""
    space = load_space("small")
    grid = {key: values[:4] for key, values in space.grid.items()}
    refinement = space.refinement.model_copy(update={"trials": trials})
    return space.model_copy(update={"grid": grid, "refinement": refinement})


def claim_of_a_new_worker(study: Study, name: str) -> tuple[Claim, dict[str, float]]:
    """The next job, claimed by a worker that knows nothing yet, and its processor time."""
    study.storage = storage = _Timed(sqlite_url(study.database_path))
    storage.check(study.space.digest())
    decide = REFINEMENT.decide(read_snapshot(study))
    began = time.process_time()
    claim = storage.claim(REFINEMENT.name, decide, worker=name)
    whole = time.process_time() - began
    assert isinstance(claim, Claim)
    return claim, {"inside": storage.inside, "outside": whole - storage.inside}


def measure(path: Path) -> list[dict[str, Any]]:
    """Processor seconds of a claim after each number of trials."""
    study = made_study(path, space=small_space(TRIALS[-1] + REPEATS), until="refinement", jobs=0)
    shared, decide = study.storage, REFINEMENT.decide(read_snapshot(study))
    took: dict[int, list[dict[str, float]]] = {trials: [] for trials in TRIALS}
    for number in range(TRIALS[-1] + REPEATS):
        after = next((trials for trials in TRIALS if 0 <= number - trials < REPEATS), None)
        if after is None:
            claim = shared.claim(REFINEMENT.name, decide, worker="made")
        else:
            claim, seconds = claim_of_a_new_worker(study, f"new-{number}")
            took[after].append(seconds)
        assert isinstance(claim, Claim)
        shared.finish(claim, value=random.Random(number).random(), seconds=1)
    shared.close()
    return [
        {
            "trials": trials,
            **{
                f"{where}_seconds": statistics.median(each[where] for each in seconds)
                for where in ("inside", "outside")
            },
        }
        for trials, seconds in took.items()
    ]


def growth(points: list[dict[str, Any]]) -> float:
    """The exponent of the trials in the seconds outside: 1 is linear."""
    trials, seconds = (np.log([p[key] for p in points]) for key in ("trials", "outside_seconds"))
    return float(np.polyfit(trials, seconds, 1)[0])


def main() -> None:
    """Play the refinement and write the result."""
    with tempfile.TemporaryDirectory() as folder:
        points = measure(Path(folder) / "study")
    write_result(
        "search_suggestions",
        {"repeats": REPEATS, "claims": points, "exponent_outside": growth(points)},
    )


if __name__ == "__main__":
    main()
