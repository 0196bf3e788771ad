"""Networks that tests export are traced once in a process, and parts of pages packed once."""

from __future__ import annotations

import functools
import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from thriftnet.export.job import ExportJob


@pytest.fixture(scope="session")
def traced_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Equal weights with equal preprocessing have one trace, which takes most of an export."""
    import onnx
    from torch.onnx._internal.exporter._registration import ONNXRegistry

    from thriftnet.export import onnx_file, onnx_int8
    from thriftnet.export.page import template

    trace, folder = onnx_file.trace_onnx, tmp_path_factory.mktemp("traced")

    def traced(job: ExportJob, path: Path) -> Any:
        weights = job.model.weights_sha256
        if weights is None:
            return trace(job, path)
        key = weights + job.preprocessing.model_dump_json()
        kept = folder / f"{hashlib.sha256(key.encode()).hexdigest()}.onnx"
        if not kept.exists():
            trace(job, kept)
        shutil.copy(kept, path)
        return onnx.load(path)

    with pytest.MonkeyPatch.context() as patch:
        # From the source of 497 functions, for a second of each export.
        operators = functools.cache(ONNXRegistry.from_torchlib)
        patch.setattr(ONNXRegistry, "from_torchlib", staticmethod(operators))
        # Every page has the same runtime, of ten megabytes.
        patch.setattr(template, "_embed", functools.lru_cache(8)(template._embed))
        for module in (onnx_file, onnx_int8):
            patch.setattr(module, "trace_onnx", traced)
        yield
