"""`pip install thriftnet` without extras: everything but what their packages do."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest
from PIL import Image

from commands import NARROW
from own_pictures import put

ROOT = Path(__file__).parents[2]

# Runs commands one after the other where the packages of all extras are not to be found, and tells
# where on both streams the output of each group ends.
WITHOUT_EXTRAS = """
import json, sys
class Without:
    def __init__(self, finder):
        self.finder = finder
    def __getattr__(self, name):
        return getattr(self.finder, name)
    def find_spec(self, name, *rest):
        lacking = name.partition(".")[0] in {lacking!r}
        return None if lacking else self.finder.find_spec(name, *rest)
sys.meta_path[:] = map(Without, sys.meta_path)
from thriftnet.cli import main
for group in json.loads(sys.argv[1]):
    for command in group:
        sys.argv = ["thriftnet", *command]
        try:
            main()
        except SystemExit as end:
            print(command[0], "ended with", end.code or 0, flush=True)
    for slow in {{"torch._dynamo", "sympy"}} & set(sys.modules):
        print(slow, "was imported, which takes a second or half of one", file=sys.stderr)
    for stream in (sys.stdout, sys.stderr):
        print({end!r}, file=stream, flush=True)
"""
END = "=== end of a group ==="


def packages_of_extras() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"].items()
    lines = [line for name, lines in extras if name != "dev" for line in lines]
    names = {re.split(r"[\[<>=~ ]", line)[0].replace("-", "_") for line in lines}
    return names - {"thriftnet"}


class Told(NamedTuple):
    """What a group of commands printed."""

    out: str
    err: str

    @property
    def codes(self) -> list[str]:
        ended = [line for line in self.out.splitlines() if " ended with " in line]
        return [line.rpartition(" ")[2] for line in ended]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("plain")


@pytest.fixture(scope="module")
def told(folder: Path) -> dict[str, Told]:
    """What commands say without an extra; one process for all, as each would import for seconds."""
    run, picture, onnx = (folder / name for name in ("mine", "picture.png", "x.onnx"))
    Image.new("RGB", (32, 32)).save(picture)
    onnx.touch()
    (folder / "study").mkdir()
    (folder / "study" / "space.yaml").touch()
    photos = put(folder / "photos", {"cat": 30, "dog": 30})
    few = ("--data", photos, "--batch-size", "8", *NARROW, "--epochs", "1")
    groups: dict[str, list[tuple[str | Path, ...]]] = {
        "works": [
            ("train", "smoke", *few, "--name", "mine", "--runs-dir", folder),
            ("evaluate", run),
            ("predict", run, picture),
            ("report", run),
            ("describe", "quick"),
            ("runs", "--runs-dir", folder),
        ],
        "search": [
            ("search", "small"),
            ("search", "status", folder / "study"),
            ("report", folder / "study"),
        ],
        "export": [
            ("export", "quick", "--to", "onnx"),
            ("export", "quick", "--to", "onnx-int8"),
            ("predict", onnx, onnx),
            ("export", "quick", "--to", "litert"),
            ("export", "quick", "--to", "executorch"),
            ("push", "quick", "you/quick"),
            ("pull", "you/quick"),
        ],
    }
    code = WITHOUT_EXTRAS.format(lacking=packages_of_extras(), end=END)
    words = [[[*map(str, command)] for command in group] for group in groups.values()]
    environment = {
        **os.environ,
        "COLUMNS": "200",
        "THRIFTNET_CACHE": str(folder / "cache"),
        "THRIFTNET_FUSED": "0",  # which would be compiled into that cache
    }
    command = [sys.executable, "-c", code, json.dumps(words)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    parts = [stream.split(f"{END}\n")[:-1] for stream in (done.stdout, done.stderr)]
    return dict(zip(groups, map(Told, *parts), strict=True))


def test_it_trains_evaluates_classifies_and_reports(told: dict[str, Told], folder: Path):
    assert {"optuna", "sqlalchemy", "ray", "psycopg"} <= packages_of_extras()
    said = [line for line in told["works"].err.splitlines() if "pictures" not in line]
    assert said == []  # but for what pictures there are
    assert (folder / "mine" / "report.html").is_file()
    assert told["works"].codes == ["0"] * 6


def test_a_search_and_its_report_name_the_extra(told: dict[str, Told]):
    lines = told["search"].err.splitlines()
    assert len(lines) == 3
    assert all(line.endswith("pip install 'thriftnet[search]'") for line in lines)
    assert told["search"].codes == ["2"] * 3


def test_exports_and_the_hub_name_their_extras(told: dict[str, Told]):
    extras = [line.rpartition("pip install ")[2] for line in told["export"].err.splitlines()]
    wanted = ["export"] * 3 + ["litert", "executorch"] + ["hub"] * 2
    assert extras == [f"'thriftnet[{extra}]'" for extra in wanted]
    assert told["export"].codes == ["2"] * len(wanted)
