"""Run folders with test figures, for the commands that compare and report.

torch, which takes seconds to import, is imported where a network has to be evaluated.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from thriftnet.errors import RunError
from thriftnet.runs.folder import RunFolder
from thriftnet.weights.adopt import adopted, find_or_adopt

if TYPE_CHECKING:
    from thriftnet.inference.engine import OnProgress


def evaluated_runs(
    targets: Sequence[Path | str],
    *,
    data: Path | None = None,
    tta: str | None = None,
    fetch: bool,
    on_progress: OnProgress | None = None,
) -> list[Path]:
    """The run folders that names or paths stand for; a network alone is evaluated for it.

    Once: its folder in the cache keeps the predictions. A run is left as it is.

    Args:
        targets: Names of shipped weights, run folders or model files.
        data: Path of the images of networks alone; None: CIFAR-10.
        tta: A key of `VIEWS`; None: the network's.
        fetch: Whether CIFAR-10 may be fetched. If not, and it is not at hand, or if the images are
            unknown, nothing is evaluated.
        on_progress: Called with the number of images done and the total, of all networks.

    Raises:
        RunError: One is not there, an ONNX export or no network, or the cache cannot hold its
            folder; before anything is evaluated.
        DataError: `data` cannot be opened, or has other classes than a network.
    """
    paths = [find_or_adopt(target) for target in targets]
    for path in paths:
        if not path.is_dir():
            raise RunError(f"there is no run folder {path}; check the path")
    waiting = [
        run
        for run in map(RunFolder, dict.fromkeys(paths))
        if adopted(run.environment()) and not _has_predictions(run, tta)
    ]
    for number, run in enumerate(waiting):
        count = on_progress and _part(on_progress, number, len(waiting))
        _evaluate(run, data=data, tta=tta, fetch=fetch, on_progress=count)
    return paths


def _part(on_progress: OnProgress, number: int, of: int) -> OnProgress:
    """Counts the images of one network among those of all, so that the time left is that of all."""

    def count(done: int, total: int) -> None:
        on_progress(number * total + done, of * total)

    return count


def _evaluate(
    run: RunFolder,
    *,
    data: Path | None,
    tta: str | None,
    fetch: bool,
    on_progress: OnProgress | None,
) -> None:
    """Evaluate an adopted network in its folder, if its images are known and may be had."""
    from thriftnet.data.registry import is_at_hand
    from thriftnet.evaluation.evaluate import evaluate
    from thriftnet.inference.engine import no_progress
    from thriftnet.models.saved import read_model

    model = read_model(run.model_path)
    known = model.about.get("data") is None and (fetch or is_at_hand("cifar10"))
    if data is not None or known:
        on_progress = on_progress or no_progress
        evaluate(model, kept_in=run, data=data, tta=tta, on_progress=on_progress)


def _has_predictions(run: RunFolder, tta: str | None) -> bool:
    """Whether a folder keeps predictions and figures with these views."""
    views = tta or run.recipe().evaluate.tta
    try:
        kept = run.load_predictions()
    except RunError:  # damaged, and replaced now
        return False
    tested = any(key.is_test and key.tta == views for key in run.evaluations())
    return kept is not None and views in kept.logits and tested
