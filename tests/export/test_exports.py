"""Every kind of export of a tiny network, made once, run in its own runtime and looked into."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

import thriftnet
from calibrated_models import calibration
from own_pictures import put
from thriftnet.errors import RunError
from thriftnet.export import kinds
from thriftnet.export.pipeline import Exported, export_model
from thriftnet.export.targets import TARGETS
from thriftnet.inference.classifier import load_model
from thriftnet.inference.onnx_runtime import open_onnx, read_onnx
from thriftnet.models.rewrite import write_calibration
from thriftnet.models.saved import read_model
from tiny_network import SIDE, colours, noise, tiny_file

IMAGES, LABELS = colours(12, start=100)
KINDS = ("onnx", "onnx-int8", "torch-export", "folder")
pytestmark = pytest.mark.usefixtures("traced_once")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tiny_file(tmp_path_factory.mktemp("model"))
    write_calibration(path, path, calibration())  # a temperature and a map of confidences
    return path


@pytest.fixture(scope="module")
def sources(model: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """What each kind is exported from; one is of the other family."""
    other = tiny_file(tmp_path_factory.mktemp("other"), "speednet")
    return {kind: other if kind == "onnx-int8" else model for kind in KINDS}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return put(tmp_path_factory.mktemp("pictures"), {"cat": 60, "dog": 60, "emu": 60})


@pytest.fixture(scope="module")
def exports(
    sources: dict[str, Path], pictures: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Exported]:
    folder = tmp_path_factory.mktemp("exports")
    options = {"onnx": {"tta": True}, "onnx-int8": {"reduce_range": True}}
    return {
        kind: export_model(
            sources[kind],
            to=kind,
            output=folder / f"tiny{TARGETS[kind].suffix}",
            calibration=pictures,
            **options.get(kind, {}),
        )
        for kind in KINDS
    }


def said(source: Path, export: Exported, images: np.ndarray = IMAGES) -> np.ndarray:
    """What the network says with the views of its export."""
    return load_model(source, tta=export.preprocessing.tta, precision="fp32").probabilities(images)


@pytest.mark.parametrize("kind", KINDS)
def test_its_runtime_says_what_the_network_says(
    kind: str, exports: dict[str, Exported], sources: dict[str, Path]
):
    run = TARGETS[kind].load(exports[kind].path)
    expected = said(sources[kind], exports[kind])
    for batch in (1, 7, len(IMAGES)):
        found = run(IMAGES[:batch])
        assert found.dtype == np.float32
        limit = 0.25 if "int8" in kind else 1e-5
        assert np.abs(found - expected[:batch]).max() < limit
        assert (found.argmax(1) == LABELS[:batch]).all()


def test_every_format_has_its_name_where_a_wrong_one_is_refused():
    assert kinds.KINDS.keys() == TARGETS.keys()


@pytest.mark.parametrize("kind", KINDS)
def test_the_comparison_lies_beside_it(kind: str, exports: dict[str, Exported]):
    path = exports[kind].path
    beside = path / "check.json" if path.is_dir() else path.with_name(f"{path.name}.check.json")
    found = json.loads(beside.read_text())
    assert found["to"] == kind
    assert found["pictures"] == 180
    assert set(found["largest_difference"]) == {"1", "7", "64"}
    assert found["tta"] == ("flip_shift" if kind == "onnx" else "none")
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    digests = {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in files if f != beside}
    assert found["sha256"] == digests
    assert exports[kind].size_bytes == sum(f.stat().st_size for f in files if f != beside)


def test_an_onnx_file_says_how_a_picture_becomes_its_input(
    exports: dict[str, Exported], model: Path
):
    facts = read_onnx(exports["onnx"].path).facts
    own = read_model(model)
    assert facts.preprocessing == own.preprocessing_with("flip_shift")
    assert facts.preprocessing.shifts
    assert facts.weights_sha256 == own.weights_sha256
    assert facts.about["recipe"] == "tiny"
    graph = onnx.load(exports["onnx"].path).graph
    (given,), (got,) = graph.input, graph.output
    sides = [d.dim_param or d.dim_value for d in given.type.tensor_type.shape.dim]
    assert (given.name, given.type.tensor_type.elem_type) == ("images", onnx.TensorProto.UINT8)
    assert sides[1:] == [SIDE, SIDE, 3]
    assert isinstance(sides[0], str)  # any batch size
    assert got.name == "probabilities"


@pytest.mark.parametrize("kind", ["onnx", "onnx-int8", "torch-export"])
def test_it_names_no_place_of_the_machine_that_made_it(kind: str, exports: dict[str, Exported]):
    content = exports[kind].path.read_bytes()
    assert b"site-packages" not in content
    assert str(Path(thriftnet.__file__).parent).encode() not in content


def test_int8_computes_convolutions_in_int8_and_probabilities_in_fp32(exports: dict[str, Exported]):
    model = onnx.load(exports["onnx-int8"].path)
    onnx.checker.check_model(model)
    kinds = {tensor.data_type for tensor in model.graph.initializer if len(tensor.dims) == 4}
    assert onnx.TensorProto.INT8 in kinds
    makers = {name: node for node in model.graph.node for name in node.output}
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    for node in convolutions:
        assert makers[node.input[0]].op_type == makers[node.input[1]].op_type == "DequantizeLinear"
    assert makers["probabilities"].op_type == "Softmax"


def test_reduced_range_keeps_to_seven_bits(exports: dict[str, Exported]):
    weights = [
        onnx.numpy_helper.to_array(tensor)
        for tensor in onnx.load(exports["onnx-int8"].path).graph.initializer
        if tensor.data_type == onnx.TensorProto.INT8 and len(tensor.dims) == 4
    ]
    assert 32 < max(int(np.abs(w.astype(int)).max()) for w in weights) <= 64


def test_views_become_part_of_the_export_when_asked_for(exports: dict[str, Exported], model: Path):
    found = open_onnx(exports["onnx"].path)(noise(20))
    assert np.abs(found - said(model, exports["onnx"], noise(20))).max() < 1e-5
    assert np.abs(found - said(model, exports["torch-export"], noise(20))).max() > 1e-4


def test_a_program_runs_without_thriftnet(exports: dict[str, Exported], model: Path):
    extra = {"thriftnet.json": ""}
    program = torch.export.load(exports["torch-export"].path, extra_files=extra)
    found = program.module()(torch.from_numpy(IMAGES)).detach().numpy()
    assert np.abs(found - said(model, exports["torch-export"])).max() < 1e-5
    assert json.loads(extra["thriftnet.json"])["preprocessing"]["image_size"] == SIDE


def damaged(path: Path, tmp_path: Path, change) -> str:
    copy = tmp_path / path.name
    copy.write_bytes(change(path.read_bytes()))
    with pytest.raises(RunError) as caught:
        thriftnet.load_model(copy)
    return str(caught.value)


def flipped(content: bytes, at: int) -> bytes:
    changed = bytearray(content)
    changed[at] ^= 1
    return bytes(changed)


@pytest.mark.parametrize("at", [0.1, 0.3, 0.5, 0.7])
def test_a_flipped_bit_of_the_graph_is_noticed(
    at: float, exports: dict[str, Exported], tmp_path: Path
):
    path = exports["onnx"].path
    where = int(at * path.stat().st_size)
    said = damaged(path, tmp_path, lambda content: flipped(content, where))
    assert "is damaged" in said
    assert said.endswith("export it again")


def test_other_damage_is_told_in_one_line(exports: dict[str, Exported], tmp_path: Path):
    path = exports["onnx"].path
    assert "is damaged" in damaged(path, tmp_path, lambda content: content[: len(content) // 2])
    assert "is damaged (it is empty)" in damaged(path, tmp_path, lambda _: b"")
    foreign = onnx.helper.make_model(onnx.helper.make_graph([], "g", [], []))
    content = foreign.SerializeToString()
    assert "thriftnet did not write" in damaged(path, tmp_path, lambda _: content)
    later = path.read_bytes().replace(b"thriftnet-export-1", b"thriftnet-export-9")
    assert "is damaged" in damaged(path, tmp_path, lambda _: later)
    with pytest.raises(RunError, match="cannot be read: No such file"):
        read_onnx(tmp_path / "none.onnx")


@pytest.mark.parametrize("kind", ["onnx", "onnx-int8"])
def test_an_onnx_file_classifies_in_place_of_its_network(
    kind: str, exports: dict[str, Exported], pictures: Path, sources: dict[str, Path]
):
    path = exports[kind].path
    classifier = thriftnet.load_model(path)
    assert classifier.classes == ("cat", "dog", "emu")
    assert classifier.preprocessing == exports[kind].preprocessing
    assert classifier.compute.precision == ("int8" if "int8" in kind else "fp32")
    files = sorted(pictures.rglob("*.png"))[::30]
    found = thriftnet.predict(path, files)
    own = load_model(sources[kind], tta=classifier.tta, precision="fp32").predict_files(files)
    assert [one.label for one in found] == [one.label for one in own]
    gap = max(abs(a.probability - b.probability) for a, b in zip(found, own, strict=True))
    assert gap < (0.25 if "int8" in kind else 1e-5)
    assert len(classifier.probabilities(IMAGES[:0])) == 0
    whole = classifier.probabilities(np.repeat(IMAGES, 20, axis=0))  # more than one pass
    assert len(whole) == 20 * len(IMAGES)


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ({"tta": "flip"}, "has tta flip_shift inside, not flip; leave that out"),
        ({"device": "cuda"}, "has device cpu inside, not cuda"),
        ({"precision": "bf16"}, "has precision fp32 inside, not bf16"),
    ],
    ids=str,
)
def test_what_an_onnx_file_cannot_do_is_refused(
    option: dict[str, str], said: str, exports: dict[str, Exported]
):
    with pytest.raises(RunError, match=said):
        thriftnet.load_model(exports["onnx"].path, **option)
    thriftnet.load_model(exports["onnx"].path, tta="flip_shift", device="cpu", precision="fp32")


@pytest.mark.parametrize("suffix", [".pt2", ".tflite", ".pte", ".html"])
def test_an_export_for_other_programs_is_named(
    suffix: str, exports: dict[str, Exported], tmp_path: Path
):
    path = tmp_path / f"x{suffix}"
    path.write_bytes(exports["torch-export"].path.read_bytes())
    with pytest.raises(RunError, match=f"a {suffix} file, which other programs run"):
        thriftnet.load_model(path)


def test_what_needs_the_network_itself_refuses_an_onnx_file(exports: dict[str, Exported]):
    for use in (thriftnet.evaluate, lambda path: thriftnet.export_model(path, to="folder")):
        with pytest.raises(RunError, match="an ONNX model, which predict runs and nothing else"):
            use(exports["onnx"].path)
