"""The second stage: analysis of the stages of the grid's best networks.

It has no jobs: it evaluates checkpoints of the grid on validation images, and repeats a few
training steps without keeping the weights. Draws depend on the trial's seed only, so that results
are reproducible.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from thriftnet.errors import RecipeError, RunError, SearchError
from thriftnet.phases import phase
from thriftnet.search.queue.jobs import Answer, Decide, Job, JobRow
from thriftnet.search.snapshot import StudySnapshot
from thriftnet.search.stages import grid
from thriftnet.search.study import Study

NAME = "analysis"

HARDEST = 10
"""Number of listed images with the largest loss."""


def decide(snapshot: StudySnapshot) -> Decide:
    """No jobs."""
    del snapshot

    def choose(rows: Sequence[JobRow]) -> Job | Answer:
        del rows
        return Answer.DONE

    return choose


def expected(snapshot: StudySnapshot) -> list[tuple[int, float]]:
    """No jobs."""
    del snapshot
    return []


def survivors(snapshot: StudySnapshot) -> list[str]:
    """Digests of the grid's best, and of the reference's best candidate."""
    ranked = grid.ranking(snapshot)
    chosen = ranked[: snapshot.space.analysis.top]
    reference = next((digest for digest in ranked if snapshot.candidates[digest].reference), None)
    return chosen if reference is None or reference in chosen else [*chosen, reference]


def conclude(study: Study, snapshot: StudySnapshot, data: Path | None) -> dict[str, Any]:
    """Compute the metrics and verdicts of each survivor.

    Raises:
        SearchError: No trial of the grid finished, or a trial's folder is missing or damaged.
        DataError: The data set cannot be had.
    """
    from thriftnet.search.stages.capacity import rules

    reached = {
        row.job.candidate: row.job for row in snapshot.jobs[grid.NAME] if row.value is not None
    }
    chosen = survivors(snapshot)
    if not chosen:
        raise SearchError(
            f"no candidate of {study.path} finished; lower the learning rate in the space and "
            "begin another study"
        )
    networks: list[dict[str, Any]] = []
    with phase("analysing the grid's best networks") as count:
        for digest in chosen:
            candidate = snapshot.candidates[digest]
            found = analyse_trial(
                study.trial_path(reached[digest]),
                images=snapshot.space.analysis.images,
                steps=snapshot.space.analysis.steps,
                data=data,
            )
            networks.append({**candidate.to_json(), **found})
            count(len(networks), len(chosen))
    return {"stage": NAME, "rules": rules(), "networks": networks}


def analyse_trial(path: Path, *, images: int, steps: int, data: Path | None) -> dict[str, Any]:
    """Analyse one trial.

    Args:
        path: Its run folder.
        images: Maximum of training images for the probe, and of validation images.
        steps: Training steps to measure norms over.
        data: Replaces the space's data set.

    Raises:
        SearchError: The folder is missing or damaged.
        DataError: The data set cannot be had.
    """
    from thriftnet.models.stages import network_stages
    from thriftnet.runs.folder import RunFolder
    from thriftnet.search.stages.capacity import classify_stages, rounded
    from thriftnet.search.stages.dynamics import curve_facts, epoch_lines, step_norms
    from thriftnet.search.stages.stage_figures import measure_stages
    from thriftnet.training.images import split_sets
    from thriftnet.training.resume import restore_run

    try:
        run = RunFolder.open(path)
        recipe, plan, state, data_set = restore_run(path, data=data)
        lines = epoch_lines(run.metrics())
        if not lines:
            raise RunError(f"{run.metrics_path} has no line of an epoch")
    except (RunError, RecipeError) as fault:
        raise SearchError(
            f"the analysis needs the trials of the grid: {fault.args[0]}; or begin another study"
        ) from None
    base, figures = measure_stages(state.network, plan, images=images)
    verdicts = classify_stages(
        figures,
        base=base,
        classes=len(plan.classes),
        images=min(images, len(plan.val_labels)),
    )
    logits = plan.engine(state.network).logits(plan.val_images)
    _, (_, held) = split_sets(recipe, data_set)
    named = "val" if "val" in data_set.splits else "train"
    positions = np.searchsorted(data_set.part(named)[1], held)
    dynamics = rounded(curve_facts(lines))
    errors = error_facts(logits, plan.val_labels.cpu(), positions.tolist(), classes=plan.classes)
    norms = step_norms(plan, state, network_stages(state.model), steps=steps)
    return {
        "epochs": max(line["epoch"] for line in lines),
        "dynamics": dynamics,
        "stem_probe_accuracy": round(base, 6),
        "stem": rounded(norms["stem"]),
        "stages": [{**stage.to_json(), **rounded(norms[stage.figures.name])} for stage in verdicts],
        "errors": errors,
    }


def error_facts(
    logits: Tensor, labels: Tensor, positions: Sequence[int], *, classes: tuple[str, ...]
) -> dict[str, Any]:
    """The most confused classes, and the images with the largest loss.

    Args:
        logits: (N, classes) float32.
        labels: (N,) int64.
        positions: Position of each image in its split.
        classes: Class names.
    """
    from thriftnet.evaluation.results import read_logits

    metrics = read_logits(logits, labels, classes=classes, tta="none")
    losses = F.cross_entropy(logits, labels, reduction="none")
    order = torch.argsort(losses, descending=True, stable=True)[:HARDEST].tolist()
    predicted = logits.argmax(dim=1)
    pairs = [
        (count, classes[label], classes[other])
        for label, row in enumerate(metrics.confusion)
        for other, count in enumerate(row)
        if label != other and count
    ]
    return {
        "images": len(labels),
        "per_class": {
            name: None if share is None else round(share, 6)
            for name, share in metrics.per_class.items()
        },
        "confusion": metrics.confusion,
        "most_confused": [
            {"label": label, "predicted": other, "images": count}
            for count, label, other in sorted(pairs, key=lambda pair: -pair[0])[:5]
        ],
        "hardest": [
            {
                "training_image": int(positions[at]),
                "label": classes[int(labels[at])],
                "predicted": classes[int(predicted[at])],
                "loss": round(float(losses[at]), 4),
            }
            for at in order
        ],
    }
