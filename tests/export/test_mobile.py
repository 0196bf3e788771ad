"""LiteRT and ExecuTorch, each in its own runtime: `make mobile`, where their packages are."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from calibrated_models import calibration
from commands import in_this_process
from own_pictures import put
from thriftnet.errors import ExportError
from thriftnet.export.job import ExportJob, Target
from thriftnet.export.pipeline import Exported, export_model
from thriftnet.export.targets import TARGETS
from thriftnet.inference.classifier import load_model
from thriftnet.inference.onnx_runtime import ExportFacts
from thriftnet.models.rewrite import write_calibration
from thriftnet.models.saved import SavedModel, read_model
from tiny_network import ARCHITECTURES, SIDE, noise, tiny_file, tiny_model

PACKAGES = {"litert": "litert_torch", "executorch": "executorch"}


@pytest.fixture(scope="module", params=PACKAGES)
def kind(request: pytest.FixtureRequest) -> str:
    pytest.importorskip(PACKAGES[request.param])
    return request.param


@pytest.fixture(scope="module")
def target(kind: str) -> Target:
    return TARGETS[kind]


@pytest.fixture(scope="module", params=ARCHITECTURES)
def family(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def model(family: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tiny_file(tmp_path_factory.mktemp("model"), family)
    write_calibration(path, path, calibration())  # a temperature and a map of confidences
    return path


@pytest.fixture(scope="module")
def exported(
    kind: str,
    target: Target,
    family: str,
    model: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Exported:
    """With six views for one of the families in LiteRT; ExecuTorch cannot shift a picture."""
    folder = tmp_path_factory.mktemp("exports")
    pictures = put(folder / "pictures", {"cat": 30, "dog": 30, "emu": 30})
    path, tta = folder / f"tiny{target.suffix}", (kind, family) == ("litert", "resnet")
    return export_model(model, to=kind, output=path, tta=tta, calibration=pictures)


def test_its_runtime_says_what_the_network_says(exported: Exported, target: Target, model: Path):
    assert set(exported.check.largest_difference) == set(target.batches)
    assert max(exported.check.largest_difference.values()) < 1e-5
    images, run = noise(64), target.load(exported.path)
    expected = load_model(model, tta=exported.preprocessing.tta, precision="fp32")
    for batch in (64, 1, 7):  # smaller after larger: memory that is planned or kept
        found = run(images[:batch])
        assert found.dtype == np.float32
        assert np.abs(found - expected.probabilities(images[:batch])).max() < 1e-5


def test_it_says_how_a_picture_becomes_its_input(exported: Exported, kind: str, model: Path):
    facts = ExportFacts.model_validate_json(facts_in(exported.path, kind))
    own = read_model(model)
    assert facts.preprocessing == own.preprocessing_with(exported.preprocessing.tta)
    assert facts.preprocessing.shifts
    assert facts.weights_sha256 == own.weights_sha256
    assert facts.target == kind


def facts_in(path: Path, kind: str) -> str:
    """As docs/export.md says where they are."""
    if kind == "litert":
        return zipfile.ZipFile(path).read("thriftnet.json").decode()
    from executorch.runtime import Runtime

    (text,) = Runtime.get().load_program(path).load_method("thriftnet").execute([])
    return text


def test_input_and_output_have_names_in_litert(exported: Exported, kind: str):
    if kind != "litert":
        pytest.skip("a .pte has places instead")
    from ai_edge_litert.interpreter import Interpreter

    signature = Interpreter(str(exported.path)).get_signature_runner()
    (given,), (got,) = signature.get_input_details().items(), signature.get_output_details().items()
    assert (given[0], given[1]["dtype"]) == ("images", np.uint8)
    assert given[1]["shape_signature"].tolist() == [1, SIDE, SIDE, 3]
    assert (got[0], got[1]["dtype"]) == ("probabilities", np.float32)


class NoCounterpart(nn.Module):
    """An operation that no format has."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3))

    def forward(self, images: Tensor) -> Tensor:
        means = images.mean(dim=(2, 3)) * self.scale
        return torch.linalg.eigvalsh(means[:, :, None] * means[:, None, :])


def test_a_layer_without_a_counterpart_is_told_in_one_line(
    kind: str, target: Target, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    tiny = tiny_model()
    odd = SavedModel(
        NoCounterpart(), {}, tiny.classes, tiny.mean, tiny.std, image_size=tiny.image_size
    )
    with pytest.raises(ExportError) as caught:
        target.write(ExportJob(odd, "odd", kind, odd.preprocessing), tmp_path / "odd")
    assert "odd has a layer that " in str(caught.value)
    assert "; export it to another --to" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert capfd.readouterr() == ("", "")


def test_the_command_prints_what_it_did_and_nothing_else(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """In a process of its own: what libraries in C++ tell, they tell once."""
    model, path = tiny_file(tmp_path), tmp_path / f"x{TARGETS[kind].suffix}"
    pictures = put(tmp_path / "pictures", {"cat": 4, "dog": 4, "emu": 4})
    command = [sys.executable, "-m", "thriftnet", "export", model, "--to", kind, "-o", path]
    done = subprocess.run(
        [*command, "--calibration", pictures, "--json"], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["to"] == kind
    refused = in_this_process(monkeypatch, capsys)("predict", path, path)
    assert "which other programs run and thriftnet does not" in refused.error_line
