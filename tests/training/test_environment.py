"""What a run says of its environment."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import torch

from thriftnet.runtime.device import choose_compute
from thriftnet.training import environment


def test_shipped_weights_are_not_changes_of_the_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "src" / "thriftnet"
    code = package / "training" / "environment.py"
    shipped = [package / "weights" / name for name in ("quick.safetensors", "quick.md")]
    for path in (code, package / "weights" / "find.py", *shipped):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("first")

    def git(*words: str) -> str:
        who = ["-c", "user.name=a", "-c", "user.email=a@b"]
        command = ["git", *who, *words]
        return subprocess.run(
            command, cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout.strip()

    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "--message", "first")
    monkeypatch.setattr(environment, "__file__", str(code))
    for path in shipped:
        path.write_text("shipped anew")
    assert environment.commit() == git("rev-parse", "HEAD")
    (package / "weights" / "find.py").write_text("changed")
    assert environment.commit() == git("rev-parse", "HEAD") + "+changes"


@pytest.mark.parametrize(
    ("precision", "needed"),
    [("fp32", {"winograd", torch.float32}), ("bf16", {torch.bfloat16})],
    ids=["fp32", "bf16"],
)
def test_a_run_records_whether_the_kernels_of_its_precision_are_compiled(
    precision: str, needed: set[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    compute = choose_compute(device="cpu", precision=precision)
    missing: object = None

    def found(kernel: object) -> object:
        return None if kernel == missing else object()

    monkeypatch.setattr(environment, "fused", found)
    monkeypatch.setattr(environment, "winograd", lambda: found("winograd"))
    for missing in (None, "winograd", torch.float32, torch.bfloat16):
        fuses = environment.describe_environment(compute, {})["fused"]
        assert fuses == (missing not in needed)
