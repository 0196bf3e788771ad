"""Prints a search: counts, a line per job, outcomes, and status."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from rich.text import Text

from thriftnet.plain import plain
from thriftnet.screen import CleanConsole, CleanLive
from thriftnet.search.queue.jobs import Candidate, JobRow
from thriftnet.search.snapshot import StudySnapshot
from thriftnet.search.space import Space
from thriftnet.search.status import StageStatus, StudyStatus, read_study_status
from thriftnet.search.study import Study
from thriftnet.table import MISSING, Cell, clock, make_table, millions
from thriftnet.terminal.search_stages import marked, print_analysis, print_refinement
from thriftnet.terminal.tables import narrowed, table_lines, wrapped_lines
from thriftnet.terminal.text import fit, print_whole, print_wrapped, terminal_width, whole
from thriftnet.terminal.work import Work

if TYPE_CHECKING:
    from thriftnet.search.run import SearchResult

_RANKED = 10
"""Maximum of candidates shown in a ranking; the stage's file has all."""
_GAP_SECONDS = 60
"""Longest pause between two stages, while workers start."""


class PrintedSearch:
    """Prints the progress of a search.

    Args:
        doing: Shows what is done meanwhile.
        printed: False: sentences go to standard error, and nothing else is printed.
    """

    def __init__(self, doing: Work | None = None, *, printed: bool = True) -> None:
        self._doing = doing or Work("")
        self._printed = printed

    def note(self, text: str) -> None:
        """Print a sentence."""
        print(text, flush=True, file=sys.stdout if self._printed else sys.stderr)

    def counted(self, space: Space, candidates: Sequence[Candidate]) -> None:
        """Print the table of candidates, those over budget last."""
        self._doing.now("starting the trainings")
        if not self._printed:
            return
        within = [candidate for candidate in candidates if not candidate.refused]
        over = [candidate for candidate in candidates if candidate.refused]
        limit = f"{space.max_parameters:,} parameters"
        limit += f" and {space.max_macs:,} MACs" if space.max_macs else ""
        print_whole(f"{space.name}: {len(within)} candidates within {limit}, {len(over)} over")
        print()
        _print_candidates(within)
        if over:
            print("\nover budget, never trained")
            _print_candidates(over)
        print(flush=True)

    def job(self, row: JobRow, snapshot: StudySnapshot, status: StageStatus, *, done: int) -> None:
        """Print the end of a job."""
        on_progress = self._doing.counting(f"{row.job.stage}, trainings")
        on_progress(done, status.expected or done)
        if done == status.expected:
            self._doing.now(f"concluding {row.job.stage}")
        if not self._printed:
            return
        candidate = snapshot.candidates[row.job.candidate]
        value = "failed" if row.value is None else f"{row.value:.4f}"
        left = "" if status.seconds_left is None else f"  {clock(status.seconds_left)} left"
        start = (
            f"{row.job.stage} {done}/{status.expected}  {value}  "
            f"epoch {row.job.epochs}  {clock(row.seconds or 0)}{left}  "
        )
        text = start + plain(_name(candidate, seed=row.job.seed))
        print_whole(text)
        if row.reason and row.state == "failed":
            print_wrapped(plain(row.reason), indent="  ")

    def concluded(self, stage: str, outcome: dict[str, Any]) -> None:
        """Print what a stage found."""
        self._doing.now("starting the next stage")
        if not self._printed:
            return
        printers = {
            "grid": _print_grid,
            "analysis": print_analysis,
            "refinement": print_refinement,
            "validation": _print_validation,
        }
        printers[stage](outcome)


def searched_json(found: SearchResult) -> dict[str, Any]:
    """The result of a search as plain values."""
    given_up = [{"trial": trial.label, "reason": trial.reason} for trial in found.given_up]
    return {
        "study": str(found.path),
        "finished": found.finished,
        "outcomes": found.outcomes,
        "given_up": given_up,
    }


def status_lines(status: StudyStatus, *, width: int) -> list[str]:
    """Format the status of a study: a line per stage, and its best."""
    columns = (
        "stage", "state", "done", "running", "pruned", "failed", ("best", ".4f"), ("left", clock),
    )  # fmt: skip
    table = make_table(columns, map(_stage_cells, status.stages))
    table = narrowed(table, room=width, drop=("pruned", "failed", "running", "state", "best"))
    over = f", {status.over_budget} over budget" if status.over_budget else ""
    heading = f"{plain(status.path)}  space {status.space}, {status.candidates} candidates{over}"
    below = [
        f"best of {stage.name}: {plain(stage.best_label)}"
        for stage in status.stages
        if stage.best_label is not None
    ]
    below += [
        plain(f"{'given up' if failure.given_up else 'failed'} in {failure.stage}: "
              f"{failure.label} ({failure.reason})")
        for failure in status.failures
    ]  # fmt: skip
    lines = whole(heading, width)
    lines += [fit(line, width).rstrip() for line in table_lines(table)]
    if status.retry:
        below.append(f"try again: {status.retry}")
    return lines + [part for line in below for part in whole(line, width)]


