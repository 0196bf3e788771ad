"""Reads and validates the metadata of a model file, without torch.

safetensors has no checksum. The metadata have one and hold the digest of the weights, which
`tensors.py` checks. Files of earlier versions have neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import safetensors
from pydantic import ValidationError

from thriftnet.commands import command
from thriftnet.digests import ChangedError, dump_json, load_json
from thriftnet.errors import RunError
from thriftnet.files import open_regular
from thriftnet.models.calibration import Calibration
from thriftnet.models.foreign import foreign_kind
from thriftnet.models.preprocessing import Preprocessing

FORMAT = "thriftnet-model-1"
_KEY = "thriftnet"
_MOST_HEADER_BYTES = 2**23
"""Upper limit: ten kilobytes for `best`, a megabyte for a thousand blocks."""


class ModelFacts(Preprocessing):
    """The metadata of a model file; unknown keys of later versions are ignored.

    Files of earlier versions lack some keys of `Preprocessing`; its defaults apply to them.
    """

    format: Literal["thriftnet-model-1"]
    architecture: dict[str, Any]
    """Keyword arguments of `build_model`, without `classes`."""
    about: dict[str, Any]
    weights_sha256: str | None = None
    """Digest of the names, types, shapes and values of the weights; None in old files."""
    calibration: Calibration | None = None


def pack_facts(facts: Mapping[str, Any]) -> dict[str, str]:
    """Serialise metadata for safetensors.

    Under a single key, as safetensors writes several in random order and equal models should give
    equal files.

    Raises:
        RunError: They could not be read back, such as a class name that is not valid Unicode.
    """
    text = dump_json(dict(facts))
    try:
        ModelFacts.model_validate_json(text)
    except ValidationError as fault:
        raise RunError(f"the model cannot be saved: {_first_fault(fault)}") from None
    return {_KEY: text}


def read_facts(path: Path) -> ModelFacts:
    """Read the metadata of a model file.

    Raises:
        RunError: It is missing, damaged, not a thriftnet model or of another version.
    """
    text = _read_text(path)
    try:
        load_json(text)
        return ModelFacts.model_validate_json(text)
    except ChangedError:
        raise damaged(path, "its metadata do not match their checksum") from None
    except ValidationError as fault:
        raise mismatch(path, _first_fault(fault)) from None
    except (ValueError, RecursionError) as fault:  # not JSON, or nested too deeply
        raise mismatch(path, f"metadata: {fault}") from None


def read_raw_facts(path: Path) -> dict[str, Any]:
    """The metadata of a model file, unchecked but for their checksum, with keys of later versions.

    Raises:
        RunError: They are missing or damaged.
    """
    try:
        return load_json(_read_text(path))
    except (ValueError, RecursionError) as fault:
        raise damaged(path, str(fault)) from None


def _read_text(path: Path) -> str:
    if kind := foreign_kind(path):
        raise RunError(f"{path} is {kind}")
    try:
        with open_regular(path) as file:  # safetensors trusts the header's length
            if int.from_bytes(file.read(8), "little") > _MOST_HEADER_BYTES:
                raise RunError(f"{path} is damaged (its header is too long); copy it again")
        with safetensors.safe_open(path, framework="numpy") as file:
            text: str | None = (file.metadata() or {}).get(_KEY)
    except FileNotFoundError:
        raise RunError(f"there is no model file {path}; check the path") from None
    except (OSError, safetensors.SafetensorError) as fault:
        raise damaged(path, str(fault)) from None
    if text is None:
        raise RunError(f"{path} was not written by thriftnet; give a run folder or its model file")
    return text


def damaged(path: Path, reason: str) -> RunError:
    """The error for a damaged file."""
    short = " ".join(reason.split())
    return RunError(f"{path} is damaged ({short}); copy it again or {_restore_remedy(path)}")


def _restore_remedy(path: Path) -> str:
    """How to get the network of a damaged file again: from its run's checkpoint, if it has one."""
    run = path.parent
    if (run / "recipe.yaml").is_file() and any((run / "checkpoints").glob("*.pt")):
        return f"restore it from the run's checkpoint with: {command('train', '--resume', run)}"
    return retrain_remedy(path)


def mismatch(path: Path, reason: str) -> RunError:
    """The error for an intact file with invalid content."""
    short = " ".join(reason.split())[:200]
    text = f"{path} does not match this version of thriftnet ({short}); {retrain_remedy(path)}"
    return RunError(text)


def retrain_remedy(path: Path) -> str:
    """How to train the network of a file again: `retrain`, with the command if it is of a run."""
    recipes = (folder / "recipe.yaml" for folder in (path.parent, path.parent.parent))
    recipe = next((each for each in recipes if each.is_file()), None)
    return "retrain" if recipe is None else f"retrain with: {command('train', recipe)}"


def _first_fault(fault: ValidationError) -> str:
    first = fault.errors(include_url=False)[0]
    where = ".".join(map(str, first["loc"])) or "metadata"
    return f"{where}: {first['msg']}"
