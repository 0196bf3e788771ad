"""Input and description of export writers: ExportJob, Tolerance and Target."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thriftnet.digests import dump_json
from thriftnet.errors import ExportError
from thriftnet.export.graph import ExportedNetwork
from thriftnet.export.measured import Measured
from thriftnet.inference.onnx_runtime import KEY, ExportFacts, Run
from thriftnet.models.preprocessing import Preprocessing
from thriftnet.models.saved import SavedModel
from thriftnet.training.environment import package_version

BATCHES = (1, 7, 64)
"""Batch sizes of the comparison: some exporters freeze the batch or treat a batch of one
differently."""
FACTS_FILE = f"{KEY}.json"
"""Name of the file that describes an export, in formats that hold files."""


@dataclass(frozen=True)
class ExportJob:
    """A network to export."""

    model: SavedModel
    name: str
    """Display name of the network."""
    target: str
    """A key of `TARGETS`."""
    preprocessing: Preprocessing
    """Preprocessing of the export: `tta` is `none` unless views are exported."""
    calibration: NDArray[np.uint8] | None = None
    """(N, H, W, 3) training images to calibrate ranges; for int8 targets only."""
    reduce_range: bool = False
    """Whether int8 weights use 7 bits, for processors without VNNI."""
    measured: Measured | None = None
    """Test accuracy with those views."""

    def network(self) -> ExportedNetwork:
        """Module from bytes (N, H, W, 3) to probabilities (N, classes)."""
        return ExportedNetwork(self.model.network, self.preprocessing)

    def facts(self, *, graph_sha256: str | None = None) -> str:
        """Metadata of the export as JSON with a checksum: an `ExportFacts`."""
        about = {key: value for key, value in self.model.about.items() if key != "card"}
        facts = ExportFacts(
            name=self.name,
            target=self.target,
            precision="fp32" if self.calibration is None else "int8",
            version=package_version(),
            preprocessing=self.preprocessing,
            about=about,
            weights_sha256=self.model.weights_sha256,
            graph_sha256=graph_sha256,
        )
        return dump_json(facts.model_dump(mode="json"))

    def example(self) -> NDArray[np.uint8]:
        """Two pictures for tracing; with one, exporters freeze the batch size."""
        side = self.preprocessing.image_size
        return np.zeros((2, side, side, 3), np.uint8)


@dataclass(frozen=True)
class Tolerance:
    """How far an export may differ from the network in fp32."""

    difference: float | None = None
    """Largest difference of a probability; None: answers and accuracy decide."""
    equal_answers: float = 1.0
    """Lowest share of pictures with the same predicted class."""
    accuracy_drop: float = 0.0
    """Largest loss of accuracy, as a share; with labels and without `difference`."""


EXACT = Tolerance(difference=1e-5)
INT8 = Tolerance(equal_answers=0.985, accuracy_drop=0.005)


@dataclass(frozen=True)
class Target:
    """An export format."""

    about: str
    """Description in one line."""
    suffix: str
    """Suffix of the file; that of a folder begins with a dash."""
    write: Callable[[ExportJob, Path], None]
    """Writes the file or folder; raises ExportError."""
    load: Callable[[Path], Run]
    """Opens the export in its own runtime."""
    limits: Tolerance = EXACT
    batches: tuple[int, ...] = BATCHES
    """Batch sizes of the comparison."""
    others: Mapping[str, Callable[[Path], Run]] = field(default_factory=dict[str, Any])
    """Other runtimes of the same file, by their package; compared where they are installed."""
    packages: tuple[str, ...] = field(default=())
    """Required packages."""
    extra: str = "export"
    """The extra that installs these packages."""
    int8: bool = False
    """Whether it needs training images and supports `reduce_range`."""
    in_fp32: str | None = None
    """The target that keeps the network in fp32, for one that rounds it."""
    or_fp32: bool = False
    """Whether `in_fp32` is made instead where the rounded network answers otherwise: for a target
    whose name promises no precision."""
    folder: bool = False


def unsupported(job: ExportJob, what: str, fault: Exception) -> ExportError:
    """The error for a network that a format does not support."""
    root: BaseException = fault
    while root.__cause__ is not None:  # exporters wrap the cause in advice about themselves
        root = root.__cause__
    reason = next((line.strip() for line in str(root).splitlines() if line.strip()), "")
    return ExportError(
        f"{job.name} has a layer that {what} does not support "
        f"({type(root).__name__}: {reason[:200]}); export it to another --to"
    )
