"""Printed commands run as they stand, whatever a run is called."""

from __future__ import annotations

import ast
import os
import subprocess
from pathlib import Path

import pytest

import thriftnet
from thriftnet.commands import command, shell_line

NAMES = ["plain", "my run", "it's", "$HOME", "a;b", "-x", "new\nline", "\x1b[31m", "\\n", "*", "é"]


@pytest.mark.parametrize("name", [*NAMES, os.fsdecode(b"caf\xe9")], ids=ascii)
def test_a_shell_reads_back_what_was_meant(name: str) -> None:
    shown = command("train", "--resume", Path("runs") / name)
    assert shown.isprintable()
    printed = subprocess.run(
        ["bash", "-c", shown.replace("thriftnet", "printf '%s\\0'", 1)], capture_output=True
    )
    assert os.fsdecode(printed.stdout).split("\0")[:-1] == ["train", "--resume", f"runs/{name}"]


def test_a_path_of_one_word_is_neither_an_option_nor_shipped_weights() -> None:
    assert command("evaluate", Path("quick")) == "thriftnet evaluate ./quick"
    assert command("evaluate", Path("-x")) == "thriftnet evaluate ./-x"
    assert command("evaluate", "quick") == "thriftnet evaluate quick"
    assert command("evaluate", Path("/run")) == "thriftnet evaluate /run"
    assert shell_line("rm", "-r", Path("my run")) == "rm -r './my run'"


PACKAGE = Path(thriftnet.__file__).parent


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.name)
def test_no_message_puts_a_command_together_by_itself(path: Path) -> None:
    """A name with a space would make two words of it."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.JoinedStr):
            continue
        text = "".join(
            part.value if isinstance(part, ast.Constant) else "{}" for part in node.values
        )
        begun = text.partition("thriftnet ")[2]
        words = begun.split("; ")[0].split()
        commands = {"train", "evaluate", "predict", "report", "watch", "compare", "search", "runs"}
        joined = words[:1] and words[0] in commands and any("{}" in word for word in words)
        assert not joined, f"{path}:{node.lineno}: use thriftnet.commands.command"
