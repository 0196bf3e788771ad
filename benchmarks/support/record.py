"""Results files: figures with the command, commit, machine and time that made them."""

from __future__ import annotations

import json
import platform
import shlex
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from thriftnet.errors import ThriftnetError
from thriftnet.files import write_whole
from thriftnet.runtime.device import accelerator_name, available_devices, has_amx, processor_name
from thriftnet.training.environment import commit

RESULTS = Path(__file__).parents[2] / "results"


def _provenance() -> dict[str, Any]:
    script = Path(sys.argv[0]).name
    # A path of this machine says nothing elsewhere: its last part names what was given.
    given = [Path(a).name if a.startswith("/") else a for a in sys.argv[1:]]
    return {
        "command": shlex.join(["python", f"benchmarks/{script}", *given]),
        "commit": commit(),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": {
            "processor": processor_name(),
            "amx": has_amx(),
            "accelerator": accelerator_name(torch.device(available_devices()[0])),
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
    write_whole(path, f"{render({**PROVENANCE, **figures})}\n".encode(), error=ThriftnetError)
    print(f"wrote results/{path.name}")
    return path


def render(value: object, indent: str = "") -> str:
    """JSON for reading: as `json.dumps` indents it, but for plain numbers, in a line each list."""
    deeper, numbers = indent + "  ", (int, float, type(None))
    if isinstance(value, Mapping) and value:
        pairs = [f"{json.dumps(str(k))}: {render(v, deeper)}" for k, v in value.items()]
    elif isinstance(value, list | tuple) and not all(isinstance(v, numbers) for v in value):
        pairs = [render(each, deeper) for each in value]
    else:
        return json.dumps(value)
    opening, closing = "{}" if isinstance(value, Mapping) else "[]"
    inside = ",\n".join(deeper + pair for pair in pairs)
    return f"{opening}\n{inside}\n{indent}{closing}"
