"""What is asked for wrongly is refused in one line, and what is refused leaves nothing behind."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from own_pictures import put
from phases_shown import Shown
from thriftnet.errors import ExportError, ExportMismatchError, RunError
from thriftnet.export import kinds, targets
from thriftnet.export import pictures as choosing
from thriftnet.export.job import EXACT, ExportJob, Target
from thriftnet.export.onnx_file import write_onnx
from thriftnet.export.pipeline import export_model
from thriftnet.export.program import write_program
from thriftnet.inference.classifier import Classifier
from thriftnet.models.saved import SavedModel, read_model
from thriftnet.phases import show_phases
from tiny_network import tiny_file, tiny_model

Bytes = NDArray[np.uint8]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_file(tmp_path_factory.mktemp("model"))


@pytest.fixture(autouse=True)
def few_pictures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(choosing, "COMPARED", 20)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, model: Path) -> Callable[..., None]:
    """Enter a kind of export whose runtime adds a difference to what is right."""

    def enter(name: str = "fake", *, difference: float = 0.0, **facts: Any) -> None:
        right = Classifier(read_model(model), tta="none", precision="fp32")

        def write(_job: ExportJob, path: Path) -> None:
            path.write_text("an export")

        def load(_path: Path) -> Callable[[Bytes], NDArray[np.float32]]:
            return lambda images: right.probabilities(images) + np.float32(difference)

        facts = {"about": "a fake", "suffix": ".fake", "write": write, "load": load, **facts}
        monkeypatch.setitem(kinds.KINDS, name, "")
        monkeypatch.setitem(targets.TARGETS, name, Target(**facts))

    return enter


def test_it_is_called_as_the_network_where_no_name_is_given(fake: Callable[..., None], model: Path):
    fake()
    said: list[tuple[int, int]] = []
    exported = export_model(model, to="fake", on_progress=lambda done, of: said.append((done, of)))
    assert exported.path == Path("resnet.fake")
    assert {path.name for path in Path().iterdir()} == {"resnet.fake", "resnet.fake.check.json"}
    assert said[-1] == (60, 60)
    assert exported.check.source == "20 synthetic pictures, as no training images are available"
    assert exported.to_json()["preprocessing"]["tta"] == "none"


def test_the_network_s_own_answers_and_the_conversion_are_phases(
    fake: Callable[..., None], model: Path
):
    """Of a large network on a busy machine they take minutes."""
    fake()
    shown = Shown()
    with show_phases(shown):
        export_model(model, to="fake")
    own = "pictures classified by the network itself"
    assert shown.told == [own, "20/20", "converting resnet to fake"]


@pytest.mark.parametrize("name", [name for name, each in targets.TARGETS.items() if each.int8])
def test_a_refused_int8_export_names_the_one_in_fp32(
    name: str, fake: Callable[..., None], model: Path, tmp_path: Path
):
    exact = targets.TARGETS[name].in_fp32
    fake(difference=1.0, in_fp32=exact, int8=True)
    pictures = put(tmp_path / "pictures", {"cat": 4})
    with pytest.raises(ExportMismatchError, match="written; try --reduce-range, or use") as first:
        export_model(model, to="fake", calibration=pictures)
    assert str(first.value).endswith(f"use --to {exact}")
    with pytest.raises(ExportMismatchError, match=f"nothing was written; use --to {exact}$"):
        export_model(model, to="fake", calibration=pictures, reduce_range=True)
    assert exact is not None
    assert not targets.TARGETS[exact].int8


def test_a_page_whose_int8_network_answers_otherwise_is_in_fp32(
    fake: Callable[..., None], model: Path
):
    fake("exact")
    assert targets.TARGETS["page"].or_fp32
    fake(difference=1.0, in_fp32="exact", or_fp32=True)
    said: list[str] = []
    exported = export_model(model, to="fake", output="out.html", say=said.append)
    assert (exported.to, exported.path) == ("exact", Path("out.html"))
    assert Path("out.html").read_text() == "an export"
    assert len(said) == 1
    assert "differs from the network" in said[0]
    assert said[0].endswith("exporting in fp32 instead, which is larger and slower")


@pytest.mark.parametrize("before", [None, "precious"])
def test_an_export_that_says_something_else_leaves_nothing(
    before: str | None, fake: Callable[..., None], model: Path, tmp_path: Path
):
    fake(difference=2 * (EXACT.difference or 0))
    if before is not None:
        Path("out.fake").write_text(before)  # an earlier export
        digest = hashlib.sha256(before.encode()).hexdigest()
        Path("out.fake.check.json").write_text(json.dumps({"sha256": {"out.fake": digest}}))
    kept = {path.name: path.read_text() for path in tmp_path.iterdir()}
    with pytest.raises(ExportMismatchError, match="differs from the network") as caught:
        export_model(model, to="fake", output="out.fake")
    assert caught.value.exit_code == 1
    assert "over 1e-05 (20 synthetic pictures" in str(caught.value)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == kept


def test_only_the_file_that_was_compared_is_replaced(fake: Callable[..., None], model: Path):
    """Not one that has its name now, with the old comparison beside it."""
    fake()
    for _ in range(2):
        export_model(model, to="fake", output="out.fake")
    Path("out.fake").write_text("mine")
    with pytest.raises(ExportError, match="out.fake exists and is not an earlier output"):
        export_model(model, to="fake", output="out.fake")
    assert Path("out.fake").read_text() == "mine"


def test_a_writer_that_fails_leaves_nothing(fake: Callable[..., None], model: Path, tmp_path: Path):
    def write(_job: ExportJob, path: Path) -> None:
        path.write_text("half")
        raise OSError(28, "No space left on device")

    fake(write=write)
    with pytest.raises(ExportError, match="the disk is full: out.fake was not written"):
        export_model(model, to="fake", output="out.fake")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"to": "onxx"}, "did you mean onnx?"),
        ({"to": "tflite"}, "did you mean litert?"),
        ({"to": "html"}, "did you mean page?"),
        ({"to": ".pt2"}, "did you mean torch-export?"),
        ({"to": "HuggingFace"}, "did you mean folder?"),
        ({"to": "coreml"}, "use one of them"),
        ({"to": "onnx", "reduce_range": True}, "--reduce-range is for int8"),
        ({"to": "onnx", "output": "a.onnx/"}, "Is a directory"),
        (
            {"to": "onnx", "output": "out.v2"},
            "names of ONNX files end in .onnx; name it out.v2.onnx",
        ),
        ({"to": "onnx-int8", "output": "x"}, "names of ONNX files end in .onnx; name it x.onnx"),
        ({"to": "folder", "output": "file"}, "file is a file, and a folder is to be written"),
        ({"to": "folder", "output": "full"}, "full holds other files"),
        ({"to": "onnx-int8"}, "int8 takes its ranges from training images: the model file does"),
        ({"to": "onnx", "calibration": "none"}, "--calibration: none does not exist"),
        ({"to": "onnx", "calibration": "broken"}, "no picture of broken can be read"),
    ],
    ids=str,
)
def test_what_cannot_be_done_is_refused_in_one_line(
    options: dict[str, Any], said: str, model: Path, tmp_path: Path
):
    (tmp_path / "file").touch()
    (tmp_path / "a.onnx").mkdir()
    for name in ("full/notes.txt", "broken/a.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("no picture")
    with pytest.raises(ExportError) as caught:
        export_model(model, say=lambda _: None, **options)
    assert said in str(caught.value)
    assert {path.name for path in tmp_path.iterdir()} == {"file", "full", "broken", "a.onnx"}


def test_views_that_the_recipe_does_not_use_are_not_asked_for(tmp_path: Path):
    with pytest.raises(ExportError, match="the recipe of resnet uses no views; leave out --tta"):
        export_model(tiny_file(tmp_path, tta="none"), to="onnx", tta=True)


def test_a_missing_package_is_named_with_its_extra(fake: Callable[..., None], model: Path):
    fake(packages=("no_such_package",), extra="some")
    with pytest.raises(ExportError, match=r"no_such_package, .*pip install 'thriftnet\[some\]'"):
        export_model(model, to="fake")


def test_a_damaged_model_is_refused_before_anything_else(model: Path, tmp_path: Path):
    content = model.read_bytes()
    (tmp_path / "m.safetensors").write_bytes(content[:-3] + b"abc")
    with pytest.raises(RunError, match="is damaged"):
        export_model(tmp_path / "m.safetensors", to="onnx")


class NoCounterpart(nn.Module):
    """An operation that no format has."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.scale = nn.Parameter(torch.ones(3))

    def forward(self, images: Tensor) -> Tensor:
        means = images.mean(dim=(2, 3)) * self.scale
        if self.kind == "onnx":
            return torch.linalg.eigvalsh(means[:, :, None] * means[:, None, :])
        return means + float(means.sum())  # a number that depends on the pixels


