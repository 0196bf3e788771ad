"""Runs the network by ONNX Runtime and OpenVINO (`pip install 'thriftnet[bench]'`).

Both are optional, so they are imported where used, without types.
"""

from __future__ import annotations

import os
import warnings
from importlib import import_module
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from support.inference_variants import Batch, Read
from thriftnet.export.onnx_int8 import calibration_reader
from thriftnet.models.fold import folded
from thriftnet.models.saved import SavedModel
from thriftnet.runtime.layout import with_layout


def export_onnx(model: SavedModel, path: Path) -> None:
    """Write the folded network as ONNX, for any batch size, and check it at batch 1 and 7.

    Raises:
        RuntimeError: The outputs differ; exporters have had bugs with residual networks.
    """
    network = with_layout(folded(model.network), torch.contiguous_format)
    side = model.image_size
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # internal warnings of the exporter
        torch.onnx.export(
            network,
            (torch.zeros(2, 3, side, side),),
            str(path),
            input_names=["images"],
            output_names=["logits"],
            dynamic_shapes={"images": {0: torch.export.Dim("N", min=1)}},
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    _check(network, path, side)


def _check(network: nn.Module, path: Path, side: int) -> None:
    read = onnxruntime_reader(path)
    for count in (1, 7):
        images = torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(count))
        with torch.no_grad():
            expected = network(images)
        found = read(Batch(np.empty(0, np.uint8), images))
        gap = (found - expected).abs().max().item()
        if gap > 1e-3 * max(1.0, expected.abs().max().item()):
            raise RuntimeError(f"the ONNX file is {gap:.2g} off at batch {count}; do not use it")


def quantise_onnx(
    source: Path, target: Path, images: NDArray[np.float32], *, symmetric: bool = False
) -> None:
    """Write an int8 version: static, weights per channel, ranges from calibration images.

    Args:
        source: The float32 file.
        target: Where to write.
        images: (N, 3, H, W) normalised training images.
        symmetric: Whether activations are int8 around zero, too; else uint8 with a zero point.
    """
    quantization = import_module("onnxruntime.quantization")
    prepared = source.with_suffix(".prepared.onnx")
    import_module("onnxruntime.quantization.shape_inference").quant_pre_process(
        str(source), str(prepared), skip_symbolic_shape=True
    )
    kinds = quantization.QuantType
    quantization.quantize_static(
        str(prepared),
        str(target),
        calibration_reader(quantization, images),
        quant_format=quantization.QuantFormat.QDQ,
        per_channel=True,
        activation_type=kinds.QInt8 if symmetric else kinds.QUInt8,
        weight_type=kinds.QInt8,
    )


def onnxruntime_reader(path: Path) -> Read:
    """Run by ONNX Runtime on the CPU, with as many threads as torch."""
    runtime = import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def read(batch: Batch) -> Tensor:
        return torch.from_numpy(session.run(None, {"images": batch.images.numpy()})[0])

    return read


def openvino_reader(path: Path, *, precision: str) -> Read:
    """Run by OpenVINO on the CPU, with as many threads as torch.

    Args:
        path: An ONNX file, quantised or not.
        precision: `f32` or `bf16`; ignored for quantised files, which run in int8.
    """
    openvino = import_module("openvino")
    options = {
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": str(torch.get_num_threads()),
        "PERFORMANCE_HINT": "LATENCY",
    }
    compiled = openvino.Core().compile_model(str(path), "CPU", options)

    def read(batch: Batch) -> Tensor:
        # A copy: the next call writes over the output.
        return torch.from_numpy(compiled([batch.images.numpy()])[0].copy())

    return read


def engine_variants(
    model: SavedModel, calibration: NDArray[np.float32], folder: Path
) -> tuple[dict[str, Read], list[str]]:
    """All installed engines by name, and the missing packages.

    Args:
        model: The network.
        calibration: (N, 3, H, W) normalised training images.
        folder: For temporary files.
    """
    missing = [name for name in ("onnx", "onnxscript", "onnxruntime") if not _installed(name)]
    if missing:
        return {}, missing
    plain, int8 = folder / "model.onnx", folder / "model.int8.onnx"
    export_onnx(model, plain)
    quantise_onnx(plain, int8, calibration)
    found = {
        "ONNX Runtime fp32": onnxruntime_reader(plain),
        "ONNX Runtime int8": onnxruntime_reader(int8),
    }
    if not _installed("openvino"):
        return found, ["openvino"]
    os.environ.setdefault("OPENVINO_TELEMETRY", "0")
    for precision in ("f32", "bf16"):
        found[f"OpenVINO {precision.replace('f32', 'fp32')}"] = openvino_reader(
            plain, precision=precision
        )
    found["OpenVINO int8"] = openvino_reader(int8, precision="bf16")
    return found, []


def _installed(name: str) -> bool:
    try:
        import_module(name)
    except ImportError:
        return False
    return True
