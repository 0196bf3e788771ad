"""Names and values of strangers in every command: no escape sequence reaches a terminal."""

from __future__ import annotations

import shutil
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from commands import Command
from made_runs import make_run
from planted import HARMFUL, harm_in
from thriftnet.data import CIFAR10_CLASSES
from tiny import TINY

pytestmark = pytest.mark.usefixtures("svg_alone")
NAME = HARMFUL.replace("/", "")
"""As a file may be called."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs, pictures, recipes and spaces of a stranger."""
    folder = tmp_path_factory.mktemp("received")
    classes = tuple(f"{name}{HARMFUL}" for name in CIFAR10_CLASSES)
    facts = {"processor": HARMFUL, "command": ["thriftnet", HARMFUL], HARMFUL: HARMFUL}
    for seed in (0, 1):
        changes = [f"description={HARMFUL!r}"]
        path = folder / "runs" / f"{NAME}{seed}"
        make_run(path, seed=seed, classes=classes, environment=facts, overrides=changes)
    failed = make_run(folder / "runs" / f"{NAME}f", finished=False, accuracy=None)
    failed.append({"kind": "failed", "step": 3, "reason": HARMFUL})
    damaged = make_run(folder / "runs" / f"{NAME}d")
    damaged.recipe_path.write_text(yaml.safe_dump({"name": "a", "optim": {HARMFUL: HARMFUL}}))
    (folder / NAME).mkdir()
    Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(folder / NAME / f"{NAME}.png")
    (folder / NAME / f"{NAME}b.png").write_text(HARMFUL)
    for name, tree in (("r", {"name": HARMFUL}), ("v", {"name": "a", HARMFUL: 1})):
        (folder / f"{NAME}{name}.yaml").write_text(yaml.safe_dump(tree))
    study = folder / f"{NAME}study"
    study.mkdir()
    (study / "space.yaml").write_text(yaml.safe_dump({**TINY, "grid": {HARMFUL: [HARMFUL]}}))
    return folder


@pytest.mark.parametrize(
    "words",
    [
        ["runs", "--runs-dir", "runs"],
        ["runs", "--runs-dir", "runs", "--json"],
        ["runs", "--runs-dir", f"runs/{NAME}0"],
        ["runs", "--where", HARMFUL],
        ["runs", "gc", "--runs-dir", "runs"],
        ["compare", f"runs/{NAME}0", f"runs/{NAME}1"],
        ["compare", f"runs/{NAME}0", f"runs/{NAME}f", "--json"],
        ["report", f"runs/{NAME}0"],
        ["report", f"runs/{NAME}f"],
        ["report", f"runs/{NAME}d"],
        ["watch", f"runs/{NAME}0"],
        ["watch", f"runs/{NAME}f"],
        ["evaluate", f"runs/{NAME}0"],
        ["predict", "quick", NAME],
        ["predict", "quick", NAME, "--json"],
        ["predict", "quick", NAME, "-o", f"{NAME}.csv"],
        ["predict", f"runs/{NAME}f", NAME],
        ["predict", HARMFUL, HARMFUL],
        ["train", "--resume", f"runs/{NAME}d"],
        ["train", f"{NAME}r.yaml"],
        ["train", f"{NAME}v.yaml"],
        ["train", "smoke", "--set", f"{HARMFUL}=1"],
        ["train", "smoke", "--set", f"optim.name={HARMFUL}"],
        ["train", "smoke", "--data", NAME],
        ["train", "smoke", "--name", HARMFUL],
        ["describe", f"{NAME}v.yaml"],
        ["search", "status", f"{NAME}study"],
        ["search", f"{NAME}study/space.yaml"],
        ["report", f"{NAME}study"],
        [HARMFUL],
        ["train", f"--{HARMFUL}"],
        ["runs", HARMFUL, "--sort", HARMFUL],
    ],
    ids=lambda words: " ".join(words)
    .encode("ascii", "replace")
    .decode()
    .replace("\x1b", "ESC")[:30],
)
def test_no_escape_sequence_reaches_the_terminal(
    thriftnet: Command, made: Path, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(made)
    for debug in ([], ["--debug"]):
        done = thriftnet(*words, *debug)
        assert done.code in {0, 2}, done.err
        assert harm_in(done.out + done.err) is None
        assert "unexpected" not in done.err
        assert done.out or done.err


def test_a_report_of_such_names_is_sound(
    thriftnet: Command, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = Path(shutil.copytree(made / "runs" / f"{NAME}0", tmp_path / "run"))
    assert thriftnet("report", run).code == 0
    for path in (run / "figures").glob("*.svg"):
        ElementTree.parse(path)
    assert harm_in((run / "report.html").read_text("utf-8")) is None
