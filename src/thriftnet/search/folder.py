"""What other commands ask of a study folder; it needs no database package."""

from __future__ import annotations

from pathlib import Path

from thriftnet.runs.folder import RunFolder
from thriftnet.trust import refuse_links


def is_study(path: Path) -> bool:
    """Whether a folder is a study, of whatever state; a run folder is none."""
    return (path / "space.yaml").is_file()


def refuse_study_links(path: Path) -> None:
    """See that a study's files are its own, down to the folders of its trials.

    What is in those is looked at where each trial is opened.

    Raises:
        RunError: Something is a link or no file; the message names it.
    """
    refuse_links(path, of="study", levels=3)


def closed_trials(path: Path) -> list[RunFolder]:
    """Trials of a study that no stage will continue or read again.

    The analysis reads the grid's trials, and the validation evaluates its best before it is done.

    Raises:
        RunError: The study holds links, through which others' files would be removed.
    """
    refuse_study_links(path)
    closed_by = {"grid": "analysis", "refinement": "refinement", "validation": "validation"}
    folders = [
        path / "trials" / stage
        for stage, last in closed_by.items()
        if (path / f"{last}.json").is_file()
    ]
    trials = [trial for folder in folders if folder.is_dir() for trial in sorted(folder.iterdir())]
    return [RunFolder(trial) for trial in trials]
