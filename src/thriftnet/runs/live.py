"""The state of a run, read from its folder during or after training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thriftnet.runs.folder import RunFolder
from thriftnet.runs.metrics_log import MetricRecord, has_figures, is_figure
from thriftnet.runs.state import run_state
from thriftnet.runs.status import is_recent

_EPOCH = frozenset(
    (
        "epoch",
        "epochs",
        "train_loss",
        "train_accuracy",
        "learning_rate",
        "images_per_second",
        "seconds",
    )
)
"""Required fields of an epoch line; damaged lines are ignored."""

_STATUS = ("epoch", "epochs", "share", "seconds_left")
"""Required fields of a training's status."""


@dataclass(frozen=True)
class LiveRun:
    """A snapshot of a run."""

    name: str
    path: Path
    state: str
    """As `run_state` says."""
    status: MetricRecord
    """The latest `StepStats`; empty if no training is running."""
    epochs: tuple[MetricRecord, ...]
    """The lines of the epochs that have ended."""
    last: MetricRecord
    """The last line of the metrics; empty if there is none."""
    test: MetricRecord
    """The latest test metrics with the recipe's views; empty before `evaluate`."""
    awaits_test: bool = False
    """Whether it finished so recently that its evaluation may still be running."""

    @property
    def over(self) -> bool:
        """Whether nothing more will be written without another command."""
        return self.state in {"finished", "failed", "interrupted"} and not self.awaits_test

    def series(self, key: str) -> list[float]:
        """The values of a metric over the epochs."""
        values = (line.get(key) for line in self.epochs)
        return [float(value) for value in values if is_figure(value)]

    def to_json(self) -> dict[str, Any]:
        """JSON values for the page that follows a run."""
        return {"state": self.state, "epochs": len(self.epochs), "status": dict(self.status)}


def read_live_run(path: Path) -> LiveRun:
    """Read a run folder, whatever its state.

    Raises:
        RunError: There is no run at `path`, or its metrics are damaged.
        RecipeError: Its recipe.yaml is wrong.
    """
    run = RunFolder.open(path)
    status, age = run.status()
    lines = run.metrics()
    last = lines[-1] if lines else {}
    tests = [
        line for line in lines if line.get("kind") == "test" and is_figure(line.get("accuracy"))
    ]
    if tests:  # read the recipe only if needed: this runs every second
        tta = run.recipe().evaluate.tta
        tests = [line for line in tests if line.get("tta") == tta]
    epochs = (line for line in lines if line.get("kind") == "epoch")
    state = run_state(run, lines, age=age if status else None)
    return LiveRun(
        name=run.name,
        path=path,
        state=state,
        status=status if has_figures(status, _STATUS) else {},
        epochs=tuple(line for line in epochs if has_figures(line, _EPOCH)),
        last=last,
        test=tests[-1] if tests else {},
        awaits_test=state == "finished"
        and not tests
        and any(line.get("kind") == "end" for line in lines)
        and is_recent(run.model_path),
    )
