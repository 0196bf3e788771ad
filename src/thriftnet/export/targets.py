"""The export formats, one line each."""

from __future__ import annotations

import difflib

from thriftnet.elsewhere.tables import answer_to
from thriftnet.errors import ExportError
from thriftnet.export.executorch import EXECUTORCH
from thriftnet.export.folder import FOLDER
from thriftnet.export.job import Target
from thriftnet.export.litert import LITERT
from thriftnet.export.onnx_file import ONNX
from thriftnet.export.onnx_int8 import ONNX_INT8
from thriftnet.export.page.target import PAGE, PAGE_FP32
from thriftnet.export.program import TORCH_EXPORT
from thriftnet.extras import require

TARGETS: dict[str, Target] = {
    "onnx": ONNX,
    "onnx-int8": ONNX_INT8,
    "page": PAGE,
    "page-fp32": PAGE_FP32,
    "torch-export": TORCH_EXPORT,
    "litert": LITERT,
    "executorch": EXECUTORCH,
    "folder": FOLDER,
}

_ELSEWHERE = {
    "onnx": "onnxruntime openvino",
    "onnx-int8": "int8 quantised quantized",
    "page": "browser html site web",
    "torch-export": "exported-program pt2 torchscript",
    "litert": "lite tflite",
    "executorch": "pte",
    "folder": "hf hub huggingface safetensors transformers",
}
"""What other libraries call them, or how their files end."""


def choose_target(name: str) -> Target:
    """Look up a target and check that its packages are installed.

    Raises:
        ExportError: The target is unknown, or a package is missing.
    """
    if name not in TARGETS:
        meant = _meant(name)
        hint = f"did you mean {meant}?" if meant else "use one of them"
        raise ExportError(f"--to {name} is not one of {', '.join(TARGETS)}; {hint}")
    target = TARGETS[name]
    require(f"--to {name} needs", *target.packages, extra=target.extra, error=ExportError)
    return target


def _meant(name: str) -> str | None:
    name = name.casefold().lstrip(".").replace("_", "-")
    near = difflib.get_close_matches(name, TARGETS, 1)
    return answer_to(name, _ELSEWHERE) or next(iter(near), None)
