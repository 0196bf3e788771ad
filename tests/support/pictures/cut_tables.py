"""Tables of predictions that are cut while they are written."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from thriftnet.inference.classifier import Classifier
from thriftnet.inference.inputs import find_pictures
from thriftnet.inference.table import PredictionTable, TableProgress


class CutError(Exception):
    """Stands for a kill."""


def run(
    path: Path, classifier: Classifier, folder: Path, *, resume: bool = False, cut: int = 0
) -> tuple[TableProgress, list[str]]:
    table = PredictionTable(path, classifier, find_pictures([folder]))
    missed: list[str] = []
    progress = table.resume(missed.append) if resume else TableProgress()

    def each(number: int, _: Any) -> None:
        if number == cut:
            raise CutError

    if cut:
        with pytest.raises(CutError):
            table.write(progress, each)
    else:
        table.write(progress, each)
    return progress, missed


LOCKS = """
import fcntl, sys
with open(sys.argv[1]) as file:
    fcntl.flock(file, fcntl.LOCK_EX)
    print("locked", flush=True)
    sys.stdin.read()
"""


@contextmanager
def written_by_another(part: Path) -> Iterator[None]:
    """Another process writes a table while the block lasts."""
    words, pipe = [sys.executable, "-c", LOCKS, str(part)], subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe) as other:
        assert other.stdout
        assert other.stdout.readline() == b"locked\n"
        yield
        other.communicate()
