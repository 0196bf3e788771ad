"""Serialises checkpoints: torch's archive followed by a SHA-256, as torch verifies no checksum."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, cast

import torch

from thriftnet.digests import open_archive, seal_archive
from thriftnet.errors import RunError
from thriftnet.files import read_bounded
from thriftnet.runs.checkpoints.scan import scan_checkpoint

_MOST_BYTES = 2**32
"""Upper limit; `best` takes some hundred MB: network, average and optimiser state."""


def pack_state(state: dict[str, Any]) -> bytes:
    """Serialise plain containers and tensors."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return seal_archive(buffer.getvalue())


def read_state(path: Path) -> dict[str, Any]:
    """Read a file written from `pack_state`.

    Raises:
        RunError: It is damaged; without a remedy.
    """
    try:
        archive = open_archive(read_bounded(path, most=_MOST_BYTES))
        scan_checkpoint(archive)
        state = torch.load(io.BytesIO(archive), map_location="cpu", weights_only=True)
        if not isinstance(state, dict):
            raise ValueError("it is not a checkpoint")
    # Damaged bytes can raise almost any exception; nothing is executed.
    except Exception as fault:
        reason = str(fault).split(". ")[0][:100] or type(fault).__name__
        raise RunError(f"{path} is damaged ({reason})") from None
    return cast("dict[str, Any]", state)
