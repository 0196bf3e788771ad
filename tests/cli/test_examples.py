"""Every command's --help ends with examples that the command line accepts."""

from __future__ import annotations

import shlex

import pytest
import typer

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
        asked = thriftnet(*shlex.split(line)[1:], "--help")
        assert (asked.code, asked.err) == (0, "")
