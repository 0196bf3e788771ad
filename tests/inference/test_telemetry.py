"""What classifies pictures offline tells nobody."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_onnx_runtime_keeps_and_sends_no_events(tmp_path: Path):
    """It writes an identifier of the machine when it is imported, unless it is told not to."""
    names = ("ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME")
    kept = {name: value for name, value in os.environ.items() if name not in names}
    code = "import thriftnet.inference.onnx_runtime, onnxruntime; onnxruntime.SessionOptions()"
    subprocess.run([sys.executable, "-c", code], env=kept | {"HOME": str(tmp_path)}, check=True)
    assert [path for path in tmp_path.rglob("*") if "onnx" in path.name.casefold()] == []
