"""Exports a trained network as a page that contains its ONNX file and the runtime."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from thriftnet.errors import ExportError
from thriftnet.export.job import INT8, ExportJob, Target
from thriftnet.export.onnx_file import PACKAGES, write_onnx
from thriftnet.export.onnx_int8 import write_int8
from thriftnet.export.page.facts import page_facts
from thriftnet.export.page.node import find_node, open_page
from thriftnet.export.page.runtime import LICENCE, PACKAGE, WebRuntime, web_runtime
from thriftnet.export.page.template import DECODING, PageEngine, render, scripts
from thriftnet.files import write_whole
from thriftnet.plain import to_stderr


def write_page(job: ExportJob, path: Path, *, precision: str) -> None:
    """Write a network as a page.

    Args:
        job: The network.
        path: The HTML file.
        precision: `int8` or `fp32`.

    Raises:
        ExportError: The runtime cannot be downloaded, Node.js is not installed, or a layer has no
            operator in ONNX.
    """
    find_node()
    runtime = web_runtime(to_stderr)
    with TemporaryDirectory(prefix="thriftnet-") as folder:
        model = Path(folder, "model.onnx")
        (write_int8 if precision == "int8" else write_onnx)(job, model)
        facts = page_facts(
            job.model,
            job.preprocessing,
            name=job.name,
            weights=precision,
            measured=job.measured,
        )
        content = render(facts, wasm_engine(runtime, model.read_bytes()))
    write_whole(path, content, error=ExportError)


def wasm_engine(runtime: WebRuntime, model: bytes) -> PageEngine:
    """Make an engine that needs nothing but the page.

    Args:
        runtime: Runs the network.
        model: An ONNX file: bytes (N, H, W, 3) to probabilities (N, classes).
    """
    return PageEngine(
        scripts=scripts(*DECODING, "wasm.js"),
        whereabouts="Your pictures stay in this browser: the page works offline.",
        script_sources="blob: 'wasm-unsafe-eval'",
        embedded={"code": runtime.code, "wasm": runtime.wasm, "model": model},
        licence_of=f"Licence of {PACKAGE.name.replace('@', ' ')}, which runs the network",
        licence=LICENCE,
    )


PAGE = Target(
    about="one HTML file that classifies offline, in int8",
    suffix=".html",
    write=partial(write_page, precision="int8"),
    load=open_page,
    limits=INT8,
    batches=(1,),  # a page classifies one picture at a time
    packages=PACKAGES,
    int8=True,
    in_fp32="page-fp32",
    or_fp32=True,
)
PAGE_FP32 = Target(
    about="one HTML file that classifies offline, in fp32",
    suffix=".fp32.html",
    write=partial(write_page, precision="fp32"),
    load=open_page,
    batches=(1,),
    packages=PACKAGES,
)
