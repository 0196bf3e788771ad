"""MLflow: one MLflow run per run, in a local store or on the configured server.

Only uses the client, which `mlflow-skinny` also has.
"""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path
from typing import Any

# MLflow reads these on use. Do not wait minutes for a server that is gone, and send no telemetry.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

import mlflow
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from thriftnet.errors import TrackingError
from thriftnet.files import create_empty
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.tracked import mlflow_run, save_mlflow_run
from thriftnet.tracking.points import Point, read_parameters, read_points, started_at

_EXPERIMENT = "thriftnet"
_MOST_PARAMETERS, _MOST_METRICS = 100, 1000
"""Limits of one MLflow request."""
_MOST_LETTERS = 6000
"""Maximum length of a parameter's value."""
_STATUS = {
    "epoch": "RUNNING",
    "resumed": "RUNNING",
    "interrupted": "KILLED",
    "failed": "FAILED",
    "end": "FINISHED",
}
"""MLflow status by the kind of the last metrics line that is of the training."""


class MlflowRuns:
    """Updates an MLflow run.

    MLflow cannot delete points. Existing points are not sent again, so that a resumed run that
    repeats an epoch has no duplicates.
    """

    name = "mlflow"

    def __init__(self, runs_dir: Path) -> None:
        """Choose the store, and check the server if one is configured.

        Args:
            runs_dir: Folder of the local store `mlflow.db`, without MLFLOW_TRACKING_URI.

        Raises:
            TrackingError: The server cannot be reached.
        """
        for noisy in ("mlflow", "alembic"):
            logging.getLogger(noisy).setLevel(logging.WARNING)
        self._client: MlflowClient | None = None
        self._runs_dir = runs_dir
        self._run_id = ""
        self._status = ""
        self._shown: set[tuple[str, int]] = set()
        if mlflow.is_tracking_uri_set():
            place = mlflow.get_tracking_uri()
            try:
                self._client = MlflowClient(place)
                self._experiment(self._client)
            except Exception as fault:  # each kind of store has its own errors
                raise TrackingError(
                    f"MLflow's store {_shown(place)} cannot be used ({_in_short(fault)}); start "
                    "its server, or unset MLFLOW_TRACKING_URI to keep a local store"
                ) from None

    def update(self, run: RunFolder) -> None:
        """Send new points.

        Raises:
            TrackingError: The store cannot be written or the server cannot be reached.
            RunError: The run folder cannot be written.
        """
        try:
            self._send(run)
        except MlflowException as fault:
            raise TrackingError(_in_short(fault)) from fault

    def _send(self, run: RunFolder) -> None:
        client = self._client or self._local_store()
        if not self._run_id:
            self._run_id = self._find(client, run) or self._create(client, run)
        began, points = started_at(run), read_points(run)
        new = [point for point in points if (point.name, point.step) not in self._shown]
        for at in range(0, len(new), _MOST_METRICS):
            metrics = [_metric(point, began=began) for point in new[at : at + _MOST_METRICS]]
            client.log_batch(self._run_id, metrics=metrics)
        self._shown.update((point.name, point.step) for point in new)
        kinds = (str(line.get("kind")) for line in reversed(run.metrics(outline=True)))
        status = next((_STATUS[kind] for kind in kinds if kind in _STATUS), "RUNNING")
        ended = began + (points[-1].seconds if points else 0)
        self._send_status(client, status, ended=ended)

    def close(self) -> None:
        """Nothing to close."""

    def _local_store(self) -> MlflowClient:
        path = self._runs_dir.resolve() / "mlflow.db"
        create_empty(path)
        self._client = MlflowClient(f"sqlite:///{path}")
        return self._client

    def _experiment(self, client: MlflowClient) -> str:
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or _EXPERIMENT
        found = client.get_experiment_by_name(name)
        return found.experiment_id if found else client.create_experiment(name)

    def _find(self, client: MlflowClient, run: RunFolder) -> str | None:
        """The existing MLflow run in this store with its points, or None."""
        run_id = mlflow_run(run)
        if run_id is None:
            return None
        try:
            found = client.get_run(run_id)
        except MlflowException as fault:
            if fault.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise
        if found.info.lifecycle_stage != "active":
            return None
        self._status = str(found.info.status)
        for name in found.data.metrics:
            history = client.get_metric_history(run_id, name)
            self._shown.update((name, metric.step) for metric in history)
        return run_id

    def _create(self, client: MlflowClient, run: RunFolder) -> str:
        recipe = run.recipe()
        created = client.create_run(
            self._experiment(client), start_time=round(1000 * started_at(run)), run_name=run.name
        )
        run_id, self._status = str(created.info.run_id), "RUNNING"
        tags = {"thriftnet.recipe": recipe.name, "thriftnet.digest": recipe.digest()}
        commit = run.environment().get("commit")
        if commit:
            tags["mlflow.source.git.commit"] = str(commit)
        client.log_batch(run_id, tags=[RunTag(*pair) for pair in tags.items()])
        parameters = [_parameter(*pair) for pair in read_parameters(run).items()]
        for at in range(0, len(parameters), _MOST_PARAMETERS):
            client.log_batch(run_id, params=parameters[at : at + _MOST_PARAMETERS])
        save_mlflow_run(run, run_id)
        return run_id

    def _send_status(self, client: MlflowClient, status: str, *, ended: float) -> None:
        if status == self._status:
            return
        if status == "RUNNING":
            client.update_run(self._run_id, status)
        else:
            client.set_terminated(self._run_id, status, end_time=round(1000 * ended))
        self._status = status


def _in_short(fault: Exception) -> str:
    """A short reason for an MLflow error, without the layers of the network."""
    if "Max retries exceeded" in str(fault):
        return "its server does not answer"
    return _shown((str(fault).splitlines() or [type(fault).__name__])[0])[:120]


def _shown(text: str) -> str:
    """Remove user names and passwords from addresses."""
    return re.sub(r"//[^/@\s]*@", "//", text)


def _metric(point: Point, *, began: float) -> Metric:
    return Metric(point.name, point.value, round(1000 * (began + point.seconds)), point.step)


def _parameter(key: str, value: Any) -> Param:
    return Param(key, str(value)[:_MOST_LETTERS])
