"""What a machine is called in reports and tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import accumulate
from operator import or_
from typing import Any


def machine_name(facts: Mapping[str, Any]) -> str:
    """What to call a machine, by the facts that a run or a results file keeps of it."""
    threads = facts["threads"]
    plural = "" if threads == 1 else "s"
    units = " with AMX" if facts.get("amx") else ""  # bf16 is several times as fast with it
    return facts.get("accelerator") or f"{facts['processor']}{units}, {threads} thread{plural}"


def machine_names(facts: Mapping[str, Any], moves: Iterable[Mapping[str, Any]] = ()) -> list[str]:
    """Names of what a run was trained on, in order.

    Args:
        facts: Of where it began.
        moves: What changed of them, each time that it went on elsewhere.
    """
    each = accumulate(map(dict, moves), or_, initial=dict(facts))
    return list(dict.fromkeys(map(machine_name, each)))
