"""Runs exported ONNX files in OpenVINO on the CPU.

openvino belongs to the extra of that name and is imported where needed.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from thriftnet.errors import RunError
from thriftnet.extras import load
from thriftnet.inference.onnx_runtime import Run


def open_openvino(path: Path, *, precision: str) -> Run:
    """Compile a network for as many threads as torch uses.

    Args:
        path: The ONNX file.
        precision: Precision of the file. With `fp32`, OpenVINO is kept from computing in bfloat16,
            which it would if the processor can; in an `int8` file, the other layers may use it.

    Returns:
        A function that several threads may call at once.

    Raises:
        RunError: OpenVINO is missing or refuses the file.
    """
    openvino = load("--runtime openvino needs", "openvino", extra="openvino", error=RunError)
    options = {
        "INFERENCE_NUM_THREADS": str(torch.get_num_threads()),
        "PERFORMANCE_HINT": "LATENCY",
    }
    if precision == "fp32":
        options["INFERENCE_PRECISION_HINT"] = "f32"
    try:
        compiled = openvino.Core().compile_model(str(path), "CPU", options)
    except Exception as fault:  # RuntimeErrors of many lines
        reason = " ".join(str(fault).split())[:200]
        raise RunError(f"OpenVINO refuses {path} ({reason}); leave out --runtime") from None
    own: Any = threading.local()

    def run(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        if not hasattr(own, "request"):
            own.request = compiled.create_infer_request()
        return own.request.infer({"images": images}, share_inputs=True)["probabilities"]

    return run
