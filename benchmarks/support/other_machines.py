"""What a results file holds of other machines, under `elsewhere`."""

from __future__ import annotations

import json
from typing import Any

from documents.quoting import with_amx
from support.record import PROVENANCE, RESULTS
from thriftnet.runtime.machine import machine_name


def measured_elsewhere(name: str) -> list[dict[str, Any]]:
    """What `results/NAME.json` holds of other machines than this one."""
    path = RESULTS / f"{name}.json"
    if not path.is_file():
        return []
    latest = json.loads(path.read_text("utf-8"))
    entries = [*latest.pop("elsewhere", []), latest]
    here = machine_name(PROVENANCE["machine"])
    return [entry for entry in entries if machine_name(with_amx(entry["machine"])) != here]
