"""Runs the few tests that have just failed once more, alone; `make test` calls it.

Exits with 0 if all of them pass now, and names them as to be mended. Many failures are no accident:
they are not tried again.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

_FEW = 3


def main(cache: Path) -> int:
    """Try again what the last run of pytest noted in its cache; returns 1 if that fails."""
    noted = cache / "v/cache/lastfailed"
    failed: list[str] = sorted(json.loads(noted.read_text())) if noted.exists() else []
    if not 0 < len(failed) <= _FEW:
        return 1
    print("\nTrying again, alone, what failed:", flush=True)
    if pytest.main([*failed]) != 0:  # it adds options to the list
        return 1
    print("Failed at first and passed alone; each depends on time or on what runs beside it, which")
    print("is to be mended:", *failed, sep="\n  ")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(".pytest_cache")))
