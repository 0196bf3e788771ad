"""Every candidate in one table: what it costs, what it reached, what became of it."""

from __future__ import annotations

from typing import Any

from thriftnet.report.study.record import StudyRecord
from thriftnet.report.study.words import marked_label, marks, named
from thriftnet.table import Cell, Table, amount, make_table


def candidates_table(record: StudyRecord) -> Table:
    """The ranking, then those that wait or failed, then those over budget by their size."""
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
                # Counted, not timed: the time of an epoch depends on what else the machine does.
                trial.operations,
                trial.standing(grid_done=done),
            )
        )
    columns = (
        "place", "candidate", "from", "parameters", ("MACs", amount),
        *((f"epoch {epochs}", ".2%") for epochs in record.rungs), ("FLOP/epoch", amount), "state",
    )  # fmt: skip
    return make_table(columns, rows, title="Candidates")


def pareto_table(record: StudyRecord) -> Table | None:
    """The Pareto set that the refinement found; none before it is done."""
    found = record.outcome("refinement").get("pareto", [])
    if not found:
        return None
    keys = ("val_accuracy", "parameters", "macs")
    rows = [(named(entry), *map(entry.__getitem__, keys)) for entry in found]
    columns = ("candidate", ("accuracy", ".2%"), ("parameters", amount), ("MACs", amount))
    title = "Pareto set of accuracy, parameters and MACs"
    return make_table(columns, rows, title=title, wide=False)
