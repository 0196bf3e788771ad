"""runs: the list of runs, and what of them can be removed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from thriftnet.cli.app import JsonOption, app, print_json
from thriftnet.cli.options.panels import OUTPUT, PLACE, UNDERSTAND, PanelGroup, option
from thriftnet.terminal.text import print_whole
from thriftnet.terminal.work import working

if TYPE_CHECKING:
    from thriftnet.runs.listing import ListedRun

_LISTED = "List"
_GIVEN = "thriftnet.runs"
"""Key of the words in the context."""


class _Runs(PanelGroup):
    """Words that are no command are what is to be listed."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Keep the words for `runs`, with options before and after them."""
        _, rest, _ = self.make_parser(ctx).parse_args(args=list(args))
        if not rest or rest[0] in self.commands or rest[0].startswith("-"):
            return super().parse_args(ctx, args)
        ctx.allow_interspersed_args = True
        super().parse_args(ctx, args)
        ctx.meta[_GIVEN] = [*ctx._protected_args, *ctx.args]  # the group's own would be run
        ctx._protected_args = ctx.args = list[str]()
        return []


runs_app = typer.Typer(no_args_is_help=False, cls=_Runs, subcommand_metavar="[RUN...] | gc")
app.add_typer(runs_app, name="runs", rich_help_panel=UNDERSTAND)

RunsDirOption = Annotated[Path, option(PLACE, "DIR", "The folder of run folders.", "--runs-dir")]
WhereOption = Annotated[
    list[str] | None,
    option(
        _LISTED,
        "CONDITION",
        "Such as recipe=quick, name=quick-*, optim.lr=0.1 or 'accuracy>0.93' (in quotes); "
        "may be repeated.",
        "--where",
    ),
]


@runs_app.callback(invoke_without_command=True)
def runs(
    context: typer.Context,
    runs_dir: RunsDirOption = Path("runs"),
    where: WhereOption = None,
    sort: Annotated[
        str, option(_LISTED, "COLUMN", "Sort by a column or recipe key, the largest last.")
    ] = "started",
    reverse: Annotated[
        bool, option(_LISTED, None, "Sort with the largest first.", "--reverse")
    ] = False,
    columns: Annotated[
        str | None, option(_LISTED, "A,B,...", "Columns and recipe keys, such as name,optim.lr.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List runs with their state, results and settings.

    Lists all runs in --runs-dir, or those that you name, as in: thriftnet runs runs/mine best
    """
    if context.invoked_subcommand:
        for name in context.params:
            source = context.get_parameter_source(name)
            if source is not None and source.name == "COMMANDLINE":  # gc would not see it
                flag = "--json" if name == "as_json" else f"--{name.replace('_', '-')}"
                raise typer.BadParameter(f"put {flag} after {context.invoked_subcommand}")
        return

    words = context.meta.get(_GIVEN, [])
    source = context.get_parameter_source("runs_dir")
    if words and source is not None and source.name == "COMMANDLINE":
        raise typer.BadParameter(
            "--runs-dir lists a whole folder; leave out --runs-dir or the names"
        )
    with working(f"reading {', '.join(words) or f'the runs in {runs_dir}'}"):
        from thriftnet.runs.filters import check_column, parse_columns, parse_condition, select_runs
        from thriftnet.runs.listing import COLUMNS, list_runs
        from thriftnet.terminal.runs import print_runs

        conditions = [parse_condition(text) for text in where or ()]
        chosen = parse_columns(columns) if columns is not None else None
        check_column(sort)
        listed = _list_named(words) if words else list_runs(runs_dir)
        kept = select_runs(listed, conditions, sort=sort, reverse=reverse)
    if as_json:
        print_json([run.to_json(chosen or COLUMNS) for run in kept])
    elif kept:
        print_runs(kept, chosen)
    elif listed:
        where_from = "named" if words else f"in {runs_dir}"
        print_whole(f"none of the {len(listed)} runs {where_from} meets the conditions")
    else:
        print_whole(f"no runs in {runs_dir} yet; start with: thriftnet train")


def _list_named(words: Sequence[str]) -> list[ListedRun]:
    """The rows of runs, networks, and folders of runs.

    Raises:
        RunError: A word names none of these.
    """
    from thriftnet.runs.folder import RunFolder
    from thriftnet.runs.listing import list_runs, read_run
    from thriftnet.weights.adopt import adopted, find_or_adopt

    listed: list[ListedRun] = []
    for word in words:
        run = RunFolder(find_or_adopt(word))
        if run.path.is_dir() and not run.recipe_path.is_file():
            listed += list_runs(run.path)
            continue
        row = read_run(RunFolder.open(run.path))
        if adopted(run.environment()):  # not when its folder was made
            row = replace(row, facts={**row.facts, "started": None})
        listed.append(row)
    return listed


@runs_app.command()
def gc(
    runs_dir: RunsDirOption = Path("runs"),
    yes: Annotated[bool, option(OUTPUT, None, "Remove without asking.", "--yes", "-y")] = False,
    as_json: JsonOption = False,
) -> None:
    """Remove the checkpoints of finished runs, after showing which and how much.

    Models, predictions, metrics and unfinished runs are kept. In a study of thriftnet search
    (--runs-dir STUDY), all trials of completed stages count as finished.
    """
    from thriftnet.runs.cleanup import find_superseded, remove_superseded, superseded
    from thriftnet.runs.folder import RunFolder
    from thriftnet.runs.listing import find_runs
    from thriftnet.search.folder import closed_trials, is_study
    from thriftnet.terminal.runs import print_superseded
    from thriftnet.terminal.text import show_bytes

    with working(f"reading the runs in {runs_dir}"):
        study = is_study(runs_dir)
        runs = closed_trials(runs_dir) if study else find_runs(runs_dir)
        unneeded = RunFolder.checkpoints if study else superseded
        found = find_superseded(runs, unneeded=unneeded)
    if found and not as_json:
        print_superseded(found)
    elif not as_json:
        print_whole(f"nothing to remove: no finished run in {runs_dir} keeps checkpoints")
    agreed = found and (yes or _agreed(as_json))
    freed = remove_superseded(found, unneeded=unneeded) if agreed else 0
    if as_json:
        print_json({"superseded": [entry.to_json() for entry in found], "bytes_removed": freed})
    elif freed:
        print(f"removed {show_bytes(freed)}")
    elif found:
        print("nothing was removed" + ("" if sys.stdin.isatty() else "; to remove it add --yes"))


def _agreed(as_json: bool) -> bool:
    """Ask for confirmation on a terminal; False without one."""
    if as_json or not sys.stdin.isatty():
        return False
    return typer.confirm("remove them?")
