"""The last stage: the best candidates at a longer horizon, with several seeds each.

Accuracies are on validation images. As the winner is the best of several means, its mean is
slightly optimistic; the winner alone is evaluated once on the test images.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from thriftnet.errors import SearchError
from thriftnet.phases import phase
from thriftnet.search.queue.jobs import Answer, Decide, Job, JobRow
from thriftnet.search.snapshot import StudySnapshot
from thriftnet.search.space import Space
from thriftnet.search.stages import refinement
from thriftnet.search.study import Study

NAME = "validation"


def horizon(space: Space) -> int:
    """Epochs of every trial."""
    return space.validation.epochs


def contenders(snapshot: StudySnapshot) -> list[str]:
    """Digests of the best candidates and of the reference."""
    ranked = refinement.ranking(snapshot)
    chosen = ranked[: snapshot.space.validation.top]
    reference = _reference(snapshot, ranked)
    return chosen if reference is None or reference in chosen else [*chosen, reference]


def decide(snapshot: StudySnapshot) -> Decide:
    """Every contender with every seed, the most expensive first, to balance the workers."""
    costliest = sorted(contenders(snapshot), key=lambda digest: -snapshot.candidates[digest].macs)
    wanted = [
        Job(NAME, digest, seed, snapshot.space.validation.epochs)
        for digest in costliest
        for seed in snapshot.space.validation.seeds
    ]

    def choose(rows: Sequence[JobRow]) -> Job | Answer:
        started = {row.job for row in rows}
        left = next((job for job in wanted if job not in started), None)
        return left or (Answer.DONE if all(row.over for row in rows) else Answer.WAIT)

    return choose


def expected(snapshot: StudySnapshot) -> list[tuple[int, float]]:
    """(jobs, multiply-accumulates x epochs of each) per contender."""
    space = snapshot.space.validation
    return [
        (len(space.seeds), float(snapshot.candidates[digest].macs * space.epochs))
        for digest in contenders(snapshot)
    ]


def accuracies(snapshot: StudySnapshot) -> dict[str, dict[int, float]]:
    """Validation accuracy per seed, of contenders whose seeds all finished."""
    found: dict[str, dict[int, float]] = {digest: {} for digest in contenders(snapshot)}
    for row in snapshot.jobs[NAME]:
        if row.value is not None and row.state == "finished":
            found[row.job.candidate][row.job.seed] = row.value
    complete = len(snapshot.space.validation.seeds)
    return {digest: values for digest, values in found.items() if len(values) == complete}


def conclude(study: Study, snapshot: StudySnapshot, data: Path | None) -> dict[str, Any]:
    """Compute means and tests, write the winner's recipe, and evaluate it once on the test images.

    Raises:
        SearchError: No contender finished all seeds.
    """
    found = accuracies(snapshot)
    if not found:
        raise SearchError(
            f"no candidate of {study.path} finished its validation with every seed; "
            "lower the learning rate in the space and begin another study"
        )
    from thriftnet.comparison.statistics import compare_seeds, estimate, holm

    estimates = {digest: estimate(list(values.values())) for digest, values in found.items()}
    order = sorted(found, key=lambda digest: (-estimates[digest].mean, digest))
    winner, others = order[0], order[1:]
    compared = {digest: compare_seeds(found[digest], found[winner]) for digest in others}
    tested = [digest for digest in others if compared[digest].p is not None]
    corrected = dict(
        zip(tested, holm([compared[digest].p or 0.0 for digest in tested]), strict=True)
    )
    table = [
        {
            **snapshot.candidates[digest].to_json(),
            "seeds": {str(seed): value for seed, value in sorted(found[digest].items())},
            **vars(estimates[digest]),
            "winner_less_this": None
            if digest == winner
            else {
                "difference": compared[digest].difference,
                "half_width": compared[digest].half_width,
                "test": compared[digest].name,
                "p": compared[digest].p,
                "p_holm": corrected.get(digest),
            },
        }
        for digest in order
    ]
    unfinished = [digest for digest in contenders(snapshot) if digest not in found]
    study.save_winner(_recipe_text(snapshot, winner, estimates[winner].mean))
    return {
        "stage": NAME,
        "epochs": snapshot.space.validation.epochs,
        "winner": winner,
        "ranking": table,
        "unfinished": [snapshot.candidates[digest].to_json() for digest in unfinished],
        "recipe": study.winner_path.name,
        "test": _test_accuracy(study, winner, data),
    }


def _reference(snapshot: StudySnapshot, ranked: Sequence[str]) -> str | None:
    """The best of the reference's candidates; there are several if other keys vary."""
    within = [candidate.digest for candidate in snapshot.competing if candidate.reference]
    return next((digest for digest in ranked if digest in within), next(iter(within), None))


def _recipe_text(snapshot: StudySnapshot, winner: str, mean: float) -> str:
    """The winner's recipe for the final training."""
    from thriftnet.search.candidates import winner_recipe

    space, candidate = snapshot.space, snapshot.candidates[winner]
    return (
        f"# The winner of the search space {space.name}: {candidate.parameters:,} parameters.\n"
        f"# In the search, {space.validation.epochs} epochs and {len(space.validation.seeds)} "
        f"seeds: mean validation accuracy {mean:.4f}.\n"
        "#\n#   thriftnet train winner.yaml\n" + winner_recipe(space, candidate).to_yaml()
    )


def _test_accuracy(study: Study, winner: str, data: Path | None) -> Mapping[str, Any]:
    """The test metrics of the winner's first seed, evaluated once."""
    from thriftnet.evaluation.evaluate import evaluate
    from thriftnet.runs.folder import RunFolder

    seed = study.space.validation.seeds[0]
    path = study.trial_path(Job(NAME, winner, seed, study.space.validation.epochs))
    names = ("tta", "accuracy", "accuracy_interval", "loss", "top5")
    tests = (line for line in RunFolder(path).metrics() if line.get("kind") == "test")
    known = [line for line in tests if line.keys() >= set(names)]
    if known:
        found = known[0]
    else:  # recorded in the run unless read-only
        with phase("evaluating the winner on the test images") as count:
            chosen = evaluate(path, data=data, on_progress=count).chosen
        found = {"tta": chosen.tta, **chosen.summary()}
    return {"seed": seed, **{name: found[name] for name in names}}
