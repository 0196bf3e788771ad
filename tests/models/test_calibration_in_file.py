"""A calibration in a model file: kept, taken away, and refused beside other weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import safetensors.numpy
import torch
from pydantic import ValidationError

from calibrated_models import calibration, model, view
from thriftnet.errors import RunError
from thriftnet.models.build import build_model
from thriftnet.models.rewrite import write_calibration
from thriftnet.models.saved import read_model, save_model


def saved_as(path: Path, **options: Any) -> Path:
    save_model(path, model(), **options)
    return path


@pytest.mark.parametrize("half", [False, True])
def test_it_is_kept_and_no_weight_changes(tmp_path: Path, half: bool):
    path = saved_as(tmp_path / "m.safetensors", half=half)
    before = safetensors.numpy.load(path.read_bytes())
    write_calibration(path, path, calibration())
    after = safetensors.numpy.load(path.read_bytes())
    assert all((before[k] == after[k]).all() and before[k].dtype == after[k].dtype for k in before)
    found = read_model(path)
    assert found.calibration
    assert found.calibration.views == calibration().views
    assert (found.temperature, found.shifts) == (0.7, ())  # of its own views, flip


def test_a_copy_of_half_the_size_keeps_it(tmp_path: Path):
    path = saved_as(tmp_path / "m.safetensors")
    write_calibration(path, path, calibration())
    small = tmp_path / "half.safetensors"
    save_model(small, read_model(path), half=True)
    assert read_model(small).calibration == read_model(path).calibration


def test_it_can_be_taken_away(tmp_path: Path):
    path = saved_as(tmp_path / "m.safetensors")
    before = path.read_bytes()
    write_calibration(path, path, calibration())
    assert path.read_bytes() != before
    write_calibration(path, path, None)
    assert path.read_bytes() == before


def test_beside_other_weights_it_is_refused_and_can_be_taken_away(tmp_path: Path):
    path = saved_as(tmp_path / "m.safetensors")
    write_calibration(path, path, calibration())
    mapped = read_model(path)
    other = build_model(classes=4, seed=2, **mapped.architecture).eval()
    with pytest.raises(RunError, match="belongs to other weights .* calibrate .* --remove"):
        save_model(tmp_path / "other.safetensors", replace(mapped, network=other))
    # As a file of other hands may hold it: the map of one, the weights of another.
    mixed = tmp_path / "mixed.safetensors"
    save_model(mixed, replace(mapped, network=other, calibration=None))
    write_calibration(mixed, mixed, calibration())
    stale(mixed, digest="0" * 64)
    with pytest.raises(RunError, match="the calibration of .* belongs to other weights"):
        read_model(mixed)
    write_calibration(mixed, mixed, None)
    assert read_model(mixed).calibration is None


def stale(path: Path, *, digest: str) -> None:
    """Give the calibration in a file the digest of other weights."""
    from thriftnet.digests import load_json
    from thriftnet.models.metadata import pack_facts

    with safetensors.safe_open(path, framework="numpy") as file:
        facts = load_json(file.metadata()["thriftnet"])
    facts["calibration"]["weights_sha256"] = digest
    tensors = safetensors.numpy.load(path.read_bytes())
    path.write_bytes(safetensors.numpy.save(tensors, pack_facts(facts)))


@pytest.mark.parametrize(
    "shifts",
    [
        ((1.0, 0.0), (0.0, 0.0)),
        ((0.0, 0.0), (0.0, 1.0)),
        ((0.0, 3.0), (1.0, 0.0)),
        ((0.0, torch.inf),),
    ],
    ids=["falling", "equal", "surer to less sure", "infinite"],
)
def test_maps_that_would_turn_the_order_around_are_refused(shifts: Any):
    with pytest.raises(ValidationError):
        view(shifts=shifts)


def test_damage_is_refused(tmp_path: Path):
    path = saved_as(tmp_path / "m.safetensors")
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    with pytest.raises(RunError, match="is damaged"):
        write_calibration(path, path, calibration())
    assert path.read_bytes() == bytes(content)
