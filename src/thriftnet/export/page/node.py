"""Runs a written page's network in Node.js with the page's own runtime."""

from __future__ import annotations

import shutil
import subprocess
import weakref
from importlib import resources
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import numpy as np
from numpy.typing import NDArray

from thriftnet.errors import ExportError
from thriftnet.inference.onnx_runtime import Run


def find_node() -> str:
    """The path of Node.js.

    Raises:
        ExportError: Node.js is not installed.
    """
    node = shutil.which("node")
    if node is None:
        raise ExportError(
            "a page is tested in Node.js before it is written; install Node.js (node)"
        )
    return node


def open_page(path: Path) -> Run:
    """Open a page's network with its embedded runtime and model, and nothing from this machine.

    The process ends when the returned function is deleted.

    Raises:
        ExportError: Node.js is not installed, or cannot run the page.
    """
    script = resources.files("thriftnet.export.page") / "assets" / "try_page.mjs"
    node = find_node()
    # A pipe that nobody reads would block Node.js when it is full.
    errors = TemporaryFile()  # noqa: SIM115
    process = subprocess.Popen(
        [node, "--input-type=module", "--eval", script.read_text("utf-8"), "--", str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
    )
    assert process.stdin
    assert process.stdout
    given, said = process.stdin, process.stdout

    def run(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        try:
            given.write(len(images).to_bytes(4, "little") + images.tobytes())
            given.flush()
        except BrokenPipeError:
            raise ExportError(f"Node.js ended: {_last_words(process, errors)}") from None
        size = int.from_bytes(said.read(4), "little")
        content = said.read(size)
        if not size or len(content) < size:
            raise ExportError(f"Node.js ended: {_last_words(process, errors)}")
        return np.frombuffer(content, np.float32).reshape(len(images), -1)

    weakref.finalize(run, _end, process, errors)
    return run


def _last_words(process: subprocess.Popen[bytes], errors: IO[bytes]) -> str:
    process.communicate()
    errors.seek(0)
    lines = errors.read().decode(errors="replace").splitlines()
    faults = [line for line in lines if "Error" in line]
    return (faults or lines or [f"exit status {process.returncode}"])[0][:200]


def _end(process: subprocess.Popen[bytes], errors: IO[bytes]) -> None:
    process.kill()
    process.communicate()
    errors.close()
