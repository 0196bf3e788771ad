"""How candidates, accuracies and amounts are named on the page of a study."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from thriftnet.report.study.record import StudyRecord
from thriftnet.report.study.trials import Trial

WINNER_MARK = "◆"
REFERENCE_MARK = "★ the reference"


def percent(value: float, digits: int = 2) -> str:
    """A share as text."""
    return f"{100 * value:.{digits}f}%"


def shown_label(label: str) -> str:
    """A candidate's label with its parts told apart; a page takes two spaces for one."""
    return label.replace("  ", " · ")


def named(entry: Mapping[str, Any]) -> str:
    """The label of an entry of an outcome, with the reference's marked."""
    mark = f" ({REFERENCE_MARK})" if entry["reference"] else ""
    return shown_label(str(entry["label"])) + mark


def marks(record: StudyRecord, trial: Trial) -> str:
    """Whether it is the reference or the best one; empty of others."""
    found: list[str] = []
    if trial.candidate.reference:
        found.append(REFERENCE_MARK)
    if record.best and trial.candidate.digest == record.best.candidate.digest:
        found.append(f"{WINNER_MARK} {record.best_word}")
    return ", ".join(found)


def marked_label(record: StudyRecord, trial: Trial) -> str:
    """The label with its marks."""
    label, told = shown_label(trial.candidate.label), marks(record, trial)
    return f"{label} ({told})" if told else label


def setting_text(value: Any) -> str:
    """The value of a recipe key, short: `3,5,3,0`."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ",".join(map(setting_text, value))
    if isinstance(value, dict):
        return json.dumps(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def is_number(value: Any) -> bool:
    """Whether a value can stand on a scale."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def short_key(key: str) -> str:
    """A recipe key without its section."""
    return key.rsplit(".", 1)[-1]
