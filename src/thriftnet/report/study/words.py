"""Formats candidates and recipe values on a study's page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from thriftnet.report.study.record import StudyRecord
from thriftnet.report.study.trials import Trial
from thriftnet.table import MISSING

WINNER_MARK = "◆"
REFERENCE_MARK = "★ the reference"


def shown_label(label: str) -> str:
    """A candidate's label with separators, as HTML collapses two spaces."""
    return label.replace("  ", " · ")


def named(entry: Mapping[str, Any]) -> str:
    """Label of an outcome's entry; the reference is marked."""
    mark = f" ({REFERENCE_MARK})" if entry["reference"] else ""
    return shown_label(str(entry["label"])) + mark


def marks(record: StudyRecord, trial: Trial) -> str:
    """Marks of the reference and the best candidate; else empty."""
    found: list[str] = []
    if trial.candidate.reference:
        found.append(REFERENCE_MARK)
    if record.best and trial.candidate.digest == record.best.candidate.digest:
        found.append(f"{WINNER_MARK} {record.best_word}")
    return ", ".join(found)


def marked_label(record: StudyRecord, trial: Trial) -> str:
    """Label with its marks."""
    label, told = shown_label(trial.candidate.label), marks(record, trial)
    return f"{label} ({told})" if told else label


def setting_text(value: Any) -> str:
    """Short text of a recipe value: `3,5,3,0`."""
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return ",".join(map(setting_text, value))
    if isinstance(value, dict):
        return json.dumps(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def short_key(key: str) -> str:
    """Recipe key without its section."""
    return key.rsplit(".", 1)[-1]
