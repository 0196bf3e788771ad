"""The table of trackers by name, imported on demand."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from thriftnet.errors import TrackingError
from thriftnet.runs.folder import RunFolder
from thriftnet.training.progress.tracking import Tracker, explain


def _tensorboard(_runs_dir: Path) -> Tracker:
    from thriftnet.tracking.event_files import EventFiles

    return EventFiles()


def _mlflow(runs_dir: Path) -> Tracker:
    from thriftnet.tracking.mlflow_runs import MlflowRuns

    return MlflowRuns(runs_dir)


def _wandb(runs_dir: Path) -> Tracker:
    from thriftnet.tracking.wandb_runs import WandbRuns

    return WandbRuns(runs_dir)


TRACKERS: dict[str, Callable[[Path], Tracker]] = {
    "tensorboard": _tensorboard,
    "mlflow": _mlflow,
    "wandb": _wandb,
}
_EXTRAS = {"wandb": "wandb"}
"""Extras of trackers other than `track`."""


def choose_trackers(names: Iterable[str], *, runs_dir: Path) -> list[Tracker]:
    """Create trackers by name, without duplicates.

    Args:
        names: Keys of `TRACKERS`.
        runs_dir: Parent of the run folder.

    Raises:
        TrackingError: A name is unknown, its package is missing or broken, or its server cannot be
            reached.
    """
    trackers: list[Tracker] = []
    for name in dict.fromkeys([names] if isinstance(names, str) else names):
        if name not in TRACKERS:
            *others, last = TRACKERS
            known = f"{', '.join(others)} or {last}"
            raise TrackingError(f"there is no tracker {name!r}; use {known}")
        extra = f"'thriftnet[{_EXTRAS.get(name, 'track')}]'"
        try:
            trackers.append(TRACKERS[name](runs_dir))
        except TrackingError:
            raise
        except ImportError as fault:
            lacking = f"the package {fault.name}" if fault.name else "a package"
            raise TrackingError(
                f"tracking with {name} needs {lacking}; run: pip install {extra}"
            ) from None
        except Exception as fault:  # incompatible packages may raise anything
            raise TrackingError(
                f"{name} cannot be imported ({type(fault).__name__}: {fault}); "
                f"run: pip install --upgrade {extra}"
            ) from None
    return trackers


def track_run(path: Path, names: Iterable[str]) -> None:
    """Send a run, finished or not, to trackers.

    Raises:
        RunError: There is no run at `path`.
        TrackingError: As `choose_trackers`; or a tracker failed.
    """
    run = RunFolder.open(path)
    for tracker in choose_trackers(names, runs_dir=run.path.resolve().parent):
        try:
            tracker.update(run)
        except Exception as fault:  # any failure of the tracker
            raise TrackingError(
                f"{explain(tracker, fault)}; fix that and log {path} again"
            ) from None
        finally:
            tracker.close()
