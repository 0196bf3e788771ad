"""An exported ONNX file behind the interface of `Classifier`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from thriftnet.errors import RunError
from thriftnet.inference.classifier import Classifier
from thriftnet.inference.onnx_runtime import open_onnx, read_onnx
from thriftnet.inference.openvino_runtime import open_openvino
from thriftnet.models.preprocessing import Preprocessing
from thriftnet.runtime.device import Compute
from thriftnet.runtime.resize import as_pixels

_AT_ONCE = 250
"""Limit of pictures that are run at once, ..."""
_MOST_ELEMENTS = 2**30
"""... and of the numbers in all tensors of the graph for them."""

RUNTIMES = ("onnxruntime", "openvino")
"""Runtimes of ONNX files; the first is the default."""


class OnnxClassifier(Classifier):
    """An ONNX file exported by thriftnet, run by ONNX Runtime or OpenVINO on the CPU.

    It has no `model`; views and precision are those of the export.

    Args:
        path: The ONNX file.
        tta: None, or the views it was exported with.
        device: `auto` or `cpu`.
        precision: `auto`, or the file's precision: `fp32` or `int8`.
        runtime: One of `RUNTIMES`; None: the first.

    Raises:
        RunError: The file is damaged or not an export of thriftnet, a package is missing, the
            runtime is not known, or views or precision differ from the file's.
    """

    def __init__(
        self,
        path: Path,
        *,
        tta: str | None = None,
        device: str = "auto",
        precision: str = "auto",
        runtime: str | None = None,
    ) -> None:
        check_runtime(runtime)
        self._path = path
        self.facts, content, elements = read_onnx(path)
        self._at_once = max(1, min(_AT_ONCE, _MOST_ELEMENTS // max(1, elements)))
        own = {
            "tta": (tta, (None, self.facts.preprocessing.tta)),
            "device": (device, ("auto", "cpu")),
            "precision": (precision, ("auto", self.facts.precision)),
        }
        for option, (value, possible) in own.items():
            if value not in possible:
                raise RunError(
                    f"{path} has {option} {possible[1]} inside, not {value}; leave that out, or "
                    "give the model file"
                )
        self.tta = self.facts.preprocessing.tta
        self.compute = Compute(torch.device("cpu"), self.facts.precision)
        if runtime == "openvino":
            self.runtime = runtime
            self._run = open_openvino(path, precision=self.facts.precision)
        else:
            self._run = open_onnx(path, content)

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names, in the order of the outputs."""
        return self.facts.preprocessing.classes

    @property
    def preprocessing(self) -> Preprocessing:
        """The preprocessing contract in the file."""
        return self.facts.preprocessing

    @property
    def digest(self) -> str:
        """SHA-256 of the graph; int8 predicts differently than the weights it was made from."""
        return self.facts.graph_sha256 or ""

    def _probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        side = self.preprocessing.image_size
        pixels = as_pixels(images, side).permute(0, 2, 3, 1).contiguous().numpy()
        starts = range(0, len(pixels), self._at_once)
        parts = [pixels[at : at + self._at_once] for at in starts]
        return np.concatenate([self._checked(part) for part in parts])

    def _checked(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Run the graph on (N, S, S, 3) pixels.

        Raises:
            RunError: It fails, or gives no probabilities for each picture.
        """
        try:
            found = self._run(pixels)
        except Exception as fault:  # every runtime has its own errors
            reason = " ".join(str(fault).split())[:200]
            raise RunError(f"{self._path} cannot be run ({reason}); export it again") from None
        if found.shape != (len(pixels), len(self.classes)) or not np.isfinite(found).all():
            raise RunError(f"{self._path} gives no probabilities; export it again")
        return found


def check_runtime(name: str | None) -> None:
    """Check that a runtime is known.

    Raises:
        RunError: It is unknown.
    """
    if name is not None and name not in RUNTIMES:
        raise RunError(f"--runtime {name} is not one of {', '.join(RUNTIMES)}; use one of them")
