"""ExecuTorch: a .pte file for PyTorch's own runtime on telephones, computed by XNNPACK.

executorch, of the extra of that name, is imported where it is needed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from thriftnet.errors import ExportError
from thriftnet.export.job import BATCHES, ExportJob, Target, unsupported
from thriftnet.export.silence import silent, silent_descriptors
from thriftnet.extras import load
from thriftnet.files import write_whole
from thriftnet.inference.onnx_runtime import KEY, Run

MOST_PICTURES = max(BATCHES)
"""Of a batch: a program's memory is planned when it is written."""


def write_executorch(job: ExportJob, path: Path) -> None:
    """Write a network as a .pte file; its method `thriftnet` gives what it is.

    Raises:
        ExportError: A layer has no operator in ExecuTorch.
    """
    batch = torch.export.Dim("batch", min=1, max=MOST_PICTURES)
    # PyTorch has another convolution from 16 pictures on. Traced with fewer, 15 would be the most.
    example = np.repeat(job.example()[:1], MOST_PICTURES, axis=0)
    with silent(), silent_descriptors():
        exir = _package("exir")
        xnnpack = _package("backends.xnnpack.partition.xnnpack_partitioner")
        try:
            program = torch.export.export(
                job.network(),
                (torch.from_numpy(example),),
                dynamic_shapes={"images": {0: batch}},
            )
            lowered = exir.to_edge_transform_and_lower(
                program,
                partitioner=[xnnpack.XnnpackPartitioner()],
                constant_methods={KEY: job.facts()},
            )
            content: bytes = lowered.to_executorch().buffer
        except Exception as fault:  # torch's exporter raises nearly anything
            raise unsupported(job, "ExecuTorch", fault) from None
    write_whole(path, content, error=ExportError)


def open_executorch(path: Path) -> Run:
    """The program in ExecuTorch's runtime on the CPU."""
    with silent(), silent_descriptors():
        program = _package("runtime").Runtime.get().load_program(path.read_bytes())
        program.load_method("forward")  # the first one tells of the processor

    def run(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        method = program.load_method("forward")  # the same each time; it does not keep its program
        (found,) = method.execute([torch.from_numpy(np.ascontiguousarray(images))])
        return found.numpy()

    return run


def _package(name: str) -> Any:
    user = "--to executorch needs"
    return load(user, f"executorch.{name}", extra="executorch", error=ExportError)


EXECUTORCH = Target(
    about="ExecuTorch in fp32, for phones",
    suffix=".pte",
    write=write_executorch,
    load=open_executorch,
    packages=("executorch",),
    extra="executorch",
)
