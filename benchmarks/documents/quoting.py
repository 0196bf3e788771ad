"""Figures of results/ as documents quote them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from thriftnet.runtime.machine import machine_name

ROOT = Path(__file__).parents[2]
_LONG = 5400.0


def result(name: str) -> dict[str, Any] | None:
    """A file of results/, or none where it was not measured yet."""
    path = ROOT / "results" / f"{name}.json"
    return json.loads(path.read_text("utf-8")) if path.exists() else None


def duration(seconds: float) -> str:
    """Seconds for reading."""
    return f"{seconds / 3600:.1f} h" if seconds > _LONG else f"{seconds / 60:.1f} min"


def machine(figures: dict[str, Any]) -> str:
    """What the figures were measured on."""
    facts = figures["machine"]
    commit = (figures["commit"] or "unknown")[:10]
    return f"{machine_name(facts)}, torch {facts['torch']}, {figures['date']}, commit {commit}"
