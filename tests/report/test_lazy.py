"""What a command that draws nothing must not wait for."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("words", [["--help"], ["report", "--help"], ["recipes"]])
def test_help_imports_neither_torch_nor_what_draws(words: list[str]):
    code = (
        "import sys\nfrom thriftnet.cli import app\n"
        f"app({words!r}, standalone_mode=False)\n"
        "print({'torch', 'matplotlib', 'jinja2', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "set()"


def test_python_interface_imports_what_takes_long_where_it_is_used():
    late = {"matplotlib", "scipy", "optuna", "sqlalchemy", "pyarrow", "onnx", "fastapi"}
    code = f"import sys, thriftnet; thriftnet.write_report; print({late} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True
    )
    assert done.stdout.strip() == "set()", done.stderr
