"""docs/expectations.md: enough rows, links that hold, and a reason for each one behind."""

import re
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def rows(text: str) -> list[list[str]]:
    """The cells of a table's rows, without its head."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines[2:]]


def test_expectations_are_linked_and_those_behind_are_decided() -> None:
    text = (DOCS / "expectations.md").read_text("utf-8")
    table = rows(text)
    assert len(table) >= 18
    assert {len(row) for row in table} == {4}
    assert {row[3] for row in table} == {"ahead", "equal", "behind"}
    for row in table:
        for link in re.findall(r"\]\(([\w./-]+)", row[2]):
            assert (DOCS / link).is_file(), link
    for library in ("ultralytics", "fastai", "Keras", "timm", "Hugging Face", "Weights & Biases"):
        assert any(library in row[1] for row in table), library
    (decision,) = set(re.findall(r"decisions/[\w-]+behind\.md", text))
    decided = {row[0] for row in rows((DOCS / decision).read_text("utf-8"))}
    assert decided == {row[0] for row in table if row[3] == "behind"}
