"""The documents say what the software does and what results/ hold."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from commands import application
from documents.model_cards import complaints
from documents.quoting import with_amx
from render_documents import BLOCKS, DOCUMENTS, ROOT, rendered
from thriftnet.recipe import load_recipe, shipped_recipes
from thriftnet.search.candidates import count_candidates
from thriftnet.search.space import load_space

README = (ROOT / "README.md").read_text("utf-8")
FENCED = "".join(re.findall(r"^```\w*\n(.*?)^```$", README, re.DOTALL | re.MULTILINE))
COMMANDS = re.findall(r"^thriftnet .*", FENCED, re.MULTILINE)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_quote_the_results(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    assert rendered(text) == text, "run: python benchmarks/render_documents.py"


KEYS = {"recipe-keys", "space-keys", "resemblance"}
TOLD_BESIDE = {"make-train", "make-test", "paper-claims"}
"""The first two by the block `fresh-clone` between them, the last by the page of `make paper`."""
MACHINE = re.compile(r"(Intel Xeon with AMX|AMD EPYC( without bf16)?), \d threads?|NVIDIA H200")


@pytest.mark.parametrize("name", sorted(set(BLOCKS) - KEYS - TOLD_BESIDE))
def test_every_figure_names_its_machine_and_whether_that_has_amx(name: str) -> None:
    text = BLOCKS[name]()
    assert MACHINE.search(text) or re.search(r"ot (measured|recorded) yet", text)
    assert "Intel Xeon," not in text


def test_files_say_themselves_whether_there_is_amx_or_are_of_a_known_machine() -> None:
    recorded = {"processor": "Intel Xeon", "threads": 2, "amx": False}
    assert with_amx(recorded) == recorded
    for path in (ROOT / "results").glob("*.json"):
        assert with_amx(json.loads(path.read_text("utf-8"))["machine"])["amx"] is not None, (
            path.name
        )


@pytest.mark.parametrize("path", sorted((ROOT / "results").glob("*.json")), ids=lambda p: p.name)
def test_results_name_their_origin(path: Path) -> None:
    figures = json.loads(path.read_text("utf-8"))
    script = figures["command"].split()[1]
    assert (ROOT / script).is_file()
    assert re.fullmatch(r"[0-9a-f]{40}", figures["commit"]), "made from a commit without changes"
    assert figures["machine"]["processor"]


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_of_the_readme_exist(line: str) -> None:
    words = line.split("#")[0].split()
    command = application().commands[words[1]]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("-")} <= known


def test_every_command_of_the_readme_is_looked_at() -> None:
    """Fences that lose step would leave some out."""
    below = README.partition("## Install")[2]
    assert re.findall(r"^thriftnet .*", below, re.MULTILINE) == COMMANDS


def test_the_space_that_the_documents_show_is_one(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "searching.md").read_text("utf-8")
    (shown,) = re.findall(r"^```yaml\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    (tmp_path / "mine.yaml").write_text(shown)
    space = load_space(tmp_path / "mine.yaml")
    assert (space.name, len(count_candidates(space))) == ("mine", 4)


def test_the_recipe_that_the_documents_show_is_one(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "recipe.md").read_text("utf-8")
    (shown,) = re.findall(r"^```\n(name: .*?)^```$", text, re.DOTALL | re.MULTILINE)
    (tmp_path / "mine.yaml").write_text(shown)
    assert load_recipe(tmp_path / "mine.yaml").name == "mine"


@pytest.mark.parametrize("name", shipped_recipes())
def test_every_recipe_opens_with_its_command(name: str) -> None:
    text = (ROOT / "src" / "thriftnet" / "recipes" / f"{name}.yaml").read_text("utf-8")
    assert text.startswith("# ")
    assert f"#   thriftnet train {name}\n" in text
    assert load_recipe(name).name == name
    assert load_recipe(name).description


def test_recipes_that_were_trained_are_still_those() -> None:
    """A recipe that changed after its figures were measured has to be measured again."""
    trained = 0
    for path in (ROOT / "results").glob("*.json"):
        figures = json.loads(path.read_text("utf-8"))
        if "digest" in figures:
            trained += 1
            assert load_recipe(figures["recipe"]).digest() == figures["digest"], path.name
    assert trained


def test_shipped_weights_are_those_of_their_recipes_and_cards() -> None:
    assert complaints() == []


def test_nothing_of_this_machine_is_written_down() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    for name in listed:
        text = (ROOT / name).read_text("utf-8", errors="ignore")
        assert not re.search(r"(?<![\w.])/(work|root|home)/\w", text), name
