"""The commit that a run names is of the code alone."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

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
