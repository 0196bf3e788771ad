"""How near to the exhaustive best does halving come, and at what share of the compute?

    python benchmarks/halving_quality.py --space exhaustive.yaml
    thriftnet search exhaustive.yaml --workers 2 --stage grid
    python benchmarks/halving_quality.py --study studies/small-exhaustive
    python benchmarks/halving_quality.py

Replays the search's own halving on a table of full results: each candidate's validation accuracy
after every epoch, in one run of the full horizon. `--space` writes the shipped space
`small` with `halving.eta: 1`, which trains every candidate to the end, and `--study` keeps the
table of that study as results/halving_table.json. Without either that file is read:

    {"rungs": [1, 2, 3], "candidates": [{"candidate": "0f3a...", "label": "...", "macs": 1,
     "parameters": 1, "val_accuracy": [0.31, 0.40, 0.62]}, ...]}

`--rungs` and `--eta` are those of the space `small`; other pairs are replayed beside them, as the
table costs nothing more.

The order in which candidates start is drawn anew many times: it must not matter who comes first.
Writes results/halving_quality.json.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

from support.record import RESULTS, write_result
from thriftnet.errors import ThriftnetError
from thriftnet.files import write_whole
from thriftnet.runs.folder import RunFolder
from thriftnet.search.queue.jobs import Answer
from thriftnet.search.space import Space, load_space
from thriftnet.search.stages.halving import Halving, RungJob, leaderboard
from thriftnet.search.stages.order import read_snapshot
from thriftnet.search.study import Study

TABLE = "halving_table"
POINTS = 0.005
"""Of accuracy: how near to the best is near enough."""
SHARE = 0.25
"""Of the exhaustive compute."""
RUNGS = (1, 2, 8)
OTHERS = (([1, 2, 8], 3), ([1, 3, 8], 4), ([1, 2, 4, 8], 3), ([2, 8], 8), ([1, 8], 8))
"""(rungs, eta) that are compared with."""


def exhaustive(name: str) -> Space:
    """A shipped space that trains every candidate of its grid to the end."""
    space = load_space(name)
    halving = space.halving.model_copy(update={"eta": 1})
    return space.model_copy(update={"name": f"{name}-exhaustive", "halving": halving})


def table_of(path: Path) -> dict[str, Any]:
    """The full results of a study that trained every candidate to the end."""
    study = Study.open(path)
    snapshot = read_snapshot(study)
    rungs = study.space.halving.rungs
    whole = {
        row.job.candidate: values_of(study.trial_path(row.job))
        for row in snapshot.jobs["grid"]
        if row.value is not None and row.job.epochs == rungs[-1]
    }
    if len(whole) < len(snapshot.competing):
        raise SystemExit(
            f"{path}: {len(whole)} of {len(snapshot.competing)} candidates were trained fully; "
            "train a study of the space with halving.eta: 1 first"
        )
    return {
        "space": study.space.name,
        "digest": study.space.digest(),
        "rungs": list(range(1, rungs[-1] + 1)),
        "candidates": [
            {
                "candidate": digest,
                "label": snapshot.candidates[digest].label,
                "parameters": snapshot.candidates[digest].parameters,
                "macs": snapshot.candidates[digest].macs,
                "val_accuracy": values,
            }
            for digest, values in sorted(whole.items())
        ],
    }


def is_current(table: dict[str, Any]) -> bool:
    """Whether a table is of the space `small` as it is now."""
    return table.get("digest") == exhaustive("small").digest()  # early tables have none


def values_of(path: Path) -> list[float]:
    """What a trial's job would have been worth after each epoch: as the search's workers say it."""
    run = RunFolder.open(path)
    values = [line["val_accuracy"] for line in run.metrics() if line["kind"] == "epoch"]
    return list(accumulate(values, max)) if run.recipe().train.select == "best" else values


def at_rungs(table: dict[str, Any], rungs: list[int]) -> dict[str, Any]:
    """The part of a table that halving with these rungs would see."""
    positions = [table["rungs"].index(epochs) for epochs in rungs]
    candidates = [
        {**entry, "val_accuracy": [entry["val_accuracy"][at] for at in positions]}
        for entry in table["candidates"]
    ]
    return {**table, "rungs": rungs, "candidates": candidates}


def replay(
    table: dict[str, Any], *, eta: int, lag: int, order: list[str]
) -> tuple[str, float, list[RungJob]]:
    """Halve a table: the candidate that is chosen, the multiply-accumulates x epochs, the jobs."""
    entries = {entry["candidate"]: entry for entry in table["candidates"]}
    halving = Halving(order, rungs=len(table["rungs"]), eta=eta, lag=lag)
    added = [after - before for before, after in pairwise((0, *table["rungs"]))]
    steps: list[RungJob] = []
    compute = 0.0
    while not isinstance(found := halving.next_step(steps), Answer):
        entry = entries[found.candidate]
        compute += entry["macs"] * added[found.rung]
        steps.append(RungJob(found.candidate, found.rung, entry["val_accuracy"][found.rung]))
    return leaderboard(steps)[0].candidate, compute, steps


def quality(table: dict[str, Any], *, eta: int, lag: int, orders: int) -> dict[str, Any]:
    """Regret and compute over many orders of the candidates."""
    entries = {entry["candidate"]: entry for entry in table["candidates"]}
    best = max(entry["val_accuracy"][-1] for entry in entries.values())
    exhaustive = sum(entry["macs"] for entry in entries.values()) * table["rungs"][-1]
    regrets: list[float] = []
    shares: list[float] = []
    for seed in range(orders):
        order = sorted(entries)
        random.Random(seed).shuffle(order)
        chosen, compute, _ = replay(table, eta=eta, lag=lag, order=order)
        regrets.append(best - entries[chosen]["val_accuracy"][-1])
        shares.append(compute / exhaustive)
    near = [regret <= POINTS for regret in regrets]
    both = [each and share <= SHARE for each, share in zip(near, shares, strict=True)]
    return {
        "rungs": table["rungs"],
        "eta": eta,
        "lag": lag,
        "orders": orders,
        "candidates": len(entries),
        "best_val_accuracy": best,
        "mean_regret": statistics.fmean(regrets),
        "worst_regret": max(regrets),
        "share_of_orders_within_half_a_point": sum(near) / orders,
        "share_of_orders_reached": sum(both) / orders,
        "mean_share_of_compute": statistics.fmean(shares),
        "worst_share_of_compute": max(shares),
        "reached": all(both),
    }


def main() -> None:
    """Read or make the table, replay, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--space", type=Path, help="write a space with halving.eta: 1, and end")
    parser.add_argument("--study", type=Path, help="a study whose grid has halving.eta: 1")
    parser.add_argument("--rungs", type=int, nargs="+", default=list(RUNGS))
    parser.add_argument("--eta", type=int, default=4)
    parser.add_argument("--lag", type=int, default=8)
    parser.add_argument("--orders", type=int, default=200)
    given = parser.parse_args()
    if given.space:
        write_whole(given.space, exhaustive("small").to_yaml().encode(), error=ThriftnetError)
        return
    if given.study:
        write_result(TABLE, table_of(given.study))
    path = RESULTS / f"{TABLE}.json"
    if not path.is_file():
        raise SystemExit(f"results/{path.name} is missing; make it with --study STUDY")
    table = json.loads(path.read_text("utf-8"))
    last = table["rungs"][-1]
    found = quality(at_rungs(table, given.rungs), eta=given.eta, lag=given.lag, orders=given.orders)
    others = [
        quality(at_rungs(table, rungs), eta=eta, lag=given.lag, orders=given.orders)
        for rungs, eta in OTHERS
        if rungs[-1] == last
    ]
    target = {"points": POINTS, "share_of_compute": SHARE}
    write_result(
        "halving_quality", {"table": path.name, "target": target, **found, "others": others}
    )


if __name__ == "__main__":
    main()
