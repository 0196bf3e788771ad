"""Values that are empty, and `-`, for every option and argument of every command."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from commands import Command, application, in_this_process
from thriftnet.errors import RunError
from thriftnet.weights.find import find_model, find_run


@pytest.fixture
def thriftnet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    monkeypatch.chdir(tmp_path)
    return in_this_process(monkeypatch, capsys)


def walk(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command and group below the application, with the words that name it."""
    for name, each in getattr(command, "commands", {}).items():
        yield (*path, name), each
        yield from walk(each, (*path, name))


COMMANDS = dict(walk(application()))
VALUES = [
    (path, parameter)
    for path, command in COMMANDS.items()
    for parameter in command.params
    if not getattr(parameter, "is_flag", False)
]
PATHS = [
    (path, parameter.opts[0])
    for path, parameter in VALUES
    if parameter.metavar in {"CSV", "DIR", "FILE", "FOLDER", "PATH"}
]


def test_every_option_that_takes_a_path_says_so():
    """By its placeholder, which decides whether `-` is refused."""
    options = {option for _, option in PATHS}
    assert options >= {"--data", "--runs-dir", "--output", "--maps", "--study", "--token-file"}
    written = {path for path, option in PATHS if option == "--output"}
    others = {path for path, each in VALUES if "--output" in each.opts} - written
    assert others == {("predict",)}


@pytest.mark.parametrize(
    ("path", "parameter"), VALUES, ids=lambda value: getattr(value, "name", "")
)
def test_an_empty_value_is_refused_before_anything_is_done(
    thriftnet: Command, tmp_path: Path, path: tuple[str, ...], parameter: Any
):
    option = parameter.param_type_name == "option"
    end = thriftnet(*path, *([parameter.opts[0]] if option else []), "")
    assert end.code == 2
    assert "it is empty; give a value" in end.error_line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("path", "option"), PATHS)
def test_a_dash_is_no_file(thriftnet: Command, tmp_path: Path, path: tuple[str, ...], option: str):
    end = thriftnet(*path, option, "-")
    assert end.code == 2
    assert "- is not a file here; name one, or write ./-" in end.error_line
    assert list(tmp_path.iterdir()) == []


def test_predictions_go_to_standard_output(thriftnet: Command, tmp_path: Path):
    Image.new("RGB", (40, 40)).save(tmp_path / "a, b.png")
    printed = thriftnet("predict", "quick", "a, b.png", "-o", "-")
    assert (printed.code, printed.err) == (0, "")
    assert [path.name for path in tmp_path.iterdir()] == ["a, b.png"]
    assert thriftnet("predict", "quick", "a, b.png", "-o", "rows.csv").code == 0
    assert printed.out == (tmp_path / "rows.csv").read_text("utf-8")
    assert [row[0] for row in csv.reader(io.StringIO(printed.out))] == ["file", "a, b.png"]
    end = thriftnet("predict", "quick", "a, b.png", "-o", "-", "--resume")
    assert "--resume: it is for a file of --output; leave it out" in end.error_line
    assert thriftnet("predict", "quick", "a, b.png", "-o", "./-").code == 0
    assert (tmp_path / "-").read_text("utf-8") == printed.out


@pytest.mark.parametrize("find", [find_model, find_run])
def test_an_empty_name_is_no_network(find: Any):
    with pytest.raises(RunError, match="is empty; give its name or path"):
        find("")


@pytest.mark.parametrize("command", ["predict", "serve"])
@pytest.mark.parametrize(
    ("option", "example"), [("--at-least", "0.99"), ("--reject-outliers", "0.05")]
)
def test_a_share_that_is_no_number_is_answered_by_one(
    thriftnet: Command, command: str, option: str, example: str
):
    end = thriftnet(command, "quick", *(["a.png"] if command == "predict" else []), option, "5%")
    assert end.code == 2
    assert f"'{option}': 5% is not a number; give one such as {example}; see" in end.error_line
