"""What a network says of a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Prediction:
    """What a network says of one image."""

    label: str
    index: int
    """Of the label among the network's classes."""
    probability: float
    probabilities: dict[str, float]
    """Of every class, most probable first."""
    file: Path | None = None
    """The picture's, where it was read from one."""
    sure: bool = True
    """Whether the label is at least as probable as the network's threshold, if it has one. What is
    written and sent names no class where it is not."""

    @classmethod
    def of(
        cls, row: NDArray[np.float32], classes: Sequence[str], threshold: float | None = None
    ) -> Prediction:
        """A prediction by the probability of each class, in the order of the outputs."""
        order: list[int] = np.argsort(-row, kind="stable").tolist()
        values: list[float] = row.tolist()
        return cls(
            label=classes[order[0]],
            index=order[0],
            probability=values[order[0]],
            probabilities={classes[i]: values[i] for i in order},
            sure=threshold is None or values[order[0]] >= threshold,
        )

    @property
    def named(self) -> str | None:
        """The label, or none where the network is not sure enough."""
        return self.label if self.sure else None

    def to_json(self) -> dict[str, Any]:
        """Plain values, without the file."""
        return {
            "label": self.named,
            "index": self.index if self.sure else None,
            "probability": self.probability,
            "probabilities": self.probabilities,
        }


@dataclass(frozen=True)
class PictureResult:
    """One picture's prediction, or why there is none."""

    name: str
    """Its file's path as given; `picture 3` of what is no file."""
    prediction: Prediction | None
    error: str | None
    path: Path | None = None
    """Its file's, where there is one."""

    def to_json(self) -> dict[str, Any]:
        """Plain values; a picture that could not be read has `error` alone."""
        if self.prediction is None:
            return {"file": self.name, "error": self.error}
        return {"file": self.name, **self.prediction.to_json()}
