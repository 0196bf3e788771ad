"""The export formats, one line each."""

from __future__ import annotations

from thriftnet.errors import ExportError
from thriftnet.export.executorch import EXECUTORCH
from thriftnet.export.folder import FOLDER
from thriftnet.export.job import Target
from thriftnet.export.kinds import check_kind
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


def choose_target(name: str) -> Target:
    """Look up a target and check that its packages are installed.

    Raises:
        ExportError: The target is unknown, or a package is missing.
    """
    check_kind(name)
    target = TARGETS[name]
    require(f"--to {name} needs", *target.packages, extra=target.extra, error=ExportError)
    return target
