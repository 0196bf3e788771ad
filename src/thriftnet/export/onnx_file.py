"""ONNX in fp32: the folded network, any batch size, with the preprocessing in its metadata."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from thriftnet.errors import ExportError
from thriftnet.export.job import ExportJob, Target, unsupported
from thriftnet.export.silence import silent
from thriftnet.files import write_whole
from thriftnet.inference.onnx_runtime import KEY, digest_graph, open_onnx
from thriftnet.inference.openvino_runtime import open_openvino

OPSET = 20
"""The first opset with Gelu as one operator; supported since ONNX Runtime 1.18."""
PACKAGES = ("onnx", "onnxscript", "onnxruntime")


def write_onnx(job: ExportJob, path: Path) -> None:
    """Write a network as ONNX.

    Raises:
        ExportError: A layer has no operator in ONNX.
    """
    save_onnx(job, trace_onnx(job, path), path)


def trace_onnx(job: ExportJob, path: Path) -> Any:
    """Trace a network as an `onnx.ModelProto`, without our metadata.

    Args:
        job: The network to export.
        path: Scratch file for the exporter.

    Raises:
        ExportError: A layer has no operator in ONNX.
    """
    with silent():
        try:
            torch.onnx.export(
                job.network(),
                (torch.from_numpy(job.example()),),
                str(path),
                input_names=["images"],
                output_names=["probabilities"],
                dynamic_shapes={"images": {0: torch.export.Dim("batch", min=1)}},
                opset_version=OPSET,
                dynamo=True,
                external_data=False,
                verbose=False,
            )
        except Exception as fault:  # torch's exporter raises many types
            raise unsupported(job, "ONNX", fault) from None
    return import_module("onnx").load(str(path))


def save_onnx(job: ExportJob, model: Any, path: Path) -> None:
    """Write an `onnx.ModelProto` with our metadata.

    The exporter's notes at nodes are removed: they contain paths of the exporting machine.
    """
    graph = model.graph
    for each in (graph, *graph.node, *graph.input, *graph.output, *graph.value_info):
        del each.metadata_props[:]
    for each in graph.initializer:
        del each.metadata_props[:]
    graph.name = job.name
    helper = import_module("onnx").helper
    helper.set_model_props(model, {KEY: job.facts(graph_sha256=digest_graph(model))})
    write_whole(path, model.SerializeToString(deterministic=True), error=ExportError)


ONNX = Target(
    about="ONNX in fp32",
    suffix=".onnx",
    write=write_onnx,
    load=open_onnx,
    others={"openvino": partial(open_openvino, precision="fp32")},
    packages=PACKAGES,
)
