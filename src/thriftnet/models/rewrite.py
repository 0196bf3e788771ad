"""Replaces the calibration in a model file without changing its weights; no torch."""

from __future__ import annotations

from pathlib import Path

import safetensors.numpy

from thriftnet.errors import RunError
from thriftnet.files import write_whole
from thriftnet.models.calibration import Calibration
from thriftnet.models.metadata import pack_facts, read_raw_facts
from thriftnet.models.tensors import digest_arrays, digest_halved, read_arrays


def write_calibration(
    source: Path, target: Path, calibration: Calibration | None
) -> Calibration | None:
    """Write a model file with a calibration, or without one.

    Args:
        source: A model file; its calibration is ignored.
        target: May be the same; written atomically.
        calibration: Of these weights, whose digest is set; None: remove the calibration.

    Returns:
        The calibration in the new file.

    Raises:
        RunError: The file is damaged or not a model, or the target cannot be written.
    """
    facts = read_raw_facts(source)
    arrays = read_arrays(source, sha256=facts.get("weights_sha256"))
    facts["weights_sha256"] = digest_arrays(arrays)
    facts.pop("calibration", None)
    facts |= {"temperature": 1.0, "shifts": []}
    own = None
    if calibration is not None:
        own = calibration.model_copy(update={"weights_sha256": digest_halved(arrays)})
        facts["calibration"] = own.model_dump(mode="json")
        how = own.views.get(str(facts.get("tta")))
        facts["temperature"] = how.temperature if how else 1.0
        facts["shifts"] = [list(knot) for knot in how.shifts] if how else []
    write_whole(target, safetensors.numpy.save(arrays, pack_facts(facts)), error=RunError)
    return own
