"""A synthetic study of the shipped space `small` with all of its files, without training.

The search's own functions choose all jobs and write all outcomes except the analysis; accuracies
are a formula of the candidate. A report of it has as many candidates as that of a real search.
"""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

from thriftnet.data import CIFAR10_CLASSES
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.new_run import create_run
from thriftnet.search.candidates import count_candidates, trial_recipe
from thriftnet.search.queue.jobs import Answer, Candidate, Job
from thriftnet.search.snapshot import StudySnapshot
from thriftnet.search.space import Space, load_space
from thriftnet.search.stages.analysis import survivors
from thriftnet.search.stages.capacity import StageFigures, classify_stages, rules
from thriftnet.search.stages.order import STAGES, Stage, read_snapshot
from thriftnet.search.study import Study

NAMES = tuple(stage.name for stage in STAGES)


def made_study(
    path: Path,
    *,
    space: Space | None = None,
    until: str = "validation",
    jobs: int | None = None,
    failing: str | None = None,
) -> Study:
    """Make a study in a new folder.

    Args:
        path: The folder.
        space: The search space; None: `small`.
        until: The last started stage.
        jobs: Finished jobs of that stage, with one more running; None: the stage is done.
        failing: Error of the grid's first job; None: no error.
    """
    chosen = space or load_space("small")
    study = Study.create(path, chosen)
    study.storage.add_candidates(count_candidates(chosen))
    for stage in STAGES[: NAMES.index(until) + 1]:
        last = jobs if stage.name == until else None
        _play(study, stage, last, failing if stage.name == "grid" else None)
        if last is None:
            study.save_outcome(stage.name, _outcome(study, stage))
    return study


def accuracy(candidate: Candidate, job: Job, epoch: int) -> float:
    """Accuracy of a synthetic trial: larger networks start lower and end higher."""
    size = math.log10(candidate.parameters / 1e5)
    luck = random.Random(f"{candidate.digest} {job.seed} {epoch}").gauss(0, 0.008)
    return 0.30 - 0.03 * size + (0.12 + 0.05 * size) * math.log2(epoch) / 3 + luck


def _play(study: Study, stage: Stage, jobs: int | None, failing: str | None) -> None:
    """Claim and finish jobs, like one worker."""
    snapshot = read_snapshot(study)
    decide = stage.decide(snapshot)
    done = 0
    while not isinstance(claim := study.storage.claim(stage.name, decide, worker="made"), Answer):
        candidate = next(c for c in study.storage.candidates() if c.digest == claim.job.candidate)
        if jobs is not None and done == jobs:
            return  # still running
        if failing is not None and done == 0:
            study.storage.fail(claim, reason=failing)
        else:
            _train(study, candidate, claim.job, horizon=stage.horizon(study.space))
            value = accuracy(candidate, claim.job, claim.job.epochs)
            seconds = claim.job.epochs * (2 + candidate.macs / 4e7)
            study.storage.finish(claim, value=value, seconds=seconds)
        done += 1


def _train(study: Study, candidate: Candidate, job: Job, *, horizon: int) -> None:
    """Write the lines of a training."""
    run = RunFolder(study.trial_path(job))
    if not run.path.exists():
        recipe = trial_recipe(study.space, candidate, epochs=horizon, seed=job.seed)
        run = create_run(run.path, recipe, {})
        run.append({"kind": "start", "step": 0, "parameters": candidate.parameters,
                    "macs": candidate.macs // 4, "train_images": 3840, "val_images": 2000,
                    "steps": 60 * horizon})  # fmt: skip
    before = sum(line["kind"] == "epoch" for line in run.metrics())
    for epoch in range(before + 1, job.epochs + 1):
        run.append({"kind": "epoch", "epoch": epoch, "epochs": horizon, "step": 60 * epoch,
                    "train_loss": 2.0 / epoch, "train_accuracy": 0.4, "val_loss": 2.1 / epoch,
                    "val_accuracy": accuracy(candidate, job, epoch), "learning_rate": 0.1,
                    "images_per_second": 400.0, "seconds": 3.0 * epoch})  # fmt: skip
    if job.stage == "validation":  # loaded before, so no test images are read
        run.append({"kind": "test", "tta": "flip", "accuracy": 0.551, "loss": 1.3, "top5": 0.94,
                    "accuracy_interval": [0.541, 0.561]})  # fmt: skip


def _outcome(study: Study, stage: Stage) -> dict[str, Any]:
    snapshot = read_snapshot(study)
    return (
        _analysis(snapshot) if stage.name == "analysis" else stage.conclude(study, snapshot, None)
    )


def _analysis(snapshot: StudySnapshot) -> dict[str, Any]:
    """Measurements of each survivor's stages: the first adds most, the last costs most."""
    networks = [
        _network(snapshot.space, snapshot.candidates[digest]) for digest in survivors(snapshot)
    ]
    return {"stage": "analysis", "rules": rules(), "networks": networks}


def _network(space: Space, candidate: Candidate) -> dict[str, Any]:
    model = trial_recipe(space, candidate, epochs=1, seed=0).model
    shape = zip(model.blocks, model.channels, strict=True)
    stages = [
        StageFigures(
            name=f"stage {number}",
            channels=channels,
            parameters=18 * blocks * channels**2,
            macs=9_437_184 * blocks,
            dead=channels // 3 if number == 3 and candidate.reference else 0,
            effective_rank=0.4 * channels,
            probe_accuracy=0.5 - 0.2 / 2**number,
        )
        for number, (blocks, channels) in enumerate(shape, start=1)
        if blocks
    ]
    norms = {"gradient_norm": 0.41, "relative_update": 0.0031}
    return {
        **candidate.to_json(),
        "epochs": 8,
        "dynamics": {"train_loss": 1.4, "val_loss": 1.5, "train_accuracy": 0.5,
                     "val_accuracy": 0.48, "loss_slope": -0.07, "gap": 0.02},
        "stem_probe_accuracy": 0.3,
        "stem": norms,
        "stages": [
            each.to_json() | norms
            for each in classify_stages(stages, base=0.3, classes=10, images=200_000)
        ],
        "errors": {
            "images": 2000,
            "most_confused": [
                {"label": CIFAR10_CLASSES[3], "predicted": CIFAR10_CLASSES[5], "images": 71}
            ],
        },
    }  # fmt: skip
