"""Results files: figures with the command, commit, machine and time that made them."""

from __future__ import annotations

import json
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from thriftnet.errors import ThriftnetError
from thriftnet.files import write_whole
from thriftnet.training.device import processor_name
from thriftnet.training.environment import commit

RESULTS = Path(__file__).parent.parent / "results"


def _provenance() -> dict[str, Any]:
    script = Path(sys.argv[0]).name
    # A path of this machine says nothing elsewhere: its last part names what was given.
    given = [Path(a).name if a.startswith("/") else a for a in sys.argv[1:]]
    return {
        "command": " ".join(["python", f"benchmarks/{script}", *given]),
        "commit": commit(),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": {
            "processor": processor_name(),
            "threads": torch.get_num_threads(),
            "system": platform.system(),
            "python": platform.python_version(),
            "torch": torch.__version__,
        },
    }


PROVENANCE = _provenance()
"""Where and how figures were made; taken at the start, as a long run outlives its checkout."""


def write_result(name: str, figures: dict[str, Any]) -> Path:
    """Write `results/NAME.json`, whole or not at all."""
    path = RESULTS / f"{name}.json"
    content = json.dumps({**PROVENANCE, **figures}, indent=2) + "\n"
    write_whole(path, content.encode(), error=ThriftnetError)
    print(f"wrote results/{path.name}")
    return path
