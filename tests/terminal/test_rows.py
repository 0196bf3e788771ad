"""Rows of a CSV file."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

import pytest

from thriftnet.terminal.rows import write_rows


def written(path: Path, *row: Any) -> list[str]:
    write_rows(("file", "label", "probability"), [row], path)
    with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        return list(csv.reader(file))[1]


@pytest.mark.parametrize("text", ['=HYPERLINK("x")', "+1+1", "-2+3", "@SUM(1)", "\t=1", "\r=1"])
def test_no_cell_is_a_formula(tmp_path: Path, text: str) -> None:
    file, label, _ = written(tmp_path / "a.csv", Path(text), text, 0.5)
    assert (file, label) == (f"./{text}", f"'{text}")
    assert os.path.normpath(file) == text  # the same file


@pytest.mark.parametrize("value", [-1, -0.5, "-1", "+1.5", "1e-3", "cat", "a=b", "'x"])
def test_numbers_and_plain_text_are_as_they_are(tmp_path: Path, value: Any) -> None:
    assert written(tmp_path / "a.csv", Path("b/=c.png"), value, value) == [
        "b/=c.png",
        str(value),
        str(value),
    ]
