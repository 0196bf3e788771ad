"""Table of all candidates: cost, accuracy and outcome."""

from __future__ import annotations

from typing import Any

from thriftnet.report.study.record import StudyRecord
from thriftnet.report.study.words import marked_label, marks, named
from thriftnet.table import Cell, Table, amount, make_table


def candidates_table(record: StudyRecord) -> Table:
    """Ranked candidates, then waiting and failed ones, then those over budget by size."""
    ranked = record.ranked
    places = {trial.candidate.digest: place for place, trial in enumerate(ranked, start=1)}
    left = [t for digest, t in record.trials.items() if digest not in places]
    left.sort(key=lambda t: (t.candidate.refused is not None, t.candidate.parameters))
    done = record.done("grid")
    rows: list[tuple[Any, ...]] = []
    for trial in [*ranked, *left]:
        candidate = trial.candidate
        rows.append(
            (
                places.get(candidate.digest),
                Cell(marked_label(record, trial), strong=bool(marks(record, trial))),
                "refined" if trial.refined else "grid",
                candidate.parameters,
                candidate.macs,
                *map(trial.at, record.rungs),
                # Operations, not seconds: epoch times depend on the machine's load.
                trial.operations,
                trial.standing(grid_done=done),
            )
        )
    columns = (
        "rank", "candidate", "from", "parameters", ("MACs", amount),
        *((f"epoch {epochs}", ".2%") for epochs in record.rungs), ("FLOP/epoch", amount), "state",
    )  # fmt: skip
    return make_table(columns, rows, title="Candidates")


def pareto_table(record: StudyRecord) -> Table | None:
    """Pareto set of the refinement; None before it is done."""
    found = record.outcome("refinement").get("pareto", [])
    if not found:
        return None
    keys = ("val_accuracy", "parameters", "macs")
    rows = [(named(entry), *map(entry.__getitem__, keys)) for entry in found]
    columns = ("candidate", ("accuracy", ".2%"), ("parameters", amount), ("MACs", amount))
    title = "Pareto set of accuracy, parameters and MACs"
    return make_table(columns, rows, title=title, wide=False)
