"""Outcomes and rows of a study that came from elsewhere."""

from __future__ import annotations

import contextlib
import copy
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from thriftnet.errors import SearchError
from thriftnet.search.outcomes import check_outcome
from thriftnet.search.queue.jobs import Candidate
from thriftnet.search.queue.storage import Storage

ROOT = Path(__file__).parents[2]
ODD: list[Any] = ["x", None, [], {}, True, 10**400, float("nan"), float("inf"), [[1]], {"a": 1}]
KEPT = {
    stage: outcome
    for name in ("small", "medium")
    for stage, outcome in json.loads((ROOT / f"results/search_{name}.json").read_text("utf-8"))[
        "outcomes"
    ].items()
}


@pytest.mark.parametrize("name", ["small", "medium"])
def test_outcomes_of_earlier_versions_are_sound(name: str) -> None:
    outcomes = json.loads((ROOT / f"results/search_{name}.json").read_text("utf-8"))["outcomes"]
    for stage, outcome in outcomes.items():
        assert check_outcome(stage, outcome) is outcome


@pytest.mark.parametrize("stage", KEPT)
def test_something_else_is_no_outcome(stage: str) -> None:
    for odd in (None, {}, {"stage": stage}):
        with pytest.raises(ValueError, match=r"\w"):
            check_outcome(stage, odd)


@pytest.mark.parametrize(
    ("stage", "path", "odds"),
    [
        ("grid", ("ranking",), ["x", None, {}, True, -1]),
        ("grid", ("ranking", 0, "val_accuracy"), ODD),
        ("grid", ("seconds",), ["x", None, [], float("inf"), 10**400]),
        ("analysis", ("networks", 0, "stages", 0, "name"), ["stage", "stage x", 3, None]),
        ("analysis", ("networks", 0, "stages", 0, "ratio"), ["x", float("nan")]),
        ("refinement", ("pareto", 0, "label"), [3, None, ["a"]]),
        ("refinement", ("ranking", 0), ["x", 3, {}]),
        ("validation", ("ranking",), [[], "x"]),
        ("validation", ("ranking", 1, "winner_less_this"), [None, {}, "x"]),
        ("validation", ("test", "accuracy_interval"), [[0.1], [0.1, "x"], None]),
        ("validation", ("winner",), [[], {}, None]),
    ],
    ids=str,
)
def test_odd_values_are_refused_by_their_key(stage: str, path: tuple[Any, ...], odds: Any) -> None:
    for odd in odds:
        outcome = copy.deepcopy(KEPT[stage])
        node = outcome
        for key in path[:-1]:
            node = node[key]
        if node[path[-1]] == odd or (isinstance(odd, bool) and odd == node[path[-1]]):
            continue
        node[path[-1]] = odd
        with pytest.raises(ValueError, match=str(path[0])):
            check_outcome(stage, outcome)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "study.db"
    storage = Storage.in_file(path)
    storage.prepare("space")
    storage.add_candidates([Candidate("a", {"optim.lr": 0.1}, 10, 20)])
    storage.close()
    return path


@pytest.mark.parametrize(
    ("column", "odd"),
    [
        ("changes", "[1]"),
        ("changes", "x"),
        ("changes", "[" * 100_000),
        ("parameters", "many"),
        ("parameters", -1),
        ("macs", 1.5),
        ("origin", b"\xff"),
        ("digest", b"\xff"),
    ],
)
def test_rows_that_are_none_of_ours_are_damage(database: Path, column: str, odd: Any) -> None:
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(f"update candidates set {column} = ?", (odd,))
    storage = Storage.in_file(database)
    try:
        with pytest.raises(SearchError, match=r"study\.db is damaged; restore it"):
            storage.candidates()
    finally:
        storage.close()
