"""Names of machines in reports and tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import accumulate
from operator import or_
from typing import Any


def machine_name(facts: Mapping[str, Any]) -> str:
    """The name of a machine, from the environment in a run or a results file."""
    threads = facts["threads"]
    plural = "" if threads == 1 else "s"
    units = ""
    if facts.get("amx"):  # makes bf16 several times faster
        units = " with AMX"
    elif facts.get("fast_bf16") is False:  # None: recorded by an earlier version
        units = " without bf16"
    return facts.get("accelerator") or f"{facts['processor']}{units}, {threads} thread{plural}"


def machine_names(facts: Mapping[str, Any], moves: Iterable[Mapping[str, Any]] = ()) -> list[str]:
    """Names of the machines that a run was trained on, in order.

    Args:
        facts: Environment at the start.
        moves: Changes of the environment at each resumption.
    """
    each = accumulate(map(dict, moves), or_, initial=dict(facts))
    return list(dict.fromkeys(map(machine_name, each)))
