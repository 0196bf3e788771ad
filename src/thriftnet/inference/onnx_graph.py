"""Checks the graph of an ONNX file before a runtime sees it.

A file that is given to `predict` or `serve` may come from a stranger. A graph can loop for ever,
read other files, or make a few bytes into more memory than there is, and a runtime does as it says.
So only the operators of our exports are allowed, none of which loops, and each tensor must have a
size that is known before anything runs.
"""

from __future__ import annotations

import math
from typing import Any

OPERATORS = frozenset(
    {"Add", "Cast", "Clip", "Concat", "Constant", "Conv", "DequantizeLinear", "Div", "Equal", "Exp"}
    | {"Expand", "Gather", "Gelu", "Gemm", "Greater", "Identity", "Log", "MatMul", "Max", "MaxPool"}
    | {"Min", "Mul", "Neg", "Pad", "QuantizeLinear", "ReduceMax", "ReduceMean", "ReduceSum", "Relu"}
    | {"Reshape", "Shape", "Sigmoid", "Slice", "Softmax", "Split", "Squeeze", "Sub", "Transpose"}
    | {"Unsqueeze", "Where"}
)
"""Of all exports: every family, activation and kind of views, calibrated or not."""
_MOST_NODES = 10_000
_MOST_JOINED = 2**12
"""Product of the inputs of all Concat nodes: a chain of them doubles a tensor again and again, also
while shapes are inferred."""
_MOST_ELEMENTS = 2**29
"""Of all tensors of a graph together, for one picture: 2 GiB in float32, were all kept."""


class GraphError(ValueError):
    """A graph that no export has."""


INPUT, OUTPUT = "images", "probabilities"
"""The one input and the one output of every export."""


def count_elements(onnx: Any, model: Any, *, side: int, classes: int) -> int:
    """Check a graph, and count the elements of all its tensors for one picture.

    Args:
        onnx: The package.
        model: An `onnx.ModelProto`.
        side: Height and width of its pictures.
        classes: Number of its classes.

    Raises:
        GraphError: It has an operator that no export has, data outside the file, a tensor whose
            size is not known, far more elements than a network of ours, or another input or output.
    """
    _check_operators(onnx, model)
    _check_ends(onnx, model.graph)
    single = onnx.ModelProto()
    single.CopyFrom(model)
    graph = single.graph
    del graph.value_info[:]  # what the file says of itself
    for each in graph.output:
        each.type.ClearField("value")
    shape = graph.input[0].type.tensor_type.shape
    del shape.dim[:]
    for size in (1, side, side, 3):
        shape.dim.add().dim_value = size
    try:
        found = onnx.shape_inference.infer_shapes(
            single, check_type=True, strict_mode=True, data_prop=True
        )
    except Exception as fault:  # its own class, which is no subclass of any
        raise GraphError(f"its shapes do not fit: {fault}") from None
    known = {each.name: _elements(each) for each in (*found.graph.value_info, *found.graph.output)}
    missing = {name for node in graph.node for name in node.output if name} - known.keys()
    if missing:
        raise GraphError(f"the size of {min(missing)} is not known")
    if known[OUTPUT] != classes:
        raise GraphError(f"it gives {known[OUTPUT]:,} probabilities for {classes} classes")
    total = sum(known.values())
    if total > _MOST_ELEMENTS:
        raise GraphError(f"it expects {total:,} numbers for one picture")
    return total


def _check_ends(onnx: Any, graph: Any) -> None:
    """Check that a graph has the input and the output of an export, and no other."""
    ends = (
        ("input", graph.input, INPUT, onnx.TensorProto.UINT8),
        ("output", graph.output, OUTPUT, onnx.TensorProto.FLOAT),
    )
    for what, found, name, kind in ends:
        if [each.name for each in found] != [name]:
            names = ", ".join(each.name for each in found) or "none"
            raise GraphError(f"its only {what} should be {name}, and it has {names}")
        if found[0].type.tensor_type.elem_type != kind:
            raise GraphError(f"its {what} {name} is of another type than an export's")


def _check_operators(onnx: Any, model: Any) -> None:
    graph = model.graph
    if len(graph.node) > _MOST_NODES:
        raise GraphError(f"it has {len(graph.node):,} nodes")
    if math.prod(len(n.input) for n in graph.node if n.op_type == "Concat") > _MOST_JOINED:
        raise GraphError("it joins tensors again and again")
    if model.functions or model.training_info or graph.sparse_initializer:
        raise GraphError("it has functions, training or sparse data")
    strange = {n.op_type for n in graph.node if n.op_type not in OPERATORS or n.domain}
    if strange:
        raise GraphError(f"no export has the operator {min(strange)}")
    tensors = [*graph.initializer]
    for node in graph.node:
        tensors += [attribute.t for attribute in node.attribute if attribute.HasField("t")]
        if any(attribute.HasField("g") or attribute.graphs for attribute in node.attribute):
            raise GraphError(f"{node.op_type} has a graph of its own")
    if any(each.data_location == onnx.TensorProto.EXTERNAL for each in tensors):
        raise GraphError("its weights are in another file")


def _elements(value: Any) -> int:
    """Elements of a tensor.

    Raises:
        GraphError: A dimension is not known, or is none.
    """
    kind = value.type.tensor_type
    sizes = [each.dim_value if each.HasField("dim_value") else -1 for each in kind.shape.dim]
    if not kind.HasField("shape") or min(sizes, default=0) < 0:
        raise GraphError(f"the size of {value.name} is not known")
    return math.prod(sizes)
