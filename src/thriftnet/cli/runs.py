"""runs: the list of runs, and what of them can be removed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from thriftnet.cli.app import JsonOption, app, print_json
from thriftnet.cli.options.panels import OUTPUT, PLACE, UNDERSTAND, PanelGroup, option
from thriftnet.commands import command
from thriftnet.errors import RunError
from thriftnet.terminal.work import working

_LISTED = "List"


class _Runs(PanelGroup):
    """A word that is no command is a run, or a folder of them, without the option."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command, or say what to write instead."""
        if args[0] not in self.commands and not args[0].startswith("-"):
            _refuse_word(args[0])
        return super().resolve_command(ctx, args)


def _refuse_word(word: str) -> None:
    """Say how to list what a word names, if it names anything.

    Raises:
        RunError: It names a network, a run or a folder.
    """
    from thriftnet.runs.folder import RunFolder
    from thriftnet.weights.find import find_run

    path = find_run(word)
    if RunFolder(path).recipe_path.is_file():
        listed = command("runs", "--runs-dir", path.parent)
        raise RunError(
            f"{word} is one run; list the runs of its folder with: {listed}; or follow it with: "
            f"{command('watch', path)}"
        )
    if path.is_dir():
        raise RunError(f"give the folder as an option: {command('runs', '--runs-dir', path)}")


runs_app = typer.Typer(no_args_is_help=False, cls=_Runs)
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
        str, option(_LISTED, "COLUMN", "A column or recipe key; the largest comes last.")
    ] = "started",
    reverse: Annotated[bool, option(_LISTED, None, "The largest first.", "--reverse")] = False,
    columns: Annotated[
        str | None, option(_LISTED, "A,B,...", "Columns and recipe keys, such as name,optim.lr.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List runs: their state, figures and settings."""
    if context.invoked_subcommand:
        for name in context.params:
            source = context.get_parameter_source(name)
            if source is not None and source.name == "COMMANDLINE":  # gc would not see it
                flag = "--json" if name == "as_json" else f"--{name.replace('_', '-')}"
                raise typer.BadParameter(f"put {flag} after {context.invoked_subcommand}")
        return

    with working(f"reading the runs in {runs_dir}"):
        from thriftnet.runs.filters import check_column, parse_columns, parse_condition, select_runs
        from thriftnet.runs.listing import COLUMNS, list_runs
        from thriftnet.terminal.runs import print_runs

        conditions = [parse_condition(text) for text in where or ()]
        chosen = parse_columns(columns) if columns is not None else None
        check_column(sort)
        listed = list_runs(runs_dir)
        kept = select_runs(listed, conditions, sort=sort, reverse=reverse)
    if as_json:
        print_json([run.to_json(chosen or COLUMNS) for run in kept])
    elif kept:
        print_runs(kept, chosen)
    elif listed:
        print(f"none of the {len(listed)} runs in {runs_dir} meets the conditions")
    else:
        print(f"no runs in {runs_dir} yet; begin with: thriftnet train")


@runs_app.command()
def gc(
    runs_dir: RunsDirOption = Path("runs"),
    yes: Annotated[bool, option(OUTPUT, None, "Remove without asking.", "--yes", "-y")] = False,
    as_json: JsonOption = False,
) -> None:
    """Remove the checkpoints of finished runs, after showing which and how much.

    Models, predictions and metrics stay, and so does everything of an unfinished run. Of a study of
    thriftnet search (--runs-dir STUDY), trials of stages that are done are finished as they are.
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
        print(f"nothing to remove: no finished run in {runs_dir} keeps checkpoints")
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
