"""Where a run stands, read from its folder while it goes on or after."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thriftnet.training.lines import Line
from thriftnet.training.run import RunFolder

SILENT_SECONDS = 60.0
"""A status is written every few seconds; after this long without one the training was cut off,
or a single step takes longer than that."""

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
"""What the line of an epoch has; one that lost some of it is passed over."""


@dataclass(frozen=True)
class Standing:
    """A run at a moment."""

    name: str
    path: Path
    state: str
    """starting, running, silent, interrupted, failed or finished."""
    status: Line
    """The latest `Moment`; empty where no training goes on."""
    epochs: tuple[Line, ...]
    """The lines of the epochs that have ended."""
    last: Line
    """The last line of the metrics; empty if there is none."""
    test: Line
    """The latest test figures, read as the recipe says; empty before `evaluate`."""

    @property
    def over(self) -> bool:
        """Whether nothing more will come of itself."""
        return self.state in {"finished", "failed", "interrupted"}

    def series(self, key: str) -> list[float]:
        """A figure of every epoch that has it, in order."""
        values = (line.get(key) for line in self.epochs)
        return [float(value) for value in values if isinstance(value, int | float)]

    def to_json(self) -> dict[str, Any]:
        """Plain values, for the page that follows a run."""
        return {"state": self.state, "epochs": len(self.epochs), "status": dict(self.status)}


def read_standing(path: Path) -> Standing:
    """Read a run folder, whatever its state.

    Raises:
        RunError: There is no run at `path`, or its metrics are damaged.
        RecipeError: Its recipe.yaml is wrong.
    """
    run = RunFolder.open(path)
    status, age = run.status()
    lines = run.metrics()
    last = lines[-1] if lines else {}
    tests = [line for line in lines if line.get("kind") == "test"]
    if tests:  # only then is the recipe worth reading, as this is asked every second
        tta = run.recipe().evaluate.tta
        tests = [line for line in tests if line.get("tta") == tta]
    epochs = (line for line in lines if line.get("kind") == "epoch")
    return Standing(
        name=run.name,
        path=path,
        state=_state(run, lines, status, age),
        status=status,
        epochs=tuple(line for line in epochs if line.keys() >= _EPOCH),
        last=last,
        test=tests[-1] if tests else {},
    )


def _state(run: RunFolder, lines: list[Line], status: Line, age: float) -> str:
    if run.finished:
        return "finished"
    if status:
        return "running" if age < SILENT_SECONDS else "silent"
    ends = [line["kind"] for line in lines if line.get("kind") in {"interrupted", "failed"}]
    if ends and lines[-1].get("kind") == ends[-1]:
        return str(ends[-1])
    return "starting" if len(lines) <= 1 else "silent"
