"""Run folders with test figures, for the commands that compare and report.

torch, which takes seconds to import, is imported where a network has to be evaluated.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from thriftnet.errors import RunError
from thriftnet.runs.folder import RunFolder
from thriftnet.weights.adopt import adopted, find_or_adopt


def evaluated_run(
    target: Path | str,
    *,
    data: Path | None = None,
    tta: str | None = None,
    fetch: bool,
    on_progress: Callable[[int, int], None] | None = None,
) -> Path:
    """The run folder that a name or a path stands for; a network alone is evaluated for it.

    Once: its folder in the cache keeps the predictions. A run is left as it is.

    Args:
        target: The name of shipped weights, a run folder or a model file.
        data: Path of the images of a network alone; None: CIFAR-10.
        tta: A key of `VIEWS`; None: the network's.
        fetch: Whether CIFAR-10 may be fetched. If not, and it is not at hand, or if the images are
            unknown, nothing is evaluated.
        on_progress: Called with the number of images done and the total.

    Raises:
        RunError: It is an ONNX export, no network, or the cache cannot hold its folder.
        DataError: `data` cannot be opened, or has other classes than the network.
    """
    run = RunFolder(find_or_adopt(target))
    if not adopted(run.environment()) or _has_predictions(run, tta):
        return run.path
    from thriftnet.data.registry import is_at_hand
    from thriftnet.evaluation.evaluate import evaluate
    from thriftnet.inference.engine import no_progress
    from thriftnet.models.saved import read_model

    model = read_model(run.model_path)
    known = model.about.get("data") is None and (fetch or is_at_hand("cifar10"))
    if data is not None or known:
        on_progress = on_progress or no_progress
        evaluate(model, kept_in=run, data=data, tta=tta, on_progress=on_progress)
    return run.path


def _has_predictions(run: RunFolder, tta: str | None) -> bool:
    """Whether a folder keeps predictions and figures with these views."""
    views = tta or run.recipe().evaluate.tta
    try:
        kept = run.load_predictions()
    except RunError:  # damaged, and replaced now
        return False
    tested = any(key.is_test and key.tta == views for key in run.evaluations())
    return kept is not None and views in kept.logits and tested
