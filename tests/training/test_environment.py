"""What a run says of its environment."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

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


@pytest.mark.parametrize(("precision", "other"), [("fp32", "fused"), ("bf16", "winograd")])
def test_a_run_records_whether_the_kernels_of_its_precision_are_compiled(
    precision: str, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compute = choose_compute(device="cpu", precision=precision)
    for name in ("fused", "winograd"):
        monkeypatch.setattr(environment, name, lambda: object())
    assert environment.describe_environment(compute, {})["fused"] is True
    monkeypatch.setattr(environment, other, lambda: None)
    assert environment.describe_environment(compute, {})["fused"] is True
    for name in ("fused", "winograd"):
        monkeypatch.setattr(environment, name, lambda: None)
    assert environment.describe_environment(compute, {})["fused"] is False