def follow(study: Study, *, pause: Callable[[float], None] = time.sleep) -> None:
    """Show the status of a study: on a terminal until nothing runs, elsewhere once.

    Raises:
        SearchError: The storage cannot be read.
    """
    status = read_study_status(study)
    if not sys.stdout.isatty():
        print("\n".join(status_lines(status, width=terminal_width())))
        return
    ran, quiet = False, 0
    with CleanLive(CleanConsole()) as live:
        while True:
            lines = status_lines(status, width=terminal_width(otherwise=80))
            live.update(Text("\n".join(lines)), refresh=True)
            if any(stage.state == "running" for stage in status.stages):
                ran, quiet = True, 0
            elif status.over or not ran or quiet == _GAP_SECONDS:
                return
            quiet += 1
            pause(1.0)
            status = read_study_status(study)


def _stage_cells(stage: StageStatus) -> tuple[Any, ...]:
    expected = MISSING if stage.expected is None else stage.expected
    done = Cell(f"{stage.done}/{expected}", stage.done)
    counts = stage.running, stage.pruned, stage.failed
    return stage.name, stage.state, done, *counts, stage.best, stage.seconds_left


def _print_candidates(candidates: Sequence[Candidate]) -> None:
    columns = ("parameters", ("MACs", millions), "candidate")
    rows = [(each.parameters, each.macs, _name(each)) for each in candidates]
    room = terminal_width()
    print("\n".join(wrapped_lines(make_table(columns, rows), room=room)))


def _print_grid(outcome: dict[str, Any]) -> None:
    print()
    print_whole(
        f"grid: {outcome['jobs']} jobs of {outcome['competing']} candidates, "
        f"{clock(outcome['seconds'])} of training, "
        f"{outcome['share_of_exhaustive']:.0%} of training every candidate to the end"
    )
    _print_ranking(
        outcome["ranking"], lambda e: (f"{e['val_accuracy']:.4f}", f"epoch {e['epochs']}")
    )
    found = outcome["reference"]
    if found:
        print_whole(
            f"the reference: rank {found['place']} of {len(outcome['ranking'])}, "
            f"{found['val_accuracy']:.4f} at epoch {found['epochs']}"
        )
    print(flush=True)


def _print_validation(outcome: dict[str, Any]) -> None:
    print()
    print_whole(f"validation: {outcome['epochs']} epochs, mean over seeds and 95% interval")
    _print_ranking(outcome["ranking"], lambda e: (f"{e['mean']:.4f} ± {e['half_width'] or 0:.4f}",))
    for entry in outcome.get("unfinished", ()):
        print_wrapped(f"not ranked because a seed failed: {marked(entry)}")
    for at, entry in enumerate(outcome["ranking"][1:]):
        test = entry["winner_less_this"]
        if at == 0 or entry["reference"]:
            names = {"runner-up": at == 0, "reference": entry["reference"]}
            against = ", ".join(name for name, holds in names.items() if holds)
            p = (
                "no test was possible"
                if test["p"] is None
                else (f"{test['test']}, p {test['p']:.3g}, Holm-corrected {test['p_holm']:.3g}")
            )
            print_wrapped(f"winner − {against}: {test['difference']:+.4f} ({p})")
    test = outcome["test"]
    low, high = test["accuracy_interval"]
    print_whole(
        f"test accuracy of the winner (seed {test['seed']}, evaluated once): "
        f"{test['accuracy']:.4f} (95% {low:.4f} to {high:.4f})"
    )
    print(flush=True)


def _print_ranking(
    ranking: Sequence[dict[str, Any]], figures: Callable[[dict[str, Any]], tuple[str, ...]]
) -> None:
    if not ranking:
        print("no candidate finished")
        return
    shown = list(enumerate(ranking, start=1))
    kept = [(at, e) for at, e in shown if at <= _RANKED or e["reference"]]
    rows = [(at, *figures(e), e["parameters"], marked(e)) for at, e in kept]
    columns = ("", *("" for _ in figures(ranking[0])), "", "candidate")
    room = terminal_width()
    lines = wrapped_lines(make_table(columns, rows), room=room, head=False)
    print("\n".join(lines))
    if len(kept) < len(shown):
        print(f"     and {len(shown) - len(kept)} more")


def _name(candidate: Candidate, *, seed: int = 0) -> str:
    told = f"  seed {seed}" if seed else ""
    mark = "  (the reference)" if candidate.reference else ""
    return f"{candidate.label}{told}{mark}"
