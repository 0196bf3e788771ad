"""Groups of options and commands in `--help`."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from thriftnet.cli.options.mistakes import refuse_pairs
from thriftnet.terminal.text import terminal_width

RECIPE = "Recipe"
PICTURES = "Pictures"
BUDGET = "Budget"
PLACE = "Run folder"
COMPUTING = "Computing"
WORKERS = "Workers"
ACCESS = "Access"
LIMITS = "Limits"
OUTPUT = "Output"

TRAIN = "Train and evaluate"
USE = "Use a network"
UNDERSTAND = "Understand runs"
PREPARE = "Prepare"

_REST = "Options"
_LEAST_HELP = 30
"""Columns."""
_PATHS = {"CSV", "DIR", "FILE", "FOLDER", "PATH"}
"""Placeholders of options that take a path; one that takes a stream, too, is FILE|-."""


def option(panel: str | None, metavar: str | None, help: str, *names: str, **rest: Any) -> Any:
    """An option in a group of `--help`.

    Args:
        panel: The group; None: the last one, which has `--help`.
        metavar: Placeholder of the value; None for a flag.
        help: A sentence.
        names: Such as `--output`, `-o`; none: that of the parameter.
        rest: Further arguments of `typer.Option`, such as `min`.
    """
    return typer.Option(*names, metavar=metavar, help=help, rich_help_panel=panel, **rest)


def _write_options(command: Any, ctx: Any, formatter: Any) -> None:
    """Arguments, then each group of options in the order of its first one, then the rest."""
    panels: dict[str, list[tuple[str, str]]] = {}
    for parameter in command.get_params(ctx):
        record = parameter.get_help_record(ctx)
        if record is not None:
            argument = parameter.param_type_name == "argument"
            panel = getattr(parameter, "rich_help_panel", None) or _REST
            if argument:  # its type says nothing that its name does not
                panel, record = "Arguments", (record[0].partition(" <")[0], record[1])
            panels.setdefault(panel, []).append(record)
    rest = panels.pop(_REST, [])
    for name, records in [*panels.items(), (_REST, rest)]:
        with formatter.section(name):
            formatter.write_dl(records)


def _words(command: Any, typed: dict[str, Any]) -> list[str]:
    """What was typed as an argument, not as an option's value."""
    found: list[str] = []
    for parameter in command.params:
        given = typed.get(parameter.name)
        if parameter.param_type_name == "argument" and given is not None:
            found += given if isinstance(given, (list, tuple)) else [given]
    return found


def _is_number(text: Any) -> bool:
    try:
        float(text)
    except (TypeError, ValueError):
        return False
    return True


def _check_given(command: Any, ctx: Any, arguments: list[str]) -> None:
    """Check what was typed, as `Path("")` would be the current folder.

    Raises:
        typer.BadParameter: A value is empty, or no number where the placeholder is one, such as
            5% for 0.05; or a path is `-`, by which other programs mean standard input or output.
        ThriftnetError: An argument is an option written as `epochs=3`.
    """
    if ctx.resilient_parsing:  # of a completion
        return
    try:
        typed, more, _ = command.make_parser(ctx).parse_args(args=list(arguments))
    except Exception as fault:  # typer exports no class for it
        if getattr(fault, "ctx", ctx) is None:  # of an option without its value
            vars(fault)["ctx"] = ctx  # to name the command and its placeholder
        raise
    if not hasattr(command, "commands"):  # a group's rest has the options of the command
        refuse_pairs([*_words(command, typed), *more], ctx)
    for parameter in command.get_params(ctx):
        given = typed.get(parameter.name)
        values = given if isinstance(given, (list, tuple)) else [given]
        if "" in values:
            raise typer.BadParameter("it is empty; give a value, or leave it out", ctx, parameter)
        if _is_number(parameter.metavar) and given is not None and not _is_number(given):
            raise typer.BadParameter(
                f"{given} is not a number; give one such as {parameter.metavar}", ctx, parameter
            )
        if "-" in values and parameter.metavar in _PATHS:
            raise typer.BadParameter(
                "- is not a file here; name one, or write ./- for a file of that name",
                ctx,
                parameter,
            )


def _narrow(formatter: Any) -> None:
    """Fit a help to a terminal of under 52 columns, for which click still writes 50."""
    formatter.width = min(formatter.width, max(_LEAST_HELP, terminal_width(otherwise=80) - 2))


class PanelCommand(TyperCommand):
    """A command whose `--help` lists its options in groups, and that refuses empty values."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the command line."""
        _check_given(self, ctx, args)
        return super().parse_args(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write all of the help."""
        _narrow(formatter)
        super().format_help(ctx, formatter)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments and options."""
        _write_options(self, ctx, formatter)


class PanelGroup(TyperGroup):
    """Commands whose `--help` lists options and commands in groups, as `PanelCommand`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the command line up to the command."""
        _check_given(self, ctx, args)
        return super().parse_args(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write all of the help."""
        _narrow(formatter)
        super().format_help(ctx, formatter)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write options, then commands."""
        _write_options(self, ctx, formatter)
        panels: dict[str, list[Any]] = {}
        for name in self.list_commands(ctx):
            command: Any = self.get_command(ctx, name)
            panels.setdefault(command.rich_help_panel or "Commands", []).append((name, command))
        for panel, commands in panels.items():
            with formatter.section(panel):
                width = max(10, max(len(name) for name, _ in commands))  # columns line up
                formatter.write_dl(
                    [(name.ljust(width), c.get_short_help_str(100)) for name, c in commands]
                )