@pytest.mark.parametrize(
    ("write", "kind", "what"),
    [(write_onnx, "onnx", "ONNX"), (write_program, "pt2", "torch.export")],
    ids=["onnx", "torch-export"],
)
def test_a_layer_without_a_counterpart_is_told_in_one_line(
    write: Callable[[ExportJob, Path], None], kind: str, what: str, tmp_path: Path
):
    tiny = tiny_model()
    odd = SavedModel(
        NoCounterpart(kind), {}, tiny.classes, tiny.mean, tiny.std, image_size=tiny.image_size
    )
    job = ExportJob(odd, "odd", kind, odd.preprocessing)
    with pytest.raises(ExportError) as caught:
        write(job, tmp_path / "odd")
    assert f"odd has a layer that {what} does not support (" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_pictures_that_cannot_be_read_are_told_and_left_out(
    fake: Callable[..., None], model: Path, tmp_path: Path
):
    fake()
    folder = put(tmp_path / "pictures", {"cat": 3})
    (folder / "cat" / "bad.png").write_text("no picture")
    said: list[str] = []
    exported = export_model(model, to="fake", calibration=folder, say=said.append)
    assert exported.check.pictures == 3
    assert len(said) == 1
    assert "bad.png" in said[0]


def test_an_export_does_not_replace_its_network(fake: Callable[..., None], model: Path):
    fake()
    before = model.read_bytes()
    with pytest.raises(ExportError, match="is an input and would be replaced; write to another"):
        export_model(model, to="fake", output=model)
    assert model.read_bytes() == before


@pytest.mark.parametrize("name", ["out.fake", f"{240 * 'x'}.fake"])
def test_the_place_of_the_comparison_is_looked_at_before_the_work(
    fake: Callable[..., None], model: Path, tmp_path: Path, name: str
):
    fake(write=lambda *_: pytest.fail("it worked"))
    if name == "out.fake":
        Path("out.fake.check.json").write_text("mine")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(ExportError, match="not an earlier output|File name too long"):
        export_model(model, to="fake", output=name)
    assert sorted(tmp_path.iterdir()) == before
