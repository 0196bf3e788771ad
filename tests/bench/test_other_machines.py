"""Results files keep the figures of other machines."""

import json
from pathlib import Path
from typing import Any

import pytest

from support import other_machines


@pytest.mark.parametrize(
    ("facts", "other"),
    [({}, False), ({"amx": True}, True), ({"fast_bf16": False}, True), ({"threads": 8}, True)],
)
def test_figures_of_another_machine_stay(
    facts: dict[str, Any], other: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = {**other_machines.PROVENANCE["machine"], "accelerator": None, "threads": 2}
    here |= {"amx": False, "fast_bf16": True}
    entry = {"machine": here | facts, "wall_ratio": 0.34}
    (tmp_path / "some.json").write_text(json.dumps({**entry, "elsewhere": []}))
    monkeypatch.setattr(other_machines, "RESULTS", tmp_path)
    monkeypatch.setitem(other_machines.PROVENANCE, "machine", here)
    assert other_machines.measured_elsewhere("some") == ([entry] if other else [])
    assert other_machines.measured_elsewhere("none") == []
