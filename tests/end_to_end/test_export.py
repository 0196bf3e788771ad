"""export, predict and the page about them, as a user runs them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from commands import Command
from thriftnet.data import CIFAR10_CLASSES
from thriftnet.export import pictures as choosing

pytestmark = pytest.mark.usefixtures("traced_once")
DOCS = Path(__file__).parents[2] / "docs" / "export.md"


@pytest.fixture(autouse=True)
def few_pictures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(choosing, "COMPARED", 100)
    monkeypatch.chdir(tmp_path)


def photo(path: Path) -> Path:
    pixels = np.random.default_rng(1).integers(0, 256, (5, 7, 3), np.uint8)
    Image.fromarray(pixels).resize((90, 60)).save(path)
    return path


def test_an_export_classifies_as_the_run_does(
    thriftnet: Command, finished_run: Path, capsys: pytest.CaptureFixture[str]
):
    path = photo(Path("photo.jpg"))
    done = thriftnet("export", finished_run, "--to", "onnx", "-o", "run.onnx")
    assert done.code == 0, done.err
    assert done.err == ""
    assert done.out.startswith("wrote run.onnx (")
    for said in ("100 validation images of cifar10", "at batch 64", "accuracy", "--tta exports"):
        assert said in done.out
    options = ("--tta", "none", "--precision", "fp32", "--json")
    own, exported = (
        json.loads(thriftnet("predict", model, path, *options).out)[0]
        for model in (finished_run, "run.onnx")
    )
    assert own["label"] == exported["label"]
    assert own["probability"] == pytest.approx(exported["probability"], abs=1e-5)
    refused = thriftnet("evaluate", "run.onnx")
    assert refused.code == 2
    assert "an ONNX model, which predict runs and nothing else here" in refused.error_line
    snippet = re.search(r"```python\n(import json\n.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    assert snippet
    capsys.readouterr()
    exec(snippet[1].replace("quick.onnx", "run.onnx"), {})
    assert capsys.readouterr().out.strip() == own["label"]


def test_a_folder_is_a_model_for_every_command(thriftnet: Command, finished_run: Path):
    done = thriftnet("export", finished_run, "--to", "folder", "-o", "hub", "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert (found["to"], found["check"]["pictures"]) == ("folder", 100)
    assert thriftnet("predict", "hub", photo(Path("photo.png"))).code == 0
    again = thriftnet("export", "hub", "--to", "torch-export", "--json")
    assert again.code == 0, again.err
    assert json.loads(again.out)["path"] == "hub.pt2"


def test_a_reader_is_told_the_views_and_classes_and_a_program_is_not(
    thriftnet: Command, monkeypatch: pytest.MonkeyPatch
):
    path = photo(Path("photo.png"))
    for options, views in ((), "with six views"), (("--tta", "none"), "without TTA"):
        (row,) = thriftnet("predict", "quick", path, *options).out.splitlines()
        with monkeypatch.context() as patch:
            patch.setattr("thriftnet.terminal.output._Outlet.isatty", lambda _: True)
            shown = thriftnet("predict", "quick", path, *options).out
        assert shown == f"{row}\n\nquick, {views}\nclasses: {', '.join(CIFAR10_CLASSES)}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("export", "quick"), "Missing option '--to'"),
        (("export", "quick", "--to", "onx"), "did you mean onnx?"),
        (("export", "nothing", "--to", "onnx"), "check the name"),
        (("export", "quick", "--to", "onnx", "--reduce-range"), "--reduce-range is for int8"),
        (("export", "quick", "--to", "onnx", "-o", "no/file.onnx/x/"), ""),
        (("push", "nothing", "me/x"), "check the name"),
    ],
    ids=str,
)
def test_mistakes_are_told_in_one_line(arguments: tuple[str, ...], said: str, thriftnet: Command):
    if not said:
        Path("no").touch()
    done = thriftnet(*arguments)
    assert done.code == 2
    assert said in done.error_line
