"""Every target for a network of every family: made, run in its own runtime and compared."""

from __future__ import annotations

from pathlib import Path

import pytest

import thriftnet
from own_pictures import put
from thriftnet.export import pictures as choosing
from thriftnet.export.pipeline import export_model
from thriftnet.export.targets import TARGETS
from thriftnet.models.build import FAMILIES
from tiny_network import ARCHITECTURES, tiny_file

pytestmark = pytest.mark.usefixtures("traced_once")
OF_EXPORT = [name for name, target in TARGETS.items() if target.extra == "export"]
"""test_mobile.py has the others, whose packages are installed apart."""


def test_every_family_and_every_target_is_tried() -> None:
    assert set(ARCHITECTURES) == set(FAMILIES)
    assert set(TARGETS) - set(OF_EXPORT) == {"litert", "executorch"}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    return {family: tiny_file(folder, family) for family in ARCHITECTURES}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return put(tmp_path_factory.mktemp("pictures"), {"cat": 30, "dog": 30, "emu": 30})


@pytest.mark.parametrize("family", ARCHITECTURES)
@pytest.mark.parametrize("kind", OF_EXPORT)
def test_it_says_what_the_network_says(
    kind: str,
    family: str,
    models: dict[str, Path],
    pictures: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(choosing, "CALIBRATION", 20)
    target = TARGETS[kind]
    compared = max(21, max(target.batches) + 6)  # other pictures than those; part of a batch
    monkeypatch.setattr(choosing, "COMPARED", compared)
    path = tmp_path / f"tiny{target.suffix}"
    found = export_model(models[family], to=kind, output=path, calibration=pictures)
    assert path.exists()
    assert found.check.pictures == compared
    assert set(found.check.largest_difference) == set(target.batches)
    assert max(found.check.largest_difference.values()) < (0.25 if target.int8 else 1e-5)
    assert found.check.equal_answers == 1
    if path.suffix == ".onnx":
        assert thriftnet.load_model(path).digest  # only what an export has is opened
