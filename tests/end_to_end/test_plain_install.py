"""`pip install thriftnet` without extras: everything but what their packages do."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from PIL import Image

from commands import SHORT
from own_pictures import put

ROOT = Path(__file__).parents[2]

# Runs commands one after the other where the packages of all extras are not to be found.
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
for command in json.loads(sys.argv[1]):
    sys.argv = ["thriftnet", *command]
    try:
        main()
    except SystemExit as end:
        print(command[0], "ended with", end.code or 0, flush=True)
for slow in {{"torch._dynamo", "sympy"}} & set(sys.modules):
    print(slow, "was imported, which takes a second or half of one", file=sys.stderr)
"""


def packages_of_extras() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"].items()
    lines = [line for name, lines in extras if name != "dev" for line in lines]
    names = {re.split(r"[\[<>=~ ]", line)[0].replace("-", "_") for line in lines}
    return names - {"thriftnet"}


def plain(*commands: tuple[str | Path, ...], **variables: str) -> subprocess.CompletedProcess[str]:
    """Run commands where no extra is installed, with these variables."""
    code = WITHOUT_EXTRAS.format(lacking=packages_of_extras())
    words = json.dumps([[str(word) for word in command] for command in commands])
    environment = {**os.environ, "COLUMNS": "200", **variables}
    return subprocess.run(
        [sys.executable, "-c", code, words], capture_output=True, text=True, env=environment
    )


def test_it_trains_evaluates_classifies_and_reports(tmp_path: Path):
    assert {"optuna", "sqlalchemy", "ray", "psycopg"} <= packages_of_extras()
    run, picture = tmp_path / "mine", tmp_path / "picture.png"
    Image.new("RGB", (32, 32)).save(picture)
    photos = put(tmp_path / "photos", {"cat": 30, "dog": 30})
    few = ("--data", photos, "--batch-size", "8", *SHORT[2:], "--epochs", "1")
    done = plain(
        ("train", "smoke", *few, "--name", "mine", "--runs-dir", tmp_path),
        ("evaluate", run),
        ("predict", run, picture),
        ("report", run),
        ("describe", "quick"),
        ("runs", "--runs-dir", tmp_path),
        THRIFTNET_CACHE=str(tmp_path / "cache"),
        THRIFTNET_FUSED="0",  # which would be compiled into that cache
    )
    told = [line for line in done.stderr.splitlines() if "pictures" not in line]
    assert told == []  # but for what pictures there are
    assert (run / "report.html").is_file()
    ended = [line for line in done.stdout.splitlines() if " ended with " in line]
    assert [line.rpartition(" ")[2] for line in ended] == ["0"] * 6


def test_a_search_and_its_report_name_the_extra(tmp_path: Path):
    (tmp_path / "space.yaml").touch()
    done = plain(("search", "small"), ("search", "status", tmp_path), ("report", tmp_path))
    lines = done.stderr.splitlines()
    assert len(lines) == 3
    assert all(line.endswith("pip install 'thriftnet[search]'") for line in lines)
    assert [text.rpartition(" ")[2] for text in done.stdout.splitlines()] == ["2"] * 3


def test_exports_and_the_hub_name_their_extras(tmp_path: Path):
    (tmp_path / "x.onnx").touch()
    done = plain(
        ("export", "quick", "--to", "onnx"),
        ("export", "quick", "--to", "onnx-int8"),
        ("predict", tmp_path / "x.onnx", tmp_path / "x.onnx"),
        ("export", "quick", "--to", "litert"),
        ("export", "quick", "--to", "executorch"),
        ("push", "quick", "you/quick"),
        ("pull", "you/quick"),
    )
    extras = [line.rpartition("pip install ")[2] for line in done.stderr.splitlines()]
    wanted = ["export"] * 3 + ["litert", "executorch"] + ["hub"] * 2
    assert extras == [f"'thriftnet[{extra}]'" for extra in wanted]
    assert [text.rpartition(" ")[2] for text in done.stdout.splitlines()] == ["2"] * len(wanted)
