"""The names of the export formats; needs no PyTorch, so that a wrong one is refused at once."""

from __future__ import annotations

import difflib

from thriftnet.elsewhere.tables import answer_to
from thriftnet.errors import ExportError

KINDS = {
    "onnx": "onnxruntime openvino",
    "onnx-int8": "int8 quantised quantized",
    "page": "browser html site web",
    "page-fp32": "",
    "torch-export": "exported-program pt2 torchscript",
    "litert": "lite tflite",
    "executorch": "pte",
    "folder": "hf hub huggingface safetensors transformers",
}
"""Each with what other libraries call it, or how its files end; the formats: `targets.TARGETS`."""


def check_kind(name: str) -> None:
    """Refuse what is not one of `KINDS`, and name the one that is probably meant.

    Raises:
        ExportError: It is none of them.
    """
    if name in KINDS:
        return
    meant = _meant(name)
    hint = f"did you mean {meant}?" if meant else "use one of them"
    raise ExportError(f"--to {name} is not one of {', '.join(KINDS)}; {hint}")


def _meant(name: str) -> str | None:
    name = name.casefold().lstrip(".").replace("_", "-")
    near = difflib.get_close_matches(name, KINDS, 1)
    return answer_to(name, KINDS) or next(iter(near), None)
