"""ONNX files exported by thriftnet: reading their metadata and running them in ONNX Runtime.

onnx and onnxruntime belong to the extra `export` and are imported where needed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from thriftnet.digests import load_json
from thriftnet.errors import RunError
from thriftnet.extras import load
from thriftnet.files import read_bounded
from thriftnet.inference.onnx_graph import INPUT, OUTPUT, GraphError, count_elements
from thriftnet.models.preprocessing import Preprocessing

# ONNX Runtime reads this when it is imported. Otherwise it keeps an identifier of the machine and
# events in the user's cache folder, and sends them to its maker.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

KEY = "thriftnet"
"""Key of `metadata_props` that holds `ExportFacts`."""
_MOST_BYTES = 2**30

Run = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""(N, H, W, 3) uint8 RGB to class probabilities (N, classes)."""


class ExportFacts(BaseModel):
    """Metadata of an export; unknown keys of later versions are ignored."""

    model_config = ConfigDict(frozen=True, strict=True)

    format: Literal["thriftnet-export-1"] = "thriftnet-export-1"
    name: str
    """Name of the shipped weights, the run or the file."""
    target: str
    """A key of `export.targets.TARGETS`."""
    precision: Literal["fp32", "int8"]
    version: str
    """Version of thriftnet that wrote the file."""
    preprocessing: Preprocessing
    about: dict[str, Any]
    """Recipe name, digest and seed of the network."""
    weights_sha256: str | None
    """Digest of the weights it was exported from."""
    graph_sha256: str | None = None
    """Digest of the graph with its weights; None for formats without a separate graph."""


class CheckedOnnx(NamedTuple):
    """An ONNX file that was checked."""

    facts: ExportFacts
    content: bytes
    elements: int
    """Of all tensors of its graph, for one picture."""


def digest_graph(model: Any) -> str:
    """SHA-256 of the graph of an `onnx.ModelProto`: nodes, shapes and weights."""
    return hashlib.sha256(model.graph.SerializeToString(deterministic=True)).hexdigest()


def read_onnx(path: Path) -> CheckedOnnx:
    """Read an exported ONNX file, and check its metadata, its graph and its graph's digest.

    Raises:
        RunError: It is missing, damaged or not an export of thriftnet, or a package is missing.
    """
    onnx = _package("onnx")
    try:
        content = read_bounded(path, most=_MOST_BYTES)
        model = onnx.load_model_from_string(content)
    except OSError as fault:
        raise RunError(f"{path} cannot be read: {fault.strerror}; check the path") from None
    except Exception as fault:  # protobuf raises different classes in each version
        raise _damaged(path, f"it cannot be parsed: {fault}") from None
    if not content:  # a model without anything, to protobuf
        raise _damaged(path, "it is empty")
    text = {prop.key: prop.value for prop in model.metadata_props}.get(KEY)
    if text is None:
        raise RunError(
            f"{path} is an ONNX model that thriftnet did not write; give a run folder, its model "
            "file or an export of thriftnet"
        )
    try:
        load_json(text)
        facts = ExportFacts.model_validate_json(text)
    except ValidationError as fault:
        where = ".".join(map(str, fault.errors()[0]["loc"])) or "metadata"
        raise RunError(
            f"{path} does not match this version of thriftnet ({where}); export it again"
        ) from None
    except (ValueError, RecursionError) as fault:
        raise _damaged(path, f"its metadata: {fault}") from None
    if facts.graph_sha256 != digest_graph(model):
        raise _damaged(path, "its graph does not match its SHA-256")
    try:
        how = facts.preprocessing
        elements = count_elements(onnx, model, side=how.image_size, classes=len(how.classes))
    except GraphError as fault:
        raise RunError(
            f"{path} is not opened, as thriftnet did not write its graph ({_line(fault)}); give a "
            "run folder, its model file or an export of thriftnet"
        ) from None
    return CheckedOnnx(facts, content, elements)


def open_onnx(path: Path, content: bytes | None = None) -> Run:
    """Open a CPU session with as many threads as torch uses.

    Args:
        path: The file.
        content: Its content, if it was read already.

    Raises:
        RunError: ONNX Runtime is missing or refuses the file.
    """
    runtime = _package("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    try:
        session = runtime.InferenceSession(
            str(path) if content is None else content, options, providers=["CPUExecutionProvider"]
        )
    except Exception as fault:  # the runtime has one exception class per status
        raise _damaged(path, f"ONNX Runtime refuses it: {fault}") from None

    def run(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        return session.run([OUTPUT], {INPUT: images})[0]

    return run


def _package(name: str) -> Any:
    return load("an ONNX file needs", name, extra="export", error=RunError)


def _damaged(path: Path, reason: str) -> RunError:
    return RunError(f"{path} is damaged ({_line(reason)}); export it again")


def _line(reason: object) -> str:
    return " ".join(str(reason).split())[:200]
