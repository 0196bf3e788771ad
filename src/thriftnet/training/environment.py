"""The environment of a run: enough to reproduce it and to explain a difference."""

from __future__ import annotations

import functools
import platform
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from thriftnet.kernels.library import fused, winograd
from thriftnet.runtime.device import (
    Compute,
    accelerator_name,
    has_amx,
    has_fast_bf16,
    processor_name,
)


def describe_environment(
    compute: Compute, data_digests: Mapping[str, str], *, processes: int = 1
) -> dict[str, Any]:
    """Versions, machine, commit, data digests and command line, ready for JSON."""
    return {
        "thriftnet": package_version(),
        "commit": _loaded_commit(),
        "command": sys.argv,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "system": platform.platform(),
        "processor": processor_name(),
        "amx": has_amx(),
        "fast_bf16": has_fast_bf16("cpu"),
        "threads": torch.get_num_threads(),
        "processes": processes,
        "device": str(compute.device),
        "accelerator": accelerator_name(compute.device),
        "precision": compute.precision,
        "fused": _fuses(compute),
        "data": dict(data_digests),
    }


def _fuses(compute: Compute) -> bool:
    """Whether training uses the compiled kernels; compiles them only if it can."""
    if compute.device.type != "cpu":
        return False
    if compute.precision == "bf16":
        return fused(torch.bfloat16) is not None
    return winograd() is not None and fused(torch.float32) is not None


@functools.cache
def _loaded_commit() -> str | None:
    """Cached: the loaded code does not change, and a search worker opens many runs."""
    return commit()


def package_version() -> str:
    """The installed version of thriftnet."""
    from importlib.metadata import version

    return version("thriftnet")


def commit() -> str | None:
    """The commit of the checkout the package runs from, with `+changes` if edited; or None."""
    folder = Path(__file__).parent

    def git(*arguments: str) -> str:
        # Without locks, which a commit made meanwhile would meet.
        command = ["git", "--no-optional-locks", *arguments]
        return subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=True, timeout=60
        ).stdout.strip()

    try:
        git("ls-files", "--error-unmatch", str(Path(__file__)))  # ours, not a checkout around us
        code = (":/src", ":/benchmarks", ":/pyproject.toml")  # not results and documents
        shipped = ":(top,exclude)src/thriftnet/weights"  # which are results too
        paths = (*code, f"{shipped}/*.safetensors", f"{shipped}/*.md")
        changed = git("status", "--porcelain", "--untracked-files=no", "--", *paths)
        return git("rev-parse", "HEAD") + ("+changes" if changed else "")
    except (OSError, subprocess.SubprocessError):
        return None
