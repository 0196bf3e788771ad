"""The prediction for one picture, and the result of reading and classifying it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Prediction:
    """The prediction for one image."""

    label: str
    index: int
    """Index of `label` in the network's classes."""
    probability: float
    probabilities: dict[str, float]
    """Probability of every class, most probable first."""
    file: Path | None = None
    """File of the picture, if it was read from one."""
    sure: bool = True
    """Whether `probability` reaches the network's threshold; True without a threshold. Result files
    and responses omit the label otherwise."""
    outlier: bool | None = None
    """Whether the image is unlike those of the training; None if that was not tested. Result files
    omit the label of outliers."""

    @classmethod
    def of(
        cls,
        row: NDArray[np.float32],
        classes: Sequence[str],
        threshold: float | None = None,
        *,
        outlier: bool | None = None,
    ) -> Prediction:
        """A prediction from the class probabilities, in the order of the outputs."""
        order: list[int] = np.argsort(-row, kind="stable").tolist()
        values: list[float] = row.tolist()
        return cls(
            label=classes[order[0]],
            index=order[0],
            probability=values[order[0]],
            probabilities={classes[i]: values[i] for i in order},
            sure=threshold is None or values[order[0]] >= threshold,
            outlier=outlier,
        )

    @property
    def named(self) -> str | None:
        """The label, or None below the threshold and for an outlier."""
        return self.label if self.sure and not self.outlier else None

    def to_json(self) -> dict[str, Any]:
        """JSON values, without the file."""
        tested = {} if self.outlier is None else {"outlier": self.outlier}
        return {
            "label": self.named,
            "index": None if self.named is None else self.index,
            "probability": self.probability,
            "probabilities": self.probabilities,
            **tested,
        }


@dataclass(frozen=True)
class PictureResult:
    """One picture's prediction, or the error that prevented it."""

    name: str
    """The path as given, or `picture 3` if it is not a file."""
    prediction: Prediction | None
    error: str | None
    path: Path | None = None
    """Path of the file, if there is one."""

    def to_json(self) -> dict[str, Any]:
        """JSON values; only `file` and `error` if the picture could not be read."""
        if self.prediction is None:
            return {"file": self.name, "error": self.error}
        return {"file": self.name, **self.prediction.to_json()}
