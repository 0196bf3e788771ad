"""A crafted ONNX file, signed as ours, is refused before a runtime sees it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import thriftnet
from own_pictures import put
from thriftnet.digests import dump_json
from thriftnet.errors import RunError
from thriftnet.export.pipeline import export_model
from thriftnet.inference import onnx_classifier
from thriftnet.inference.onnx_runtime import KEY, digest_graph, read_onnx
from tiny_network import tiny_file

Graph = Any
pytestmark = pytest.mark.usefixtures("traced_once")


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported")
    pictures = put(folder / "pictures", {"cat": 4, "dog": 4, "emu": 4})
    path = folder / "tiny.onnx"
    export_model(tiny_file(folder), to="onnx", output=path, calibration=pictures)
    return path


def insert(graph: Graph, *nodes: Any) -> None:
    """Put nodes before the others; the first takes `images`, the last gives `again`."""
    for node in graph.node:
        node.input[:] = ["again" if name == "images" else name for name in node.input]
    others = [*graph.node]
    del graph.node[:]
    graph.node.extend([*nodes, *others])


def loop(graph: Graph) -> None:
    value = helper.make_tensor_value_info("x", TensorProto.UINT8, None)
    inner = helper.make_graph(
        [helper.make_node("Identity", ["c"], ["d"]), helper.make_node("Identity", ["x"], ["y"])],
        "for ever",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("c", TensorProto.BOOL, []),
            value,
        ],
        [
            helper.make_tensor_value_info("d", TensorProto.BOOL, []),
            helper.make_tensor_value_info("y", TensorProto.UINT8, None),
        ],
    )
    insert(graph, helper.make_node("Loop", ["", "", "images"], ["again"], body=inner))


def doubled(graph: Graph) -> None:
    """60 doublings: 2⁶⁰ times the picture."""
    names = ["images", *(f"twice{n}" for n in range(60)), "again"]
    nodes = [helper.make_node("Concat", [a, a], [b], axis=0) for a, b in pairwise(names)]
    insert(graph, *nodes)


def padded(graph: Graph) -> None:
    sizes = np.array([0, 0, 0, 0, 0, 2**40, 0, 0], np.int64)
    graph.initializer.append(numpy_helper.from_array(sizes, "pads"))
    insert(graph, helper.make_node("Pad", ["images", "pads"], ["again"]))


def filled(graph: Graph) -> None:
    shape = numpy_helper.from_array(np.array([2**40], np.int64), "shape")
    graph.initializer.append(shape)
    insert(
        graph,
        helper.make_node("ConstantOfShape", ["shape"], ["huge"]),
        helper.make_node("Identity", ["images"], ["again"]),
    )


def unknown(graph: Graph) -> None:
    """A size that depends on a picture's pixels."""
    graph.initializer.append(numpy_helper.from_array(np.array([0], np.int64), "zero"))
    insert(
        graph,
        helper.make_node("ReduceMax", ["images"], ["most"], keepdims=0),
        helper.make_node("Cast", ["most"], ["long"], to=TensorProto.INT64),
        helper.make_node("Unsqueeze", ["long", "zero"], ["sizes"]),
        helper.make_node("Reshape", ["images", "sizes"], ["again"]),
    )


def elsewhere(graph: Graph) -> None:
    tensor = graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../secret")


def without_input(graph: Graph) -> None:
    del graph.input[:]


def without_output(graph: Graph) -> None:
    del graph.output[:]


def two_outputs(graph: Graph) -> None:
    name = graph.node[0].output[0]
    graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))


def other_type(graph: Graph) -> None:
    graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT


def pixels_given_back(graph: Graph) -> None:
    graph.node[-1].output[0] = "unused"
    graph.node.append(helper.make_node("Cast", ["images"], ["probabilities"], to=TensorProto.FLOAT))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (without_input, "its only input should be images, and it has none"),
        (without_output, "its only output should be probabilities, and it has none"),
        (two_outputs, "its only output should be probabilities, and it has probabilities, "),
        (other_type, "its input images is of another type"),
        (pixels_given_back, "it gives 768 probabilities for 3 classes|its shapes do not fit"),
        (loop, "no export has the operator Loop"),
        (filled, "no export has the operator ConstantOfShape"),
        (doubled, "it joins tensors again and again"),
        (padded, "it expects [0-9,]{15,} numbers for one picture"),
        (unknown, "the size of again is not known|its shapes do not fit"),
        (elsewhere, "its weights are in another file"),
    ],
)
def test_a_crafted_graph_is_refused(
    change: Callable[[Graph], None],
    why: str,
    exported: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = onnx.load(exported)
    facts = read_onnx(exported).facts
    change(model.graph)
    signed = facts.model_copy(update={"graph_sha256": digest_graph(model)})
    helper.set_model_props(model, {KEY: dump_json(signed.model_dump(mode="json"))})
    path = tmp_path / "crafted.onnx"
    path.write_bytes(model.SerializeToString())
    monkeypatch.setattr(onnx_classifier, "open_onnx", None)  # it sees nothing of it
    with pytest.raises(RunError, match=f"did not write its graph .*({why})"):
        thriftnet.load_model(path)


def test_a_graph_that_fails_while_it_runs_is_told_of(exported: Path) -> None:
    classifier = thriftnet.load_model(exported)
    pixels = np.zeros((2, 16, 16, 3), np.uint8)

    def fail(_: object) -> NoReturn:
        raise ValueError("no such node\nat all")

    for run, why in (
        (fail, r"cannot be run \(no such node at all\); export it again"),
        (lambda _: np.ones((1, 3), np.float32), "gives no probabilities; export it again"),
        (lambda _: np.full((2, 3), np.nan, np.float32), "gives no probabilities"),
    ):
        vars(classifier)["_run"] = run
        with pytest.raises(RunError, match=why):
            classifier.probabilities(pixels)


def test_an_export_is_counted_and_opened(exported: Path) -> None:
    found = read_onnx(exported)
    assert 10_000 < found.elements < 1_000_000
    assert found.content == exported.read_bytes()
    assert thriftnet.load_model(exported).classes == ("cat", "dog", "emu")
