"""Every candidate in one table: what it costs, what it reached, what became of it."""

from __future__ import annotations

from typing import Any

from thriftnet.report.study.record import StudyRecord
from thriftnet.report.study.words import amount, marked_label, marks, named
from thriftnet.report.tables import Cell, Table, make_table, percent


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
                Cell(amount(candidate.macs), float(candidate.macs)),
                *(percent(trial.at(epochs)) for epochs in record.rungs),
                _operations(trial.operations),
                trial.standing(grid_done=done),
            )
        )
    columns = (
        "place", "candidate", "from", "parameters", "MACs",
        *(f"epoch {epochs}" for epochs in record.rungs), "FLOP/epoch", "state",
    )  # fmt: skip
    return make_table("Candidates", columns, rows)


def pareto_table(record: StudyRecord) -> Table | None:
    """The Pareto set that the refinement found; none before it is done."""
    found = record.outcome("refinement").get("pareto", [])
    if not found:
        return None
    rows = [
        (
            named(entry),
            percent(entry["val_accuracy"]),
            *(Cell(amount(entry[key]), float(entry[key])) for key in ("parameters", "macs")),
        )
        for entry in found
    ]
    columns = ("candidate", "accuracy", "parameters", "MACs")
    return make_table("Pareto set of accuracy, parameters and MACs", columns, rows, wide=False)


def _operations(counted: float | None) -> Cell | None:
    """Counted, not timed: the time of an epoch depends on what else the machine does."""
    return None if counted is None else Cell(amount(counted), counted)
