"""Tables of predictions that are cut while they are written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from thriftnet.inference.classifier import Classifier
from thriftnet.inference.inputs import find_pictures
from thriftnet.inference.table import Table, TableProgress


class CutError(Exception):
    """Stands for a kill."""


def run(
    path: Path, classifier: Classifier, folder: Path, *, resume: bool = False, cut: int = 0
) -> tuple[TableProgress, list[str]]:
    table = Table(path, classifier, find_pictures([folder]))
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
