"""ONNX in int8: static QDQ, weights per channel, ranges from training images."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from numpy.typing import NDArray

from thriftnet.export.job import INT8, ExportJob, Target, unsupported
from thriftnet.export.onnx_file import PACKAGES, save_onnx, trace_onnx
from thriftnet.export.silence import silent
from thriftnet.inference.onnx_runtime import open_onnx
from thriftnet.inference.openvino_runtime import open_openvino

_AT_ONCE = 64
_OPERATORS = ["Conv", "Gemm", "MatMul", "MaxPool"]
"""Operators computed in int8. Sums of branches would lose accuracy and save no time; Softmax would
give multiples of 1/256."""


def write_int8(job: ExportJob, path: Path) -> None:
    """Write a network as ONNX with convolutions and matrix products in int8.

    Activations are uint8: int8 takes twice the time on processors without instructions for it.

    Raises:
        ExportError: A layer has no operator in ONNX.
    """
    assert job.calibration is not None
    with TemporaryDirectory(prefix="thriftnet-") as folder:
        plain, quantised = Path(folder, "plain.onnx"), Path(folder, "int8.onnx")
        model = trace_onnx(job, plain)
        with silent():
            try:
                _quantise(job, plain, quantised, exclude=_outside(model))
            except Exception as fault:  # the quantiser raises many types
                raise unsupported(job, "static quantisation", fault) from None
        save_onnx(job, import_module("onnx").load(str(quantised)), path)


def _quantise(job: ExportJob, plain: Path, quantised: Path, *, exclude: list[str]) -> None:
    quantization = import_module("onnxruntime.quantization")
    shapes = import_module("onnxruntime.quantization.shape_inference")
    prepared = plain.with_name("prepared.onnx")
    shapes.quant_pre_process(
        str(plain), str(prepared), skip_symbolic_shape=True, skip_optimization=True
    )
    kinds = quantization.QuantType
    assert job.calibration is not None
    quantization.quantize_static(
        str(prepared),
        str(quantised),
        calibration_reader(quantization, job.calibration),
        quant_format=quantization.QuantFormat.QDQ,
        op_types_to_quantize=_OPERATORS,
        nodes_to_exclude=exclude,
        per_channel=True,
        reduce_range=job.reduce_range,
        activation_type=kinds.QUInt8,
        weight_type=kinds.QInt8,
    )


def _outside(model: Any) -> list[str]:
    """Names of the nodes before the first convolution: normalisation and views stay in fp32."""
    names: list[str] = []
    for node in model.graph.node:  # in execution order
        if node.op_type == "Conv":
            break
        names.append(node.name)
    return names


def calibration_reader(quantization: Any, images: NDArray[Any]) -> Any:
    """A reader of calibration images for ONNX Runtime's quantiser, batch by batch.

    Args:
        quantization: The module `onnxruntime.quantization`.
        images: (N, ...) for the graph's input `images`.
    """

    class Reader(quantization.CalibrationDataReader):
        def __init__(self) -> None:
            starts = range(0, len(images), _AT_ONCE)
            self.parts: Iterator[NDArray[Any]] = (images[i : i + _AT_ONCE] for i in starts)

        def get_next(self) -> dict[str, NDArray[Any]] | None:
            part = next(self.parts, None)
            return None if part is None else {"images": part}

    return Reader()


ONNX_INT8 = Target(
    about="ONNX in int8, ranges from training images",
    suffix=".int8.onnx",
    write=write_int8,
    load=open_onnx,
    others={"openvino": partial(open_openvino, precision="int8")},
    limits=INT8,
    packages=PACKAGES,
    int8=True,
    in_fp32="onnx",
)
