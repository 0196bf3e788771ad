"""Every command's JSON has the keys that docs/command-line.md names, no more and no fewer."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import thriftnet as package
from calibrated_models import calibration, model
from commands import Command, application
from hub_server import hub_server
from own_pictures import put
from small import small_recipe
from thriftnet.bench import machine
from thriftnet.evaluation.calibrate import CalibratedModel
from thriftnet.export import pictures as choosing
from thriftnet.models.rewrite import write_calibration
from thriftnet.models.saved import save_model
from thriftnet.recipe import load_recipe
from thriftnet.runs.folder import RunFolder

pytestmark = pytest.mark.usefixtures("svg_alone")
PAGE = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text("utf-8")
WITHOUT = {"serve": "answers over HTTP"}
"""Commands that print no JSON, and why."""
LINES = {"train", "watch"}
"""Print a line per event; tests/documents/test_command_line_page.py has the keys of their kinds."""
NAMED = {"recipes"}
"""Keys are names."""


def documented() -> dict[str, set[str]]:
    """Keys by command, of the tables of objects and of lists."""
    rows = re.findall(r"^\| `([a-z -]+)` \| (`.*) \|$", PAGE, re.MULTILINE)
    found = {name: re.split(r"; or|<", keys)[0] for name, keys in rows}
    return {name: set(re.findall(r"`([^`]+)`", keys)) for name, keys in found.items()}


def walk(command: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every command with its path; a group that does something by itself, too."""
    for name, each in getattr(command, "commands", {}).items():
        yield f"{path}{name}", each
        yield from walk(each, f"{path}{name} ")


COMMANDS = dict(walk(application()))


def test_every_command_prints_json_or_says_why_not() -> None:
    named = {"search" if name == "search run" else name for name in COMMANDS} - {"search run"}
    with_json = {
        "search" if name == "search run" else name
        for name, each in COMMANDS.items()
        if any("--json" in parameter.opts for parameter in each.params)
    }
    assert named - with_json == set(WITHOUT)
    assert {name.partition(" --")[0] for name in documented()} - LINES == (
        with_json - LINES - NAMED
    )


