"""What W&B keeps of a run offline, read from the records that `wandb sync` uploads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from waits import wait_until

_HEAD, _BLOCK, _RECORD = 7, 2**15, 7
"""Bytes of the file's head, of a block and of a record's head, in the form of LevelDB's logs."""


def records(path: Path) -> Iterator[Any]:
    """All records of a `.wandb` file."""
    from wandb.proto import wandb_internal_pb2  # where it is used: it takes most of a second

    content, at, parts = path.read_bytes(), _HEAD, b""
    while at + _RECORD <= len(content):
        if _BLOCK - at % _BLOCK < _RECORD:
            at += _BLOCK - at % _BLOCK
            continue
        size, kind = int.from_bytes(content[at + 4 : at + 6], "little"), content[at + 6]
        parts += content[at + _RECORD : at + _RECORD + size]
        at += _RECORD + size
        if kind in (1, 4):  # whole, or the last of several
            record = wandb_internal_pb2.Record()
            record.ParseFromString(parts)
            parts = b""
            yield record


class Offline:
    """All sittings of the only run in a folder of runs, in the order in which they are uploaded."""

    def __init__(self, runs_dir: Path) -> None:
        self.history: list[dict[str, Any]] = []
        self.summary: dict[str, Any] = {}
        self.config: dict[str, Any] = {}
        self.ids: set[str] = set()
        self.exits: list[int] = []
        for path in sorted(runs_dir.glob("wandb/offline-run-*/run-*.wandb")):
            for record in records(path):
                self._take(record)

    def _take(self, record: Any) -> None:
        kind = record.WhichOneof("record_type")
        if kind == "run":
            self.ids.add(record.run.run_id)
            self.config |= _items(record.run.config.update)
        elif kind == "config":
            self.config |= _items(record.config.update)
        elif kind == "history":
            self.history.append(_items(record.history.item))
        elif kind == "summary":
            self.summary |= _items(record.summary.update)
        elif kind == "exit":
            self.exits.append(record.exit.exit_code)


def offline(runs_dir: Path, *, sittings: int) -> Offline:
    """What is kept of so many sittings, once they have ended: W&B's own process writes late."""
    wait_until(lambda: len(Offline(runs_dir).exits) == sittings)
    return Offline(runs_dir)


def _items(items: Any) -> dict[str, Any]:
    return {
        "/".join([item.key, *item.nested_key] if item.key else item.nested_key): json.loads(
            item.value_json
        )
        for item in items
    }
