"""Every command's --help has groups, and ends with examples that the command line accepts."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest
import typer

from commands import Command, application, in_this_process
from thriftnet.cli import app
from thriftnet.cli.options.examples import EXAMPLES


@pytest.fixture
def thriftnet(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return in_this_process(monkeypatch, capsys)


def names(application: typer.Typer, path: str = "") -> set[str]:
    found = {
        f"{path}{c.name or getattr(c.callback, '__name__', '')}"
        for c in application.registered_commands
    }
    for group in application.registered_groups:
        found.add(f"{path}{group.name}")
        if group.typer_instance is not None:
            found |= names(group.typer_instance, f"{path}{group.name} ")
    return found


def test_every_command_has_examples_and_no_other() -> None:
    assert set(EXAMPLES) == names(app)


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_the_help_shows_examples_that_parse(thriftnet: Command, name: str) -> None:
    shown = thriftnet(*name.split(), "--help").out
    for line in EXAMPLES[name]:
        assert f"\n    {line}\n" in shown
        parse(application(), shlex.split(line))


def parse(command: Any, words: list[str], parent: Any = None) -> None:
    """As click does before it runs a command; `--help` would end it before all words are seen."""
    context = command.make_context(words[0], words[1:], parent=parent)
    left = [*getattr(context, "_protected_args", ()), *context.args]
    if left:  # a group's, whose command comes next
        _, inner, rest = command.resolve_command(context, left)
        parse(inner, [words[0], *rest], context)


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_the_help_lists_options_in_groups(thriftnet: Command, name: str) -> None:
    shown = thriftnet(*name.split(), "--help").out
    assert "<bool>" not in shown
    heads = re.findall(r"^(\w[\w ]*):$", shown, re.MULTILINE)
    options = len(re.findall(r"^  -", shown, re.MULTILINE))
    groups = [head for head in heads if head not in {"Arguments", "Commands", "Options"}]
    assert len(groups) >= (2 if options > 7 else 1 if options > 1 else 0), heads
    if "Options" in heads and options > 3:  # what every command has, and what fits nowhere else
        rest = shown.partition("\nOptions:\n")[2].partition("\n\n")[0]
        assert len(re.findall(r"^  -", rest, re.MULTILINE)) <= 3


def test_the_help_of_all_lists_each_command_in_a_group_with_a_whole_sentence(
    thriftnet: Command,
) -> None:
    shown = thriftnet("--help").out
    assert "Commands:" not in shown
    assert "..." not in shown.partition("\n\n")[2].partition("Examples:")[0]  # nothing is cut
    for name in {name.split()[0] for name in EXAMPLES}:
        assert re.search(rf"^  {name} +[A-Z]", shown, re.MULTILINE), name
