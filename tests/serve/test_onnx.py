"""A service of an ONNX export, in both precisions: as the file says by itself, and no more."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import thriftnet
from commands import in_this_process
from live_service import FORM, form, live_service
from own_pictures import put
from thriftnet.export import pictures as choosing
from thriftnet.export.pipeline import export_model
from tiny_network import tiny_file

pytestmark = pytest.mark.usefixtures("traced_once")
KINDS = {"onnx": 1e-5, "onnx-int8": 1e-5}
"""Largest difference of a probability alone and in company; int8 rounds the same in any batch."""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return put(tmp_path_factory.mktemp("pictures"), {"cat": 20, "dog": 20, "emu": 20})


@pytest.fixture(scope="module", params=KINDS)
def exported(
    request: pytest.FixtureRequest, pictures: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("exported")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choosing, "COMPARED", 20)
        patch.setattr(choosing, "CALIBRATION", 20)
        path = folder / f"{request.param}.onnx"
        export_model(tiny_file(folder), to=request.param, output=path, calibration=pictures)
    return path


def test_it_answers_as_predict_does(exported: Path, pictures: Path) -> None:
    files = sorted(pictures.rglob("*.png"))[::5]
    classifier = thriftnet.load_model(exported)
    expected = classifier.predict_files(files)
    limit = KINDS[exported.stem]
    with live_service(classifier) as service, ThreadPoolExecutor(6) as pool:
        alone = list(pool.map(lambda file: service.predict(file.read_bytes()), files))
        parts = [(file.name, file.read_bytes()) for file in files]
        together = service.predict(form(*parts), content_type=FORM).json["predictions"]
        facts = service.ask("GET", "/v1/model").json
        explained = service.predict(files[0].read_bytes(), "/v1/predict?activation=true")
        page = service.ask("GET", "/").content.decode()
    for answer, among, one in zip(alone, together, expected, strict=True):
        (found,) = answer.json["predictions"]
        assert found["label"] == among["label"] == one.label
        assert found["probabilities"] == pytest.approx(one.probabilities, abs=limit)
        assert among["probabilities"] == pytest.approx(one.probabilities, abs=limit)
    assert (facts["precision"], facts["parameters"]) == (classifier.compute.precision, None)
    assert (facts["activation"], facts["preprocessing"]["tta"]) == (False, "none")
    assert (explained.status, explained.json["detail"][:36]) == (
        400,
        "this network has no activation maps;",
    )
    assert "Weights" in page


@pytest.mark.parametrize("suffix", [".pt2", ".tflite", ".pte", ".html"])
def test_other_exports_are_refused_in_a_line(
    suffix: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / f"x{suffix}"
    path.write_bytes(b"of another program")
    thriftnet = in_this_process(monkeypatch, capsys)
    for command in (("serve", path, "--port", "0"), ("predict", path, path)):
        outcome = thriftnet(*command)
        assert outcome.code == 2
        assert f"a {suffix} file, which other programs run" in outcome.error_line


def test_a_damaged_one_is_refused_in_a_line(
    exported: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "cut.onnx"
    path.write_bytes(exported.read_bytes()[:-100])
    outcome = in_this_process(monkeypatch, capsys)("serve", path, "--port", "0")
    assert outcome.code == 2
    assert outcome.error_line.endswith("export it again")
