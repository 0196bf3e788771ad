"""Keep what a finished search found: its stages' outcomes, with the commit that trained them.

    python benchmarks/keep_study.py studies/small

Writes results/search_NAME.json: where every candidate landed, what the analysis says of each
stage, what the refinement gave, and who won by how much.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from support.record import write_result
from thriftnet.runs.folder import RunFolder
from thriftnet.search.stages.order import STAGES, read_snapshot
from thriftnet.search.study import Study


def found_in(path: Path) -> dict[str, Any]:
    """A study's outcomes, by stage.

    Raises:
        SystemExit: It is not finished, or its trials are of several commits.
    """
    study = Study.open(path)
    snapshot = read_snapshot(study)
    study.storage.close()
    missing = [stage.name for stage in STAGES if stage.name not in snapshot.outcomes]
    if missing:
        raise SystemExit(f"{path}: {', '.join(missing)} not done; finish the search first")
    rows = [row for stage in STAGES for row in snapshot.jobs[stage.name]]
    trials = {study.trial_path(row.job) for row in rows}
    commits = {RunFolder.open(trial).environment()["commit"] for trial in trials}
    if len(commits) > 1:
        raise SystemExit(f"{path}: trained by several commits: {', '.join(sorted(commits))}")
    return {
        "space": study.space.name,
        "space_digest": study.space.digest(),
        "trained_by": commits.pop(),
        "jobs": {name: len(own) for name, own in snapshot.jobs.items()},
        "training_seconds": sum(map(snapshot.seconds, rows)),
        "outcomes": snapshot.outcomes,
    }


def main() -> None:
    """Read a study and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", type=Path)
    found = found_in(parser.parse_args().study)
    write_result(f"search_{found['space']}", found)


if __name__ == "__main__":
    main()
