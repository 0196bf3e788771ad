"""`torch.export`: a .pt2 file for PyTorch without thriftnet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from thriftnet.export.job import FACTS_FILE, ExportJob, Target, unsupported
from thriftnet.export.silence import silent
from thriftnet.inference.onnx_runtime import Run


def write_program(job: ExportJob, path: Path) -> None:
    """Write a network as a program of `torch.export`, with metadata in an extra file.

    Raises:
        ExportError: A layer cannot be traced.
    """
    with silent():
        try:
            program = torch.export.export(
                job.network(),
                (torch.from_numpy(job.example()),),
                dynamic_shapes={"images": {0: torch.export.Dim("batch", min=1)}},
            )
            _forget_places(program)
            torch.export.save(program, str(path), extra_files={FACTS_FILE: job.facts()})
        except Exception as fault:  # torch's exporter raises many types
            raise unsupported(job, "torch.export", fault) from None


def _forget_places(program: torch.export.ExportedProgram) -> None:
    """Remove the notes at nodes that have paths of the exporting machine."""
    for module in program.graph_module.modules():
        for node in module.graph.nodes if isinstance(module, torch.fx.GraphModule) else ():
            node.meta.pop("stack_trace", None)


def open_program(path: Path) -> Run:
    """Load the program with `torch.export.load` and run it eagerly."""
    with silent():
        network = torch.export.load(str(path)).module()

    def run(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        with torch.no_grad():
            return network(torch.from_numpy(images)).numpy()

    return run


TORCH_EXPORT = Target(
    about="PyTorch's .pt2, for torch.export.load",
    suffix=".pt2",
    write=write_program,
    load=open_program,
)
