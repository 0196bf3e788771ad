"""Detects `torchrun` by its environment variables, without importing torch."""

from __future__ import annotations

import os
from collections.abc import Mapping

_VARIABLES = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


def torchrun_started(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this process is one of several that train together."""
    found = all(environment.get(name) for name in _VARIABLES)
    return found and environment["WORLD_SIZE"] != "1"


def is_first(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this is the process of rank 0, known before the group is initialised."""
    return not torchrun_started(environment) or environment["RANK"] == "0"
