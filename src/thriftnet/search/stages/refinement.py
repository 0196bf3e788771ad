"""The third stage: networks proposed by the analysis, then TPE around the grid's best.

As in the grid, the choice of job t depends only on the space, earlier stages and the results of
jobs up to t - lag.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from thriftnet.search.queue.jobs import Answer, Candidate, Decide, Deferred, Job, JobRow, Proposal
from thriftnet.search.snapshot import StudySnapshot
from thriftnet.search.space import Space
from thriftnet.search.stages import grid
from thriftnet.search.stages.pareto import pareto
from thriftnet.search.stages.proposals import ORIGIN, Networks, Suggestions, propose_networks
from thriftnet.search.study import Study

NAME = "refinement"


def decide(snapshot: StudySnapshot) -> Decide:
    """The analysis's networks first, then suggestions."""
    if not grid.ranking(snapshot):
        return lambda _: Answer.DONE
    networks = propose_networks(snapshot)
    suggestions = Suggestions(snapshot, networks)

    def choose(rows: Sequence[JobRow]) -> Answer | Proposal | Deferred:
        number = len(rows)
        over = all(row.over for row in rows)
        if number < len(networks.to_train):
            return _proposal(snapshot.space, networks.to_train[number])
        if number >= len(networks.to_train) + snapshot.space.refinement.trials:
            return Answer.DONE if over else Answer.WAIT
        if not all(row.over for row in rows[: max(0, number - snapshot.space.refinement.lag)]):
            return Answer.WAIT
        if number not in suggestions.made:
            return Deferred(lambda: suggestions.make(number, rows))
        found = suggestions.made[number]
        if found.candidate is None:  # nothing new is left to suggest
            return Answer.DONE if over else Answer.WAIT
        return _proposal(snapshot.space, found.candidate, refused=found.refused)

    return choose


def expected(snapshot: StudySnapshot) -> list[tuple[int, float]]:
    """(jobs, multiply-accumulates x epochs of each) of networks and of suggestions."""
    if not grid.ranking(snapshot):
        return []
    networks, epochs = propose_networks(snapshot), grid.horizon(snapshot.space)
    return [
        *((1, float(each.macs * epochs)) for each in networks.to_train),
        (snapshot.space.refinement.trials, float(networks.base.macs * epochs)),
    ]


def finished(snapshot: StudySnapshot) -> dict[str, JobRow]:
    """The job of each candidate at the full horizon, from grid or refinement."""
    full = grid.horizon(snapshot.space)
    rows = [*snapshot.jobs[grid.NAME], *snapshot.jobs.get(NAME, ())]
    done = [row for row in rows if row.state == "finished" and row.job.epochs == full]
    return {row.job.candidate: row for row in done}


def ranking(snapshot: StudySnapshot) -> list[str]:
    """Digests of all trained candidates, best first; those with fewer epochs last.

    Grid and refinement are comparable, as seed and horizon are the same.
    """
    full = finished(snapshot)
    ahead = sorted(full, key=lambda digest: (-(full[digest].value or 0.0), digest))
    return [*ahead, *(digest for digest in grid.ranking(snapshot) if digest not in full)]


def conclude(study: Study, snapshot: StudySnapshot, data: Path | None) -> dict[str, Any]:
    """Report proposals with reasons, their results, and the Pareto set with the grid."""
    del data
    rows = snapshot.jobs[NAME]
    if not grid.ranking(snapshot):
        return {"stage": NAME, "jobs": 0, "ranking": [], "pareto": [], "over_budget": []}
    networks = propose_networks(snapshot)
    study.storage.add_candidates(networks.over_budget)
    own_candidates = (each for each in snapshot.candidates.values() if each.origin == ORIGIN)
    refused = [*networks.over_budget, *(each for each in own_candidates if each.refused)]
    over_budget = {each.digest: each for each in refused}
    full = finished(snapshot)
    facts = {digest: _facts(snapshot.candidates[digest], row) for digest, row in full.items()}
    order = [digest for digest in ranking(snapshot) if digest in full]
    own = {row.job.candidate for row in rows}
    best = pareto(
        {
            digest: (-entry["val_accuracy"], entry["parameters"], entry["macs"])
            for digest, entry in facts.items()
        }
    )
    return {
        "stage": NAME,
        "base": networks.base.to_json(),
        "shifts": [dict(reason) for reason in networks.reasons],
        "jobs": len(rows),
        "failed": sum(row.state == "failed" for row in rows),
        "seconds": sum(snapshot.seconds(row) for row in rows),
        "gain": _gain(networks, facts, own),
        "ranking": [facts[digest] for digest in order if digest in own],
        "pareto": [facts[digest] for digest in order if digest in best],
        "over_budget": [
            {**each.to_json(), "refused": each.refused} for each in over_budget.values()
        ],
    }


def _proposal(
    space: Space, candidate: Candidate, *, refused: tuple[Candidate, ...] = ()
) -> Proposal:
    job = Job(NAME, candidate.digest, space.halving.seed, grid.horizon(space))
    return Proposal(candidate, job, refused)


def _facts(candidate: Candidate, row: JobRow) -> dict[str, Any]:
    """The result of a candidate."""
    return {**candidate.to_json(), "val_accuracy": row.value}


def _gain(networks: Networks, facts: dict[str, dict[str, Any]], own: set[str]) -> float | None:
    """Validation accuracy of the best refined candidate minus that of the grid's best."""
    refined = [entry["val_accuracy"] for digest, entry in facts.items() if digest in own]
    base = facts.get(networks.base.digest)
    return max(refined) - base["val_accuracy"] if refined and base else None
