"""search: run a search, and show its status."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Annotated, Any

import typer

from thriftnet.cli.app import DataOption, JsonOption, app, print_json
from thriftnet.cli.options.panels import OUTPUT, TRAIN, WORKERS, PanelGroup, option
from thriftnet.commands import command
from thriftnet.plain import to_stderr
from thriftnet.terminal.output import outlast_output
from thriftnet.terminal.text import print_whole
from thriftnet.terminal.work import working


class _RunByDefault(PanelGroup):
    """`search small` is `search run small`: the first word is a command or else a space."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in {*self.commands, "--help"}:
            args = ["run", *args]
        return super().parse_args(ctx, args)


search_app = typer.Typer(
    cls=_RunByDefault,
    no_args_is_help=True,
    help="Search a space of recipes for the best: thriftnet search SPACE",
)
app.add_typer(search_app, name="search", rich_help_panel=TRAIN)

_LONGEST_HEARTBEAT = 600
"""Seconds; a dead worker keeps its job six times as long."""
StorageOption = Annotated[
    str | None,
    option(
        WORKERS,
        "URL",
        "Database for several machines: postgresql://user@host/name. Default: a file.",
    ),
]


@search_app.command()
def run(
    space: Annotated[
        str,
        typer.Argument(metavar="SPACE", help="A shipped space, small or medium, or a .yaml path."),
    ],
    study: Annotated[
        Path | None, option(OUTPUT, "DIR", "Study folder. Default: studies/NAME.")
    ] = None,
    stage: Annotated[
        str | None,
        option(WORKERS, "STAGE", "Run this stage only: grid, analysis, refinement or validation."),
    ] = None,
    workers: Annotated[
        int | None,
        option(WORKERS, "N", "Parallel trainings. Default: one per GPU, else one per core.", min=1),
    ] = None,
    storage: StorageOption = None,
    cluster: Annotated[
        str | None,
        option(
            WORKERS,
            "ADDRESS",
            "Train on a Ray cluster: auto, local, ray://host:10001 or host:port.",
        ),
    ] = None,
    heartbeat: Annotated[
        float,
        option(
            WORKERS,
            "SECONDS",
            "Seconds between heartbeats; a worker that misses six is dead.",
            min=0.1,
        ),
    ] = 5.0,
    retry: Annotated[
        bool, option(WORKERS, None, "Retry the trials whose workers crashed.", "--retry")
    ] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Search a space, or continue where it stopped."""
    if not heartbeat <= _LONGEST_HEARTBEAT:  # true for nan, too
        raise typer.BadParameter(f"--heartbeat is {heartbeat:g}; give {_LONGEST_HEARTBEAT} or less")
    from thriftnet.search.packages import require_search_packages

    require_search_packages()
    outlast_output()
    with working(f"counting the candidates of {space}") as doing:
        from thriftnet.search.run import run_search
        from thriftnet.terminal.search import PrintedSearch, searched_json

        found = run_search(
            space,
            study=study,
            stage=stage,
            workers=workers,
            data=data,
            storage=storage,
            cluster=cluster,
            heartbeat=heartbeat,
            retry=retry,
            progress=PrintedSearch(doing, printed=not as_json),
        )
    if as_json:
        print_json(searched_json(found))
    if not found.finished:
        to_stderr(f"stopped; run the same command again to continue {found.path}")
        raise typer.Exit(130)
    if not as_json:
        looked = command("report", found.path)
        if "validation" in found.outcomes:
            print_whole(f"next: {command('train', found.path / 'winner.yaml')}   or   {looked}")
        else:
            print_whole(f"next: {found.again}   or   {looked}")
    if found.given_up:
        given = "; ".join(f"{trial.label} ({trial.reason})" for trial in found.given_up)
        trials = "1 trial" if len(found.given_up) == 1 else f"{len(found.given_up)} trials"
        to_stderr(
            f"the results do not include {trials} whose workers crashed: {given}; run the same "
            "command with --retry to try again"
        )
        raise typer.Exit(1)


@search_app.command()
def status(
    study: Annotated[Path, typer.Argument(metavar="STUDY", help="A study folder.")],
    storage: StorageOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a study's status; updates live on a terminal."""
    from thriftnet.search.packages import require_search_packages

    require_search_packages()
    with working(f"reading {study}"):
        from thriftnet.search.status import read_study_status
        from thriftnet.search.study import Study
        from thriftnet.terminal.search import follow

        opened = Study.open(study, url=storage, read_only=True)
    with contextlib.closing(opened.storage):
        if as_json:
            print_json(read_study_status(opened).to_json())
            return
        with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C ends the display
            follow(opened)
