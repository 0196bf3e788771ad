"""Fuzzes files of a run or study with odd values: text for numbers, NaN, huge, deeply nested, null.

Checksums are removed first, as in files of earlier versions: otherwise every change would be
detected as damage before an odd value is read.
"""

from __future__ import annotations

import copy
import json
import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import yaml

_DEEP = json.loads("[" * 60 + "1" + "]" * 60)
ODD: list[Any] = [
    *("x", "", "1", "nan", "y" * 3000, "a\x1b]0;t\x07\x1b[31m\u202eb"),
    *(None, True, False, -1, 0, 1, 0.5, 1e308, -1e308, 2**63, 10**30, 10**400),
    *(float("nan"), float("inf"), float("-inf")),
    *([], {}, [1], ["a"], [None], {"a": 1}, [[1, 2], [3]], [0.1] * 11, _DEEP),
]
Changer = Callable[[Path, random.Random], str]
"""Changes a folder and returns what was changed."""


def change(tree: Any, draw: random.Random) -> tuple[Any, str]:
    """Replace, remove, rename or repeat one value of a tree at a random depth."""
    tree = copy.deepcopy(tree)
    places = list(_places(tree, ()))
    depth = draw.randint(0, max(map(len, places)))
    path = draw.choice([place for place in places if len(place) == depth])
    if not path:
        return draw.choice(ODD), "the whole"
    node = tree
    for key in path[:-1]:
        node = node[key]
    kind = draw.random()
    if kind < 0.15:
        del node[path[-1]]
        return tree, f"without {path}"
    if kind < 0.2 and isinstance(node, dict):
        node[draw.choice(["", "new", ODD[5]])] = node.pop(path[-1])
        return tree, f"{path} renamed"
    node[path[-1]] = copy.deepcopy(draw.choice(ODD))
    return tree, f"{path} = {str(node[path[-1]])[:40]!r}"


def _places(tree: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(tree, dict):
        inner = list(tree.items())
    else:
        inner = list(enumerate(tree)) if isinstance(tree, list) else []
    for key, value in inner:
        yield from _places(value, (*path, key))


def in_json(name: str) -> Changer:
    """Change a JSON file."""
    return _in_tree(name, json.loads)


def in_yaml(name: str) -> Changer:
    """Change a YAML file; writes JSON, which is valid YAML."""
    return _in_tree(name, yaml.safe_load)


def _in_tree(name: str, load: Callable[[str], Any]) -> Changer:
    def changed(folder: Path, draw: random.Random) -> str:
        value, told = change(_unsealed(load((folder / name).read_text("utf-8"))), draw)
        (folder / name).write_text(json.dumps(value))
        return f"{name}: {told}"

    return changed


def _unsealed(tree: Any) -> Any:
    if isinstance(tree, dict):
        tree.pop("checksum", None)
    return tree


def in_metrics(folder: Path, draw: random.Random) -> str:
    """Change a line of the metrics."""
    path = folder / "metrics.jsonl"
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    at = draw.randrange(len(lines))
    lines[at], told = change(_unsealed(lines[at]), draw)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return f"metrics.jsonl, line {at + 1}: {told}"


def in_model(folder: Path, draw: random.Random) -> str:
    """Change the metadata of the final model."""
    path = folder / "model.safetensors"
    content = path.read_bytes()
    size = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:size])
    facts = _unsealed(json.loads(header["__metadata__"]["thriftnet"]))
    facts, told = change(facts, draw)
    header["__metadata__"]["thriftnet"] = json.dumps(facts)
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content[size:])
    return f"model.safetensors: {told}"


def in_predictions(folder: Path, draw: random.Random) -> str:
    """Change an array of the predictions."""
    path = folder / "predictions.npz"
    with np.load(path) as archive:
        arrays = dict(archive)
    name = draw.choice(list(arrays))
    kept = arrays[name]
    odd: list[Any] = [kept[:0], kept[:7], kept * np.nan, kept[None], kept + 10**6, -1 - abs(kept)]
    odd += [np.array("text"), np.zeros((3, 4), complex), np.zeros(0), kept.ravel(), np.float32(1)]
    arrays[name] = draw.choice(odd)
    np.savez(path, **arrays)
    return f"predictions.npz: {name} {arrays[name].dtype} {arrays[name].shape}"


def in_database(folder: Path, draw: random.Random) -> str:
    """Change a value of the study's database, or remove a row."""
    with closing(sqlite3.connect(folder / "study.db")) as connection, connection:
        table = draw.choice(["jobs", "candidates", "study"])
        columns = [row[1] for row in connection.execute(f"pragma table_info({table})")]
        rows = [row[0] for row in connection.execute(f"select rowid from {table}")]
        column, row = draw.choice(columns), draw.choice(rows)
        told = f"study.db: {table}.{column}"
        if draw.random() < 0.1:
            connection.execute(f"delete from {table} where rowid = ?", (row,))
            return f"{told} removed"
        value = draw.choice([b"\xff\0", json.dumps(draw.choice(ODD)), "x", None, -1, 1.5, 2**62])
        try:
            connection.execute(f"update {table} set {column} = ? where rowid = ?", (value, row))
            if "checksum" in columns:
                connection.execute(f"update {table} set checksum = null where rowid = ?", (row,))
        except sqlite3.Error:  # duplicate key, or a missing required value
            told += " kept"
        return f"{told} = {str(value)[:40]!r}"


RUN: dict[str, Changer] = {
    "metrics": in_metrics,
    "environment": in_json("environment.json"),
    "recipe": in_yaml("recipe.yaml"),
    "model": in_model,
    "predictions": in_predictions,
}
STAGES = ("grid", "analysis", "refinement", "validation")
STUDY: dict[str, Changer] = {
    "database": in_database,
    "space": in_yaml("space.yaml"),
    **{stage: in_json(f"{stage}.json") for stage in STAGES},
}
