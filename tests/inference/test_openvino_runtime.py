"""An ONNX export in OpenVINO: the same answers, from several threads, where it is asked for."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import thriftnet
from own_pictures import put
from thriftnet.errors import RunError
from thriftnet.export import pictures as choosing
from thriftnet.export.gate import OtherCheck
from thriftnet.export.pipeline import Exported, export_model
from thriftnet.inference.classifier import load_model
from thriftnet.inference.inputs import find_pictures
from thriftnet.inference.openvino_runtime import open_openvino
from thriftnet.inference.table import PredictionTable
from tiny_network import colours, noise, tiny_file

IMAGES, _ = colours(12, start=100)
pytestmark = pytest.mark.usefixtures("traced_once")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_file(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def exports(model: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Exported]:
    folder = tmp_path_factory.mktemp("exports")
    pictures = put(folder / "pictures", {"cat": 60, "dog": 60, "emu": 60})
    return {
        kind: export_model(model, to=kind, output=folder / f"{kind}.onnx", calibration=pictures)
        for kind in ("onnx", "onnx-int8")
    }


@pytest.mark.parametrize(("kind", "most"), [("onnx", 1e-5), ("onnx-int8", 0.25)])
def test_it_says_what_the_network_says(
    kind: str, most: float, exports: dict[str, Exported], model: Path
):
    classifier = thriftnet.load_model(exports[kind].path, runtime="openvino")
    expected = load_model(model, tta="none", precision="fp32")
    for batch in (1, 7, 36):
        found = classifier.probabilities(IMAGES[:batch])
        assert np.abs(found - expected.probabilities(IMAGES[:batch])).max() < most
        assert (found.argmax(1) == expected.probabilities(IMAGES[:batch]).argmax(1)).all()


def test_several_threads_use_one_network(exports: dict[str, Exported]):
    classifier = thriftnet.load_model(exports["onnx"].path, runtime="openvino")
    images = noise(60)
    expected = classifier.probabilities(images)
    with ThreadPoolExecutor(6) as pool:
        parts = [images[at : at + 5] for at in range(0, 60, 5)] * 5
        found = np.concatenate(list(pool.map(classifier.probabilities, parts)))
    assert np.abs(found - np.tile(expected, (5, 1))).max() < 1e-5


@pytest.mark.parametrize("kind", ["onnx", "onnx-int8"])
def test_an_export_is_compared_there_too(kind: str, exports: dict[str, Exported]):
    other = exports[kind].others["openvino"]
    assert other.fault is None
    assert other.check is not None
    assert set(other.check.largest_difference) == {1, 7, 64}
    path = exports[kind].path
    beside = json.loads(path.with_name(f"{path.name}.check.json").read_text())
    assert beside["others"]["openvino"]["check"]["equal_answers"] == other.check.equal_answers


def test_what_is_wrong_there_alone_is_told_and_kept(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(choosing, "COMPARED", 20)
    said: list[str] = []
    fault = OtherCheck(None, "probabilities differ")
    monkeypatch.setattr(
        "thriftnet.export.pipeline.compare_elsewhere", lambda *_, **__: {"openvino": fault}
    )
    path = tmp_path / "x.onnx"
    export_model(model, to="onnx", output=path, say=said.append)
    assert said == [f"do not run {path} with openvino: there, probabilities differ"]
    assert path.exists()


def test_what_it_refuses_is_one_line(tmp_path: Path):
    path = tmp_path / "x.onnx"
    path.write_bytes(b"no network")
    with pytest.raises(RunError, match="OpenVINO refuses") as caught:
        open_openvino(path, precision="fp32")
    assert len(str(caught.value).splitlines()) == 1


def test_a_runtime_is_of_onnx_files(exports: dict[str, Exported], model: Path):
    with pytest.raises(RunError, match="is for ONNX files, and PyTorch runs .*--to onnx-int8"):
        thriftnet.load_model(model, runtime="openvino")
    with pytest.raises(RunError, match="--runtime tensorrt is not one of onnxruntime, openvino"):
        thriftnet.load_model(exports["onnx"].path, runtime="tensorrt")
    assert thriftnet.load_model(exports["onnx"].path, runtime="onnxruntime").runtime is None


def test_rows_of_one_runtime_are_not_continued_by_another(
    exports: dict[str, Exported], tmp_path: Path
):
    pictures = find_pictures([put(tmp_path / "pictures", {"cat": 40})])
    path, table = tmp_path / "out.csv", exports["onnx"].path

    def stop(number: int, _result: object) -> None:
        if number == 33:
            raise KeyboardInterrupt

    first = PredictionTable(path, thriftnet.load_model(table), pictures)
    with pytest.raises(KeyboardInterrupt):
        first.write(first.resume(print), stop)
    other = PredictionTable(path, thriftnet.load_model(table, runtime="openvino"), pictures)
    with pytest.raises(RunError, match="differs in: runtime"):
        other.resume(print)
    assert PredictionTable(path, thriftnet.load_model(table), pictures).resume(print).rows >= 32
