"""What the writers of exports are given, and what they give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from thriftnet.digests import dump_json
from thriftnet.errors import ExportError
from thriftnet.export.graph import ExportedNetwork
from thriftnet.inference.onnx_runtime import ExportFacts, Run
from thriftnet.models.preprocessing import Preprocessing
from thriftnet.models.saved import SavedModel
from thriftnet.training.environment import package_version

BATCHES = (1, 7, 64)
"""Exporters have frozen the batch, and taken a batch of one apart."""


@dataclass(frozen=True)
class Job:
    """A network on its way to a file."""

    model: SavedModel
    name: str
    """Of the network, for people."""
    target: str
    """A key of `TARGETS`."""
    preprocessing: Preprocessing
    """Of the export: `tta` is `none` unless the views are to be part of it."""
    calibration: NDArray[np.uint8] | None = None
    """(N, H, W, 3) training images that ranges are taken from; for int8 targets alone."""
    reduce_range: bool = False
    """Whether int8 weights keep to 7 bits, for processors without VNNI."""

    def network(self) -> ExportedNetwork:
        """Bytes (N, H, W, 3) to probabilities (N, classes)."""
        return ExportedNetwork(self.model.network, self.preprocessing)

    def facts(self, *, graph_sha256: str | None = None) -> str:
        """What the export says of itself, as JSON with a checksum: an `ExportFacts`."""
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
        """Two pictures to trace with: of one, exporters freeze the batch."""
        side = self.preprocessing.image_size
        return np.zeros((2, side, side, 3), np.uint8)


@dataclass(frozen=True)
class Limits:
    """How far an export may differ from the network in fp32."""

    difference: float | None = None
    """Largest of a probability; none: answers and accuracy decide."""
    equal_answers: float = 1.0
    """Least share of pictures of which both say the same class."""
    accuracy_drop: float = 0.0
    """Largest, as a share; where labels are known and `difference` is none."""


EXACT = Limits(difference=1e-5)
INT8 = Limits(equal_answers=0.985, accuracy_drop=0.005)


@dataclass(frozen=True)
class Target:
    """A kind of file that a network can be exported to."""

    about: str
    """One line for people."""
    suffix: str
    """Of the file; a folder's begins with a dash."""
    write: Callable[[Job, Path], None]
    """Writes the file or folder; raises ExportError."""
    load: Callable[[Path], Run]
    """Opens it in its own runtime."""
    limits: Limits = EXACT
    batches: tuple[int, ...] = BATCHES
    """Sizes at which it is compared."""
    packages: tuple[str, ...] = field(default=())
    """That have to be installed."""
    extra: str = "export"
    """Which has these packages."""
    int8: bool = False
    """Whether it needs training images, and knows `reduce_range`."""
    folder: bool = False


def unsupported(job: Job, what: str, fault: Exception) -> ExportError:
    """The one line for a network that a format cannot hold."""
    root: BaseException = fault
    while root.__cause__ is not None:  # exporters wrap what went wrong in advice on themselves
        root = root.__cause__
    reason = next((line.strip() for line in str(root).splitlines() if line.strip()), "")
    return ExportError(
        f"{job.name} has a layer that {what} does not support "
        f"({type(root).__name__}: {reason[:200]}); export it to another --to"
    )
