"""Our ONNX files, run by OpenVINO on the CPU.

openvino is of the extra of that name, and imported where it is needed.
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
    """A compiled network with as many threads as torch has.

    Args:
        path: Of an ONNX file.
        precision: That of the file. `fp32` stays that; OpenVINO alone would compute in bfloat16
            where the processor can. What is not int8 in a file of `int8` may.

    Returns:
        To be called by several threads, each of which has a request of its own.

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
