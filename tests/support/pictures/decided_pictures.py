"""Writes files of decisions on pictures."""

from __future__ import annotations

import csv
from pathlib import Path

from thriftnet.data.options import DatasetSpec
from thriftnet.data.own.decisions import COLUMNS, picture_digest
from thriftnet.data.registry import open_dataset


def decided(photos: Path, path: Path, **decisions: tuple[str, str]) -> Path:
    """A file of decisions on all pictures, with some made, by the number of a picture."""
    opened = open_dataset(DatasetSpec(str(photos)), say=lambda _: None)
    assert opened.collection is not None
    every = opened.collection()
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for at, label in enumerate(every.labels.tolist()):
            title = every.title(at)
            made = decisions.get(f"n{Path(title).stem}", ("", ""))
            digest = picture_digest(every.images[at])
            writer.writerow((title, digest, every.classes[label], *made))
    return path
