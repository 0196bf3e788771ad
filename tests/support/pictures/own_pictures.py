"""Pictures of a user's own, in every layout that is read."""

from __future__ import annotations

import functools
import io
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from thriftnet.data.options import DatasetSpec, SourceOptions
from thriftnet.data.own.open import list_pictures

COLOURS = {"cat": (200, 30, 30), "dog": (30, 200, 30), "emu": (30, 30, 200)}


def picture(label: str, number: int, *, size: tuple[int, int] = (40, 40)) -> Image.Image:
    """A picture whose class is its colour and whose content is its number: (width, height)."""
    draws = np.random.default_rng([number, *label.encode()])
    coarse = draws.integers(-29, 30, (5, 5, 3)) + np.array(COLOURS.get(label, (90, 90, 90)))
    return Image.fromarray(coarse.astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)


def encoded(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """A picture as a file's bytes."""
    content = io.BytesIO()
    picture.save(content, kind, **options)
    return content.getvalue()


def put(folder: Path, counts: dict[str, int], *, start: int = 0, ending: str = "png") -> Path:
    """Class folders with so many pictures of each class."""
    for label, count in counts.items():
        (folder / label).mkdir(parents=True, exist_ok=True)
        for number in range(start, start + count):
            (folder / label / f"{number}.{ending}").write_bytes(_file(label, number, ending))
    return folder


@functools.cache
def _file(label: str, number: int, ending: str) -> bytes:
    """A picture as a file; most tests have the same ones."""
    Image.init()
    return encoded(picture(label, number), Image.registered_extensions()[f".{ending}"])


def put_flat(folder: Path, count: int = 4) -> list[tuple[str, str]]:
    """Pictures in `images/`, and (path, label) of each."""
    rows: list[tuple[str, str]] = []
    (folder / "images").mkdir(parents=True)
    for label in ("cat", "dog"):
        for number in range(count):
            path = f"images/{label[0]}{number}.png"
            picture(label, number).save(folder / path)
            rows.append((path, label))
    return rows


def stacked(label: str, count: int) -> NDArray[np.uint8]:
    """(count, 7, 9, 3) pictures of a class."""
    return np.stack([np.array(picture(label, i, size=(9, 7))) for i in range(count)])


def listed(path: Path, **options: str) -> tuple[str, Counter[tuple[str | None, str]]]:
    """What a path is, and its number of pictures by split and class."""
    index = list_pictures(path, DatasetSpec(options=SourceOptions(**options)))
    assert index.omissions == []
    pixels = list(index.pictures(index.entries))
    assert len(pixels) == len(index.entries)
    return index.kind, Counter((entry.split, entry.label) for entry in index.entries)


def two(split: str | None = None, count: int = 4) -> Counter[tuple[str | None, str]]:
    return Counter({(split, "cat"): count, (split, "dog"): count})
