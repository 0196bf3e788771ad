"""What the real TensorBoard and the real MLflow read of a run.

Each is imported where it is used: every test process imports this module, and few need them.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from thriftnet.runs.folder import RunFolder
from thriftnet.runs.metrics_log import MetricRecord
from thriftnet.training.progress import Quiet

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.tracking import MlflowClient
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

Train = Callable[..., RunFolder]
Shown = dict[str, list[tuple[int, float]]]
"""Steps and values by name."""


class Interrupt(Quiet):
    """Sends Ctrl-C after the first epoch."""

    def line(self, line: MetricRecord) -> None:
        if line.get("epoch") == 1:
            signal.raise_signal(signal.SIGINT)


def lines_of(run: RunFolder, kind: str) -> list[MetricRecord]:
    return [line for line in run.metrics() if line["kind"] == kind]


def opened_events(run: RunFolder) -> EventAccumulator:
    """A TensorBoard that is opened now."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    return EventAccumulator(str(run.path))


def opened_store(store: Path) -> MlflowClient:
    """An MLflow that is opened now."""
    from mlflow.tracking import MlflowClient

    return MlflowClient(f"sqlite:///{store}")


def in_tensorboard(run: RunFolder, opened: EventAccumulator | None = None) -> Shown:
    """What a TensorBoard shows that is opened now, or that was opened before."""
    events = opened or opened_events(run)
    events.Reload()
    names = events.Tags()["scalars"]
    return {name: [(e.step, e.value) for e in events.Scalars(name)] for name in names}


def mlflow_runs(store: Path) -> list[Run]:
    client = opened_store(store)
    experiment = client.get_experiment_by_name("thriftnet")
    return list(client.search_runs([experiment.experiment_id])) if experiment else []


def in_mlflow(run: RunFolder) -> Shown:
    """What the local store beside a run shows of the only run in it, by step.

    The store's own order is by time, of which an epoch that is trained again may take less.
    """
    store = run.path.parent / "mlflow.db"
    (found,) = mlflow_runs(store)
    client = opened_store(store)
    return {
        name: sorted((m.step, m.value) for m in client.get_metric_history(found.info.run_id, name))
        for name in found.data.metrics
    }


SHOWN = {"tensorboard": in_tensorboard, "mlflow": in_mlflow}


def twice(shown: Shown) -> list[tuple[str, int]]:
    """Names and steps that have more than one point."""
    counts = Counter((name, step) for name, points in shown.items() for step, _ in points)
    return [place for place, count in counts.items() if count > 1]
