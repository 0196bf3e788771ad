"""Suggests what an unknown word means: a typo, another trainer's name, or a recipe key."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from pathlib import Path
from typing import Any

from thriftnet.cli.options.elsewhere import ABSENT, ARGUMENTS, COMMANDS, COMMON, OPTIONS
from thriftnet.elsewhere.tables import answer_to
from thriftnet.errors import ThriftnetError


def about_usage(fault: Exception, context: Any) -> str | None:
    """What to do about an option that a command does not have, or that lacks its value.

    Args:
        fault: As typer raises it, which exports no class for it.
        context: Of the command.

    Returns:
        None if it is another fault.
    """
    given = getattr(fault, "option_name", None)
    if given is None:
        return None
    if hasattr(fault, "possibilities"):
        return f"no option {given} here; {about_option(given, context)}"
    for each in context.command.params:
        if given in each.opts and not getattr(each, "is_flag", False):
            example = f"{given} {each.metavar or 'VALUE'}"
            return f"{given} needs a value, as in: {example}; see {context.command_path} --help"
    return None


def about_option(given: str, context: Any) -> str:
    """What to do instead of an option that a command does not have.

    Args:
        given: As typed, with its dashes and without a value.
        context: Of the command.
    """
    name = _name(given)
    command = context.command
    see = f"see {context.command_path} --help"
    options = _options(command)
    if f"--{name}" in options:
        return f"use --{name} ({see})"
    for argument in _arguments(command):
        if name in ARGUMENTS.get(argument, "").split():
            return f"write {argument} without an option before it ({see})"
    if known := _here(name, options):
        return f"use {known} ({see})"
    if reason := answer_to(name, ABSENT):
        return f"{reason} ({see})"
    others = dict[str, list[str]]() if name in COMMON.split() else _others(context)
    if has := [other for other, theirs in others.items() if f"--{name}" in theirs]:
        return f"{has[0]} has --{name} ({see})"
    for other, theirs in others.items():
        if known := _here(name, theirs):
            return f"{other} has {known} ({see})"
    near = difflib.get_close_matches(name, [each[2:] for each in options], n=1, cutoff=0.7)
    return f"use --{near[0]} ({see})" if near else see


def refuse_pairs(words: Collection[str], context: Any) -> None:
    """Check that no argument is an option written as `epochs=3`, as ultralytics and Hydra do.

    Args:
        words: Arguments as typed.
        context: Of the command.

    Raises:
        ThriftnetError: One is.
    """
    command, see = context.command, f"(see {context.command_path} --help)"
    for word in words:
        key, _, value = word.partition("=")
        if not value or Path(word).exists():
            continue
        name = _name(key)
        if any(name in ARGUMENTS.get(each, "").split() for each in _arguments(command)):
            raise ThriftnetError(f"{word} is not an argument; write just {value} {see}")
        if known := _here(name, _options(command)):
            option, _, setting = known.partition(" ")
            key = f"{setting.partition('=')[0]}=" if "=" in setting else ""
            raise ThriftnetError(f"{word} is not an argument; write {option} {key}{value} {see}")


def about_command(given: str, commands: Collection[str]) -> str:
    """What to do instead of a command that does not exist.

    Args:
        given: As typed.
        commands: Those that exist.
    """
    name = _name(given)
    if name in commands:
        return f"use {name} (see thriftnet --help)"
    if known := answer_to(name, COMMANDS):
        return f"use thriftnet {known} (see thriftnet --help)"
    if near := difflib.get_close_matches(name, commands, n=1, cutoff=0.7):
        return f"use {near[0]} (see thriftnet --help)"
    return "see thriftnet --help"


def _name(typed: str) -> str:
    return typed.lstrip("-").casefold().replace("_", "-")


def _options(command: Any) -> list[str]:
    words = [word for parameter in command.params for word in parameter.opts]
    return [word for word in words if word.startswith("--")]


def _arguments(command: Any) -> list[str]:
    """Placeholders of the arguments, without their dots: MODEL, IMAGE_OR_FOLDER."""
    found = [each for each in command.params if each.param_type_name == "argument"]
    return [(each.metavar or "").partition("...")[0] for each in found]


def _here(name: str, options: Collection[str]) -> str | None:
    """The option that has this name, means it elsewhere, or sets a recipe key that has it."""
    if f"--{name}" in options:
        return f"--{name}"
    for answer, names in OPTIONS.items():
        if name in names.split() and answer.split()[0] in options:
            return answer
    return _as_a_key(name) if "--set" in options else None


def _others(context: Any) -> dict[str, list[str]]:
    """Options of every command, by the command as it is typed."""
    commands = getattr(context.find_root().command, "commands", {})
    return {f"thriftnet {name}": _options(each) for name, each in commands.items()}


def _as_a_key(name: str) -> str | None:
    from thriftnet.recipe import load_recipe
    from thriftnet.recipe.keys import flatten

    leaf = name.replace("-", "_")
    keys = flatten(load_recipe("quick").model_dump(mode="json"))
    found = [key for key in keys if leaf in {key, key.rsplit(".", 1)[-1]}]
    return f"--set {found[0]}=VALUE" if len(found) == 1 else None
