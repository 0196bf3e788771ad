"""What is wrong is refused before PyTorch is loaded, which takes many seconds on a busy machine."""

import subprocess
import sys

import pytest

PROGRAM = """
import contextlib, sys
from thriftnet.cli import app
from thriftnet.errors import ThriftnetError
with contextlib.suppress(ThriftnetError):
    app(sys.argv[1:], standalone_mode=False)
    print("not refused")
print("torch" in sys.modules)
"""


@pytest.mark.parametrize(
    "words",
    [
        ["train", "quik"],
        ["train", "--epochs", "x"],
        ["describe", "quik"],
        ["audit", "nowhere"],
        ["inspect", "nowhere"],
        ["bench", "--recipe", "quik"],
    ],
    ids=" ".join,
)
def test_without_torch(words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words], capture_output=True, text=True, check=False
    )
    assert done.stdout == "False\n", done.stderr
