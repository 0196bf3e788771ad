"""LiteRT, once TensorFlow Lite: a .tflite file for telephones and small computers.

litert-torch and ai-edge-litert, of the extra `litert`, are imported where they are needed.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from thriftnet.errors import ExportError
from thriftnet.export.job import FACTS_FILE, ExportJob, Target, unsupported
from thriftnet.export.silence import silent, silent_descriptors
from thriftnet.extras import load
from thriftnet.inference.onnx_runtime import Run

PACKAGES = ("litert_torch", "ai_edge_litert")


class _Named(nn.Module):
    """Gives the output its name; LiteRT takes it from the key of a dictionary."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        return {"probabilities": self.network(images)}


def write_litert(job: ExportJob, path: Path) -> None:
    """Write a network for one picture as a .tflite file.

    What it is lies in a zip archive behind it, where LiteRT's own tools put lists of labels:
    `unzip -p FILE thriftnet.json` shows it. For any number of pictures, the converter fails at each
    operation that broadcasts over them.

    Raises:
        ExportError: A layer has no operator in LiteRT.
    """
    with silent(), silent_descriptors():
        converter = load("--to litert needs", "litert_torch", extra="litert", error=ExportError)
        shown, converter.config.show_progress = converter.config.show_progress, False
        try:
            model = converter.convert(
                _Named(job.network()).eval(),
                sample_kwargs={"images": torch.from_numpy(job.example()[:1])},
            )
            model.export(str(path))
        except Exception as fault:  # torch's exporter raises nearly anything, and so does MLIR
            raise unsupported(job, "LiteRT", fault) from None
        finally:
            converter.config.show_progress = shown
    with zipfile.ZipFile(path, "a") as behind:
        behind.writestr(zipfile.ZipInfo(FACTS_FILE), job.facts())


def open_litert(path: Path) -> Run:
    """An interpreter on the CPU with as many threads as torch has; a picture at a time."""
    package = "ai_edge_litert.interpreter"
    runtime = load("a LiteRT file needs", package, extra="litert", error=ExportError)
    with silent_descriptors():  # it tells of its delegate
        interpreter = runtime.Interpreter(str(path), num_threads=torch.get_num_threads())
        interpreter.allocate_tensors()
        signature = interpreter.get_signature_runner()

    def run(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        each = (signature(images=picture[None])["probabilities"] for picture in images)
        return np.concatenate(list(each))

    return run


LITERT = Target(
    about="LiteRT in fp32, for phones and embedded devices",
    suffix=".tflite",
    write=write_litert,
    load=open_litert,
    batches=(1,),
    packages=PACKAGES,
    extra="litert",
)
