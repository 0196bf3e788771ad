"""The bytes of a checkpoint."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any, cast

import torch

from thriftnet.errors import RunError


def pack_state(state: dict[str, Any]) -> bytes:
    """Plain containers and tensors as a file holds them."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def read_state(path: Path) -> dict[str, Any]:
    """What a file holds that `pack_state` made.

    Raises:
        RunError: It is damaged.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pickles that torch did not write
            state = torch.load(path, map_location="cpu", weights_only=True)
    # Damaged bytes can make the reader raise nearly anything; it executes nothing.
    except Exception as fault:
        reason = str(fault).split(". ")[0][:100] or type(fault).__name__
        raise RunError(f"{path} is damaged ({reason}); train anew under another --name") from None
    return cast("dict[str, Any]", state)
