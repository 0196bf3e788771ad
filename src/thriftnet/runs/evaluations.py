"""The evaluations of a run, keyed by data set, corruption, views and precision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from thriftnet.runs.metrics_log import MetricRecord, is_figure

OWN_TEST = "test"
"""The test images of the run's own data set."""


@dataclass(frozen=True)
class EvaluationKey:
    """Identifies an evaluation. The latest one of each key counts."""

    tta: str
    """A key of `VIEWS`."""
    precision: str
    data: str = OWN_TEST
    """`test`, or the name of another data set."""
    corruption: str = ""
    """Such as `contrast:3`; empty: uncorrupted images."""

    @property
    def is_test(self) -> bool:
        """Whether this is the test accuracy by which runs are listed and compared."""
        return self.data == OWN_TEST and not self.corruption

    def record(self, summary: Mapping[str, Any]) -> MetricRecord:
        """The line of the metrics. A test keeps its older format."""
        if self.is_test:
            key = {"kind": "test", "precision": self.precision, "tta": self.tta}
        else:
            key = {"kind": "evaluation", **vars(self)}
        return {**key, **summary}

    def __str__(self) -> str:
        parts = (self.data, self.corruption, self.tta, self.precision)
        return " ".join(part for part in parts if part)


def latest_evaluations(lines: Iterable[MetricRecord]) -> dict[EvaluationKey, MetricRecord]:
    """The latest evaluation of each key, in order of time.

    Args:
        lines: Of the metrics; damaged evaluations are ignored.
    """
    found: dict[EvaluationKey, MetricRecord] = {}
    for line in lines:
        if line.get("kind") in ("test", "evaluation") and is_figure(line.get("accuracy")):
            key = EvaluationKey(
                tta=str(line.get("tta")),
                precision=str(line.get("precision")),
                data=str(line.get("data", OWN_TEST)),
                corruption=str(line.get("corruption", "")),
            )
            found.pop(key, None)
            found[key] = line
    return found


def latest_tests(lines: Iterable[MetricRecord], *, precision: str) -> dict[str, MetricRecord]:
    """The latest test metrics per kind of views, in a precision."""
    found = latest_evaluations(lines).items()
    return {k.tta: line for k, line in found if k.is_test and k.precision == precision}
