"""Python blocks of README and docs/, run as written; the one on transformers is in tests/hub."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import documented
import thriftnet as package
from commands import Command
from documented import PAGES, fences
from thriftnet.export import pictures as choosing
from thriftnet.runs.folder import RunFolder

SHOWN = {page.name: fences(page.read_text("utf-8"), "python") for page in PAGES}
RUN_ELSEWHERE = {"python.md": 3, "export.md": 1}
"""By tests/inference/test_documented.py and tests/hub/test_classes.py."""


@pytest.fixture(autouse=True)
def place(small_world: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    documented.few_images(monkeypatch)
    monkeypatch.setattr(package, "load_recipe", documented.shrunk)
    Image.new("RGB", (60, 40), (200, 0, 0)).save("photo.jpg")
    return small_world


def test_every_block_is_run_by_a_test() -> None:
    here = {"README.md": 1, "api.md": 1, "python.md": 1, "export.md": 1}
    shown = {name: len(blocks) for name, blocks in SHOWN.items() if blocks}
    assert shown == {name: each + RUN_ELSEWHERE.get(name, 0) for name, each in here.items()}


def test_readme_trains_evaluates_and_predicts(capsys: pytest.CaptureFixture[str]) -> None:
    (shown,) = SHOWN["README.md"]
    names: dict[str, Any] = {}
    exec(shown, names)
    accuracy, label = capsys.readouterr().out.split()[-2:]
    assert float(accuracy) == package.evaluate(names["run"].path).accuracy
    assert label in names["model"].classes


def test_callbacks_are_called(capsys: pytest.CaptureFixture[str]) -> None:
    (shown,) = SHOWN["api.md"]
    names: dict[str, Any] = {}
    exec(shown, names)
    said = capsys.readouterr().out.splitlines()
    assert any(line.startswith("step 10: loss ") and line.endswith(" s left") for line in said)
    assert said[-1] == f"{names['run'].path} True {names['best']}"


def test_a_recipe_made_in_python_is_trained() -> None:
    names: dict[str, Any] = {"thriftnet": package}
    exec(SHOWN["python.md"][-1], names)
    run = RunFolder.open(Path("runs/narrow"))
    assert run.finished
    assert run.recipe().model.channels == (32, 128, 128)


@pytest.mark.usefixtures("traced_once")
def test_an_export_runs_without_us(
    thriftnet: Command, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnxruntime")
    monkeypatch.setattr(choosing, "COMPARED", 20)
    assert thriftnet("export", "runs/done", "--to", "onnx", "-o", "quick.onnx").code == 0
    (shown,) = (each for each in SHOWN["export.md"] if "InferenceSession" in each)
    exec(shown, {})
    expected = package.load_model("runs/done").predict("photo.jpg")[0].label
    assert capsys.readouterr().out.split()[-1] == expected
