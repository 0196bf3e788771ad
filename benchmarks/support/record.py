"""Writes results files: values with their command, commit, machine and time."""

from __future__ import annotations

import json
import platform
import shlex
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from thriftnet.errors import ThriftnetError
from thriftnet.files import write_whole
from thriftnet.runtime.device import (
    accelerator_name,
    available_devices,
    has_amx,
    has_fast_bf16,
    processor_name,
)
from thriftnet.training.environment import commit

RESULTS = Path(__file__).parents[2] / "results"


def _provenance() -> dict[str, Any]:
    script = Path(sys.argv[0]).name
    # Paths are meaningless elsewhere: keep their last part.
    given = [Path(a).name if a.startswith("/") else a for a in sys.argv[1:]]
    return {
        "command": shlex.join(["python", f"benchmarks/{script}", *given]),
        "commit": commit(),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": {
            "processor": processor_name(),
            "amx": has_amx(),
            "fast_bf16": has_fast_bf16("cpu"),
            "accelerator": accelerator_name(torch.device(available_devices()[0])),
            "threads": torch.get_num_threads(),
            "system": platform.system(),
            "python": platform.python_version(),
            "torch": torch.__version__,
        },
    }


PROVENANCE = _provenance()
"""Provenance of results; taken at the start, as the checkout may change during a long run."""


def commit_of(checkout: Path) -> str:
    """The commit of another checkout."""
    command = ["git", "-C", str(checkout), "rev-parse", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def write_result(name: str, figures: dict[str, Any]) -> Path:
    """Write `results/NAME.json` atomically."""
    path = RESULTS / f"{name}.json"
    write_whole(path, f"{render({**PROVENANCE, **figures})}\n".encode(), error=ThriftnetError)
    print(f"wrote results/{path.name}")
    return path


def render(value: object, indent: str = "") -> str:
    """Indented JSON with lists of numbers on one line."""
    deeper, numbers = indent + "  ", (int, float, type(None))
    if isinstance(value, Mapping) and value:
        pairs = [f"{json.dumps(str(k))}: {render(v, deeper)}" for k, v in value.items()]
    elif isinstance(value, (list, tuple)) and not all(isinstance(v, numbers) for v in value):
        pairs = [render(each, deeper) for each in value]
    else:
        return json.dumps(value)
    opening, closing = "{}" if isinstance(value, Mapping) else "[]"
    inside = ",\n".join(deeper + pair for pair in pairs)
    return f"{opening}\n{inside}\n{indent}{closing}"
