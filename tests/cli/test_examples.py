"""Every command's --help ends with examples that the command line accepts."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
import typer
from typer.main import get_command

from commands import Command, in_this_process
from thriftnet.cli import app
from thriftnet.cli.examples import EXAMPLES


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
        parse(get_command(app), shlex.split(line))


def parse(command: Any, words: list[str], parent: Any = None) -> None:
    """As click does before it runs a command; `--help` would end it before all words are seen."""
    context = command.make_context(words[0], words[1:], parent=parent)
    left = [*getattr(context, "_protected_args", ()), *context.args]
    if left:  # a group's, whose command comes next
        _, inner, rest = command.resolve_command(context, left)
        parse(inner, [words[0], *rest], context)
