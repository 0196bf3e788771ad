"""Checks an exported folder before transformers reads it, which verifies no digest.

The weights have a digest, and the metadata beside it are the source of the other files.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from thriftnet.errors import RunError
from thriftnet.files import read_bounded
from thriftnet.models.hub_folder import CONFIG, PROCESSOR, WEIGHTS
from thriftnet.models.metadata import read_facts
from thriftnet.models.tensors import check_model_file

_MOST_BYTES = 2**22


def check_network(folder: Path) -> None:
    """Check the weights and the configuration; nothing, where there are no weights.

    Raises:
        RunError: They are damaged, or not of one network.
    """
    weights = folder / WEIGHTS
    if not weights.is_file():  # a repository of the hub
        return
    check_model_file(weights)
    whole = read_facts(weights).model_dump(mode="json")
    config = _content(folder / CONFIG)
    contract: dict[str, Any] = config.get("preprocessing") or {}
    known = {name: whole.get(name) for name in contract}
    if not contract or contract != known or config.get("network") != whole["architecture"]:
        raise _damaged(folder / CONFIG)


def check_processor(folder: Path) -> None:
    """Check the configuration of the image processor; nothing, where there are no weights.

    Raises:
        RunError: It is damaged, or not of the network beside it.
    """
    weights = folder / WEIGHTS
    if not weights.is_file():
        return
    whole = read_facts(weights).model_dump(mode="json")
    found = _content(folder / PROCESSOR)
    names = ("image_size", "fit", "filter", "mean", "std")
    if any(found.get(name) != whole[name] for name in names):
        raise _damaged(folder / PROCESSOR)


def _content(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(read_bounded(path, most=_MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        raise _damaged(path) from None
    return found if isinstance(found, dict) else {}


def _damaged(path: Path) -> RunError:
    return RunError(
        f"{path} is damaged, or not of the {WEIGHTS} next to it; copy the folder or export the "
        "network again"
    )