@pytest.fixture
def world(small_world: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Runs, pictures, a model with a calibration, and a machine that is measured in no time."""
    shutil.copytree("runs/done", "runs/other")
    put(Path("photos"), {"cat": 12, "dog": 12})
    save_model(Path("m.safetensors"), model())
    write_calibration(Path("m.safetensors"), Path("m.safetensors"), calibration())
    monkeypatch.setenv("THRIFTNET_CACHE", str(small_world / "cache"))
    monkeypatch.setattr(choosing, "COMPARED", 20)
    Path("audited.yaml").write_text(
        small_recipe(
            data={"val_ratio": 0, "test_ratio": 0.2}, train={"epochs": 1, "batch_size": 8}
        ).to_yaml()
    )
    monkeypatch.setattr(machine, "convolution_rate", lambda *_, **__: 1e9)
    measure, tiny = machine.run_bench, load_recipe("smoke", ["model.channels=[4,4,4]"])
    monkeypatch.setattr(
        machine, "run_bench", lambda *_, say: measure(tiny, [], say=say, seconds=0.02)
    )
    return small_world


CALLS = {
    "evaluate": ("evaluate", "runs/done"),
    "evaluate --robust": ("evaluate", "runs/done", "--robust", "--images", "20"),
    "calibrate --remove": ("calibrate", "m.safetensors", "--remove"),
    "export": ("export", "runs/done", "--to", "folder", "-o", "out"),
    "inspect": ("inspect", "photos"),
    "audit": ("audit", "photos", "--recipe", "audited.yaml", "--folds", "2"),
    "describe": ("describe", "small.yaml"),
    "bench": ("bench",),
    "report": ("report", "runs/done"),
    "compare": ("compare", "runs/done", "runs/other"),
    "predict": ("predict", "runs/done", "picture.png"),
    "explain": ("explain", "runs/done", "picture.png", "--nearest", "0"),
    "runs": ("runs",),
    "runs gc": ("runs", "gc"),
}
ELSEWHERE = {"calibrate", "push", "pull", "search", "search status"}
"""In tests of their own below."""


def test_every_documented_command_is_called() -> None:
    assert set(CALLS) | ELSEWHERE == set(documented())


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.usefixtures("world")
def test_a_command_prints_the_keys_that_are_documented(thriftnet: Command, name: str) -> None:
    if name == "compare":
        for run in ("runs/done", "runs/other"):
            assert thriftnet("evaluate", run).code == 0
    done = thriftnet(*CALLS[name], "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    if isinstance(found, list):
        assert found
        assert all(set(each) == documented()[name] for each in found)
    else:
        assert set(found) == documented()[name]


def test_a_calibration_has_the_keys(tmp_path: Path) -> None:
    found = CalibratedModel(tmp_path, calibration(), "none").to_json()
    assert set(found) == documented()["calibrate"]


@pytest.mark.usefixtures("world")
def test_what_is_pushed_and_pulled(thriftnet: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    constants = pytest.importorskip("huggingface_hub.constants")
    with hub_server() as server:
        pages = "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "ENDPOINT", server.address)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", server.address + pages)
        monkeypatch.setenv("HF_TOKEN", "hf_test")
        pushed = thriftnet("push", "runs/done", "me/done", "--json")
        pulled = thriftnet("pull", "me/done", "-o", "here", "--json")
    assert (pushed.code, pulled.code) == (0, 0), pushed.err + pulled.err
    assert set(json.loads(pushed.out)) == documented()["push"]
    assert json.loads(pulled.out) == {"path": "here"}
    assert documented()["pull"] == {"path"}


def test_a_search_and_its_status(thriftnet: Command, study: Path) -> None:
    again = thriftnet("search", "run", study / "space.yaml", "--study", study, "--json")
    assert again.code == 0, again.err
    found = json.loads(again.out)
    assert set(found) == documented()["search"]
    assert found["finished"] is True
    assert list(found["outcomes"]) == ["grid", "analysis", "refinement", "validation"]
    status = thriftnet("search", "status", study, "--json")
    assert set(json.loads(status.out)) == documented()["search status"]


def test_recipes_are_named(thriftnet: Command) -> None:
    assert json.loads(thriftnet("recipes", "--json").out)["quick"]


@pytest.mark.usefixtures("small_world")
def test_a_watch_prints_the_lines_of_the_run(thriftnet: Command) -> None:
    done = thriftnet("watch", "runs/done", "--json")
    assert done.code == 0
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert lines == RunFolder.open(Path("runs/done")).metrics()
    assert thriftnet("watch", "runs/done", "--json", "--port", "0").code == 2


@pytest.mark.usefixtures("small_world")
def test_the_page_names_what_evaluations_add_to_a_watch(thriftnet: Command) -> None:
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| (.+) \|$", PAGE, re.MULTILINE)
    own = {kind: set(re.findall(r"`(\w+)`", keys)) | {"kind"} for kind, keys in rows}
    figures = documented()["evaluate"]
    for added in ((), ("--corruption", "contrast:3"), ("--robust", "--images", "20")):
        assert thriftnet("evaluate", "runs/done", *added).code == 0
    lines = [
        json.loads(line) for line in thriftnet("watch", "runs/done", "--json").out.splitlines()
    ]
    found = {line["kind"]: set(line) for line in lines}
    assert found["test"] <= own["test"] | figures
    assert found["evaluation"] <= own["evaluation"] | figures
    assert own["evaluation"] <= found["evaluation"]
    assert found["robustness"] == own["robustness"] | documented()["evaluate --robust"]
    written = {
        kind
        for path in Path(package.__file__).parent.rglob("*.py")
        for kind in re.findall(r'"kind": "(\w+)"', path.read_text("utf-8"))
    }
    assert written <= set(own)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_an_error_leaves_standard_output_empty(thriftnet: Command, name: str) -> None:
    if any("--json" in parameter.opts for parameter in COMMANDS[name].params):
        done = thriftnet(*name.split(), "--json", "--no-such-option")
        assert (done.code, done.out) == (2, "")
        assert "--no-such-option" in done.error_line
