"""Functions of a study folder for other commands, without database packages."""

from __future__ import annotations

from pathlib import Path

from thriftnet.runs.folder import RunFolder
from thriftnet.trust import refuse_links


def is_study(path: Path) -> bool:
    """Whether a folder is a study."""
    return (path / "space.yaml").is_file()


def refuse_study_links(path: Path) -> None:
    """Reject links and special files in a study, down to the folders of its trials.

    The content of a trial is checked when it is opened.

    Raises:
        RunError: Something is a link or not a regular file; the message names it.
    """
    refuse_links(path, of="study", levels=3)


def closed_trials(path: Path) -> list[RunFolder]:
    """Trials of a study that no stage will continue or read again.

    The analysis reads the grid's trials, and the validation evaluates its best trial at the end.

    Raises:
        RunError: The study contains links, through which other files would be removed.
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
