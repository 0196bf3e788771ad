"""Audits a data set: writes a page of suspicious pictures and a file for decisions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from thriftnet.audit.folds import assign_folds
from thriftnet.audit.out_of_fold import FoldTraining, out_of_fold
from thriftnet.audit.page import AuditCard, audit_page
from thriftnet.audit.suspects import Suspect, find_label_issues, find_suspects
from thriftnet.cells import csv_row
from thriftnet.data.inspection import Collection
from thriftnet.data.own.decisions import COLUMNS, picture_digest, read_decisions, written
from thriftnet.data.registry import DATASETS
from thriftnet.data.splits import merge_groups
from thriftnet.errors import DataError
from thriftnet.files import write_whole
from thriftnet.plain import to_stderr
from thriftnet.recipe import Recipe
from thriftnet.recipe.few_images import fit_to
from thriftnet.training.data import open_data
from thriftnet.training.progress import Progress, Quiet
from thriftnet.trust import refuse_link
from thriftnet.writable import check_writable, is_page

FOLDS = 5
PAGE, DECISIONS = "audit.html", "decisions.csv"


@dataclass(frozen=True)
class Audit:
    """Result of an audit and its files."""

    folder: Path
    suspects: tuple[Suspect, ...]
    pictures: int
    accuracy: float
    """Out-of-fold accuracy of the networks."""

    def counts(self) -> dict[str, int]:
        """Number of pictures per reason."""
        found: dict[str, int] = {}
        for suspect in self.suspects:
            for reason in suspect.reasons:
                found[reason] = found.get(reason, 0) + 1
        return found

    def to_json(self) -> dict[str, Any]:
        """Values for JSON."""
        return {
            "folder": str(self.folder),
            "pictures": self.pictures,
            "accuracy": self.accuracy,
            "suspects": len(self.suspects),
            "reasons": self.counts(),
        }


def audit(
    data: Path | str,
    *,
    recipe: Recipe,
    folder: Path,
    folds: int = FOLDS,
    progress: Callable[[], Progress] = Quiet,
    say: Callable[[str], None] = to_stderr,
) -> Audit | None:
    """Check each label with a network that was not trained on its picture.

    Args:
        data: Data set, as in `train --data`.
        recipe: Recipe of the networks; trained without validation images.
        folder: Folder of the folds' runs, the page and the file for decisions. Results of an
            earlier call are reused.
        folds: Number of networks; each is trained without its fold of the pictures.
        progress: Receives the progress of each training.
        say: Called with each line about what the data holds.

    Returns:
        None if a training was interrupted; the same call continues it.

    Raises:
        DataError: The pictures are not available or too few, or a package is missing.
        RunError: The folder belongs to another audit, cannot be written, or has links.
        TrainingError: A loss stopped being finite.
    """
    for name in (PAGE, DECISIONS):
        refuse_link(folder / name, of="audit")  # the folder may have been received
    check_writable(
        folder / PAGE, error=DataError, inputs=[Path(data)], ours=partial(is_page, of="audit")
    )
    if recipe.data.decisions is not None:
        raise DataError("an audit checks the original labels; leave out data.decisions")
    find_label_issues(np.array([0, 1] * 10), np.eye(2)[[0, 1] * 10] * 0.8 + 0.1)  # fail early
    recipe = _for_folds(recipe, data)
    source = None if str(data) in DATASETS else Path(data)
    opened = open_data(recipe.data, source, say=say)
    assert opened.collection is not None  # every source has a name
    collection = opened.collection()
    groups = collection.near().groups
    if collection.groups:
        groups = merge_groups(len(groups), groups, collection.groups)
    fold_of = assign_folds(collection.labels, groups, folds=folds)
    few = len(fold_of) - int(np.bincount(fold_of).max())
    fitted = fit_to(recipe, few)
    if fitted != recipe:
        own, now = recipe.train, fitted.train
        say(
            f"{recipe.name} has batches of {own.batch_size:,} and a fold trains on {few:,} "
            f"pictures: batches of {now.batch_size}, {now.epochs:g} epochs"
        )
    training = FoldTraining(fitted, opened, folder, progress)
    judged = out_of_fold(collection, fold_of, training)
    if judged is None:
        return None
    suspects = find_suspects(collection, judged)
    cards = [_card(collection, suspect) for suspect in suspects]
    name = Path(opened.name).name
    page = audit_page(name, collection.classes, cards, columns=COLUMNS, file=DECISIONS)
    write_whole(folder / PAGE, page, error=DataError)
    if _holds_decisions(folder / DECISIONS):
        say(f"{folder / DECISIONS} already has decisions and is kept")
    else:
        write_whole(folder / DECISIONS, decisions_csv(cards).encode(), error=DataError)
    right = judged.logits.argmax(axis=1) == collection.labels
    return Audit(folder, tuple(suspects), len(right), float(right.mean()))


def _holds_decisions(path: Path) -> bool:
    """Whether a file has a person's work, as far as can be told."""
    try:
        return path.exists() and bool(read_decisions(path)[0])
    except DataError:  # it was edited, and not in a way that can be read
        return True


def _for_folds(recipe: Recipe, data: Path | str) -> Recipe:
    """The recipe without validation images, keeping the last weights."""
    section = recipe.data.model_copy(update={"val_ratio": 0.0, "dataset": str(data)})
    train = recipe.train.model_copy(update={"select": "final"})
    return recipe.model_copy(update={"data": section, "train": train})


def _card(collection: Collection, suspect: Suspect) -> AuditCard:
    pixels = collection.images[suspect.at]
    return AuditCard(
        picture=written(collection.title(suspect.at)),
        digest=picture_digest(pixels),
        pixels=pixels,
        label=collection.classes[int(collection.labels[suspect.at])],
        suggested=collection.classes[suspect.suggested],
        score=suspect.score,
        similarity=suspect.similarity,
        reasons=suspect.reasons,
    )


def decisions_csv(cards: list[AuditCard]) -> str:
    """CSV file for decisions, initially empty."""
    lines = [csv_row((*COLUMNS, "suggested", "probability", "similarity", "reasons"))]
    for card in cards:
        row = (card.picture, card.digest, card.label, "", "", card.suggested)
        figures = f"{card.score:.4f}", f"{card.similarity:.4f}"
        lines.append(csv_row((*row, *figures, "; ".join(card.reasons))))
    return "".join(lines)
