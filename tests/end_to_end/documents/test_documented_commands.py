"""Every command that README and docs/ show is run as it is written, or it is said here why not."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from commands import Command, application
from documented import PAGES, ROOT, few_images, in_sentences, lines, transcribed, words
from own_pictures import put
from small import small_recipe
from thriftnet.training import start
from thriftnet.training.progress import Quiet

TEXTS = {page: page.read_text("utf-8") for page in PAGES}
SHOWN = {page: lines(text) + transcribed(text) for page, text in TEXTS.items()}
ALSO = (*(ROOT / "docs" / "decisions").glob("*.md"), ROOT / "CONTRIBUTING.md")
PARTS = sorted(
    {
        line
        for text in (*TEXTS.values(), *(page.read_text("utf-8") for page in ALSO))
        for line in in_sentences(text)
    }
)
OURS = sorted({line for each in SHOWN.values() for line in each if line.startswith("thriftnet ")})

OTHERS = {
    "pip": "installs; tests/test_requirements.py",
    "python3": "makes an environment; the Makefile does",
    "make": "train and test are recorded from a fresh clone; paper: tests/reproductions",
    "tensorboard": "its server; tests/tracking reads what it would show",
    "mlflow": "its server; tests/tracking reads what it would show",
    "wandb": "uploads to its server; tests/tracking reads what it would upload",
    "curl": "asks a service; tests/serve/test_documented.py runs it",
    "openssl": "makes a token; as curl",
    "scp": "copies between machines",
}
"""Programs that are not ours, and who sees that the lines hold."""

JOURNEYS = "tests/end_to_end/documents/test_journeys.py"
ELSEWHERE = {
    "thriftnet train --time-budget 5m": ("takes 5 minutes", "tests/training/test_budget.py"),
    "thriftnet train quick --track tensorboard --track mlflow": (
        "on its own images",
        "tests/tracking/test_trackers.py",
    ),
    "thriftnet train --track tensorboard": ("as above", "tests/tracking/test_trackers.py"),
    "thriftnet train quick --track wandb": ("as above", "tests/tracking/test_wandb.py"),
    "thriftnet train --data photos/": (
        "takes minutes",
        "tests/end_to_end/own/test_without_recipe.py",
    ),
    "thriftnet train --data photos/ --set data.val_ratio=0.1 --name mine": (
        "takes minutes",
        "tests/end_to_end/own/test_without_recipe.py",
    ),
    "thriftnet train --data photos/ --init best": (
        "takes minutes",
        "tests/end_to_end/own/test_without_recipe.py",
    ),
    "thriftnet train --data photos/ --decisions decisions.csv": (
        "needs an audit",
        "tests/audit/test_audit.py",
    ),
    "thriftnet audit photos/": ("takes minutes", "tests/end_to_end/test_json.py"),
    "thriftnet watch runs/mine --port 8000": ("ends by Ctrl-C", "tests/report/test_watch.py"),
    "thriftnet serve best": ("ends by Ctrl-C", "tests/serve/test_command.py"),
    "thriftnet serve runs/mine --port 8000": ("ends by Ctrl-C", "tests/serve/test_command.py"),
    "thriftnet serve best --host 0.0.0.0 --token-file token": (
        "ends by Ctrl-C",
        "tests/serve/test_command.py",
    ),
    "thriftnet bench": ("takes a minute", "tests/end_to_end/test_json.py"),
    "thriftnet calibrate runs/mine": (
        "needs 100 held-out images",
        "tests/evaluation/test_calibrate.py",
    ),
    "thriftnet calibrate runs/mine --data labelled/": (
        "as above",
        "tests/evaluation/test_calibrate.py",
    ),
    "thriftnet calibrate model.safetensors --data labelled/": (
        "as above",
        "tests/evaluation/test_calibrate.py",
    ),
    "thriftnet calibrate quick --companion runs/quick-companion -o quick.safetensors": (
        "as above",
        "tests/evaluation/test_calibrate.py",
    ),
    "thriftnet evaluate best --robust --images 2000": (
        "takes minutes",
        "tests/end_to_end/test_json.py",
    ),
    "thriftnet evaluate runs/mine --robust --data photos/": (
        "takes minutes",
        "tests/evaluation/test_robustness.py",
    ),
    "thriftnet evaluate best --robust --data CIFAR-10-C/": (
        "needs 3 GB of published files",
        "tests/evaluation/test_robustness.py",
    ),
    "thriftnet evaluate best --data CIFAR-10.1/": (
        "needs published files",
        "tests/evaluation/test_robustness.py",
    ),
    "thriftnet export quick --to onnx": ("with a run", "tests/end_to_end/test_export.py"),
    "thriftnet export quick --to onnx-int8": ("with a run", "tests/export/test_exports.py"),
    "thriftnet export runs/mine --to onnx-int8": ("with a run", "tests/export/test_exports.py"),
    "thriftnet export best --to page": ("with a run", JOURNEYS),
    "thriftnet predict quick.onnx photo.jpg": ("with a run", "tests/end_to_end/test_export.py"),
    "thriftnet predict quick.int8.onnx photo.jpg --runtime openvino": (
        "with a run",
        "tests/end_to_end/test_one_answer.py",
    ),
    "thriftnet export quick --to litert": ("make mobile", "tests/export/test_mobile.py"),
    "thriftnet export quick --to executorch": ("make mobile", "tests/export/test_mobile.py"),
    "thriftnet push runs/mine OWNER/NAME": ("needs the hub", "tests/end_to_end/test_json.py"),
    "thriftnet pull OWNER/NAME -o here": ("needs the hub", "tests/end_to_end/test_json.py"),
    "thriftnet explain best photo.jpg": ("opens CIFAR-10", "tests/explain/test_explain.py"),
    "thriftnet explain best photo.jpg holiday/": (
        "opens CIFAR-10",
        "tests/explain/test_explain.py",
    ),
    "thriftnet explain runs/mine photo.jpg --maps maps --nearest 8": (
        "opens CIFAR-10",
        "tests/explain/test_explain.py",
    ),
    "thriftnet train robust": ("takes a minute", "tests/end_to_end/test_workflow.py"),
    "thriftnet search small": ("takes 25 minutes", "tests/end_to_end/search/test_search.py"),
    "thriftnet search small --workers 2": (
        "takes 25 minutes",
        "tests/end_to_end/search/test_search.py",
    ),
    "thriftnet search space.yaml --study /shared/study --storage postgresql://user@host/name "
    "--workers 4": ("needs a server", "tests/end_to_end/search/test_search_on_postgres.py"),
    "thriftnet search space.yaml --cluster auto --storage postgresql://user@host/name": (
        "needs a cluster",
        "tests/end_to_end/search/test_search_on_ray.py",
    ),
    "thriftnet train --data stamps --name mine": (
        "takes minutes",
        "tests/end_to_end/own/test_without_recipe.py",
    ),
    "thriftnet export runs/mine --to onnx": ("with a run", "tests/end_to_end/test_export.py"),
    **dict.fromkeys(
        [each for each in SHOWN[ROOT / "docs" / "journeys.md"] if each.startswith("thriftnet ")],
        ("a journey", JOURNEYS),
    ),
}
"""Not run here: why, and the test that runs it in short."""
OF_A_STUDY = {"thriftnet search status studies/small", "thriftnet report studies/small"}
OF_TWO_RECIPES = {
    "a-s0": small_recipe(),
    "a-s1": small_recipe(seed=1),
    "b-s0": small_recipe(optim={"lr": 0.02}),
}
HERE = [line for line in OURS if line not in ELSEWHERE and line not in OF_A_STUDY]


def test_every_line_is_looked_at() -> None:
    unknown = {
        line
        for each in SHOWN.values()
        for line in each
        if line.split()[0] not in {"thriftnet", *OTHERS}
    }
    assert unknown == set()
    assert set(ELSEWHERE) <= set(OURS), "an exception for a line that no page has"
    assert [path for _, path in ELSEWHERE.values() if not (ROOT / path).is_file()] == []


@pytest.mark.parametrize("line", sorted({*OURS, *PARTS}))
def test_every_option_is_known(line: str) -> None:
    """Of lines that are not run, too, and of commands within sentences."""
    command = application()
    given = words(line)
    while given and given[0] in getattr(command, "commands", {}):
        command = command.commands[given.pop(0)]
    if command.name == "thriftnet":  # COMMAND stands for any
        assert given[0] == "COMMAND" or given[0].startswith("-"), "no command of that name"
    command = command.commands["run"] if command.name == "search" else command
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in given if word.startswith("-")} <= known | {"--help"}


@pytest.fixture
def world(small_world: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the pages' commands name: runs, pictures in folders, a pickle."""
    few_images(monkeypatch)
    monkeypatch.setenv("THRIFTNET_CACHE", str(small_world / "cache"))
    shutil.copytree("runs/done", "runs/mine")
    put(Path("photos"), {"cat": 6, "dog": 6})
    for folder in ("holiday", "archive", "stamps"):
        put(Path(folder), {"cat": 2, "naturalforces": 2})
    Image.new("RGB", (60, 40), (200, 0, 0)).save("photo.jpg")
    pixels = np.zeros((3, 3072), np.uint8)
    Path("test.pkl").write_bytes(pickle.dumps({"data": pixels, "ids": [1, 2, 3]}))
    return small_world


@pytest.mark.parametrize("line", HERE)
@pytest.mark.usefixtures("world", "svg_alone")
def test_a_command_runs_as_it_is_written(thriftnet: Command, line: str) -> None:
    if "--name mine" in line:
        shutil.rmtree("runs/mine")
    if "a-s0" in line:
        for name, recipe in OF_TWO_RECIPES.items():
            run = start.start_run(recipe, name=name, runs_dir=Path("runs"), progress=Quiet())
            assert thriftnet("evaluate", run.path).code == 0
    done = thriftnet(*words(line))
    assert done.code == 0, done.err
    assert done.out


@pytest.mark.parametrize("line", sorted(OF_A_STUDY))
@pytest.mark.usefixtures("svg_alone")
def test_a_command_about_a_study_runs(
    thriftnet: Command, study: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.chdir(study.parent)
    study.rename(study.parent / "small")
    (study.parent / "studies").mkdir()
    (study.parent / "small").rename("studies/small")
    done = thriftnet(*words(line))
    assert done.code == 0, done.err
    assert done.out
