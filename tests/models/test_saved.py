"""Model files: bit-equal after a round trip, and one line for each way they can be damaged."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import safetensors
import safetensors.torch
import torch
from PIL import Image

from thriftnet.errors import RunError, TrainingError
from thriftnet.models.build import build_model
from thriftnet.models.saved import SavedModel, read_model, save_model

RESNET = {
    "family": "resnet",
    "blocks": [1, 0, 1],
    "channels": [4, 5, 6],
    "activation": "silu",
    "squeeze_excitation": 2,
}
SPEEDNET = {"family": "speednet", "blocks": [1], "channels": [8], "residual": False}


def make(architecture: dict[str, Any]) -> SavedModel:
    network = build_model(classes=3, seed=9, **architecture)
    network.train()(torch.randn(8, 3, 16, 16))  # moves the running statistics
    return SavedModel(
        network=network,
        architecture=architecture,
        classes=("cat", "dog", "été"),
        mean=(0.1, 0.2, 1 / 3),
        std=(0.3, 0.4, 0.5),
        image_size=16,
        tta="flip",
        about={"recipe": "x", "seed": 3},
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    save_model(tmp_path / "m.safetensors", make(RESNET))
    return tmp_path / "m.safetensors"


@pytest.mark.parametrize("architecture", [RESNET, SPEEDNET], ids=["resnet", "speednet"])
def test_round_trip_is_bit_equal(architecture: dict[str, Any], tmp_path: Path):
    model = make(architecture)
    save_model(tmp_path / "m.safetensors", model)
    again = read_model(tmp_path / "m.safetensors")
    before, after = model.network.state_dict(), again.network.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert not again.network.training
    facts = ("classes", "mean", "std", "image_size", "tta", "about", "parameters", "architecture")
    assert [getattr(again, f) for f in facts] == [getattr(model, f) for f in facts]
    images = torch.randn(2, 3, 16, 16)
    assert torch.equal(again.network(images), model.network.eval()(images))


def test_channels_last_weights_come_back_in_their_places(path: Path):
    weight = read_model(path).network.stem[0].weight
    assert weight.is_contiguous(memory_format=torch.channels_last)
    stored = safetensors.torch.load_file(path)["stem.0.weight"]
    assert stored.is_contiguous()
    assert torch.equal(stored, weight)


def rewrite(path: Path, *, tensors: Any = None, **facts: Any) -> None:
    """Write the file again as an earlier version would, with other weights or other facts."""
    with safetensors.safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    kept = json.loads(metadata["thriftnet"]) | facts
    kept = {key: kept[key] for key in kept if key not in {"weights_sha256", "checksum"}}
    weights = safetensors.torch.load_file(path)
    if tensors:
        weights = {k: v for k, v in map(tensors, weights.items()) if v is not None}
    safetensors.torch.save_file(weights, path, metadata | {"thriftnet": json.dumps(kept)})


def refusal(path: Path) -> str:
    with pytest.raises(RunError) as caught:
        read_model(path)
    assert len(str(caught.value).splitlines()) == 1
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_half_precision_weights_load_as_fp32(path: Path):
    exact = read_model(path).network
    rewrite(path, tensors=lambda item: (item[0], item[1].half() if item[1].ndim else item[1]))
    loaded = read_model(path).network
    assert all(p.dtype == torch.float32 for p in loaded.parameters())
    for rough, fine in zip(loaded.parameters(), exact.parameters(), strict=True):
        assert torch.equal(rough, fine.half().float())


@pytest.mark.parametrize("keep", [0, 4, 100, -1])
def test_truncated_file(path: Path, keep: int):
    path.write_bytes(path.read_bytes()[:keep])
    assert "is damaged" in refusal(path)


@pytest.mark.parametrize("content", [b"some text\n" * 40, b"\0" * 500, b"\xff" * 500])
def test_file_that_is_no_model(path: Path, content: bytes):
    path.write_bytes(content)
    assert "is damaged" in refusal(path)


def test_a_file_of_another_kind_is_not_called_damaged(tmp_path: Path):
    (tmp_path / "labels.csv").write_text("file,label\n")
    Image.new("RGB", (8, 8)).save(tmp_path / "photo.png")
    for name, told in ("labels.csv", "not a thriftnet model"), ("photo.png", "the model first"):
        with pytest.raises(RunError, match=f"{name} is .*{told}"):
            read_model(tmp_path / name)


def test_foreign_file(path: Path):
    safetensors.torch.save_file({"weight": torch.ones(2)}, path)
    assert "was not written by thriftnet" in refusal(path)
    safetensors.torch.save_file({"weight": torch.ones(2)}, path, {"format": "pt"})
    assert "was not written by thriftnet" in refusal(path)


def test_missing_and_surplus_weights_are_named(path: Path):
    content = path.read_bytes()
    rewrite(path, tensors=lambda item: (item[0], None if item[0] == "head.bias" else item[1]))
    assert "head.bias" in refusal(path)
    path.write_bytes(content)
    rewrite(path, tensors=lambda item: (item[0].replace("head.bias", "module.bias"), item[1]))
    assert "head.bias" in refusal(path)
    path.write_bytes(content)
    rewrite(path, tensors=lambda item: (item[0], item[1].flatten()))
    assert "stem.0.weight is [108], expected [4, 3, 3, 3]" in refusal(path)


@pytest.mark.parametrize(
    "facts",
    [
        {"architecture": {**RESNET, "family": "vgg"}},
        {"architecture": {**RESNET, "depth": 3}},
        {"architecture": {**RESNET, "channels": [8, 5, 6]}},
        {"architecture": {**RESNET, "activation": "tanh"}},
        {"architecture": [1]},
        {"architecture": None},
        {"classes": 3},
        {"classes": ["a"]},
        {"mean": None},
    ],
)
def test_facts_of_another_version(path: Path, facts: dict[str, Any]):
    rewrite(path, **facts)
    assert "does not match this version" in refusal(path)


def test_missing_file_and_folder(tmp_path: Path):
    assert "there is no model file" in refusal(tmp_path / "none.safetensors")
    assert "there is no model file" in refusal(tmp_path)


@pytest.mark.parametrize("architecture", [RESNET, SPEEDNET], ids=["resnet", "speednet"])
def test_halved_file_keeps_what_has_a_wide_range(architecture: dict[str, Any], tmp_path: Path):
    model = make(architecture)
    save_model(tmp_path / "whole.safetensors", model)
    save_model(tmp_path / "half.safetensors", model, half=True)
    whole, half = (
        read_model(tmp_path / "whole.safetensors"),
        read_model(tmp_path / "half.safetensors"),
    )
    assert half.about == whole.about
    weights = zip(
        half.network.state_dict().items(), whole.network.state_dict().values(), strict=True
    )
    for (name, found), exact in weights:
        expected = exact.half().float() if exact.ndim > 1 else exact
        assert torch.equal(found, expected), name
    for name, stored in safetensors.torch.load_file(tmp_path / "half.safetensors").items():
        assert (stored.dtype == torch.float16) == (stored.ndim > 1), name
    save_model(tmp_path / "again.safetensors", half, half=True)
    halves = [(tmp_path / f"{name}.safetensors").read_bytes() for name in ("half", "again")]
    assert halves[0] == halves[1]


def test_weight_beyond_half_precision_is_refused(tmp_path: Path):
    model = make(RESNET)
    with torch.no_grad():
        model.network.get_parameter("head.weight")[0, 0] = 1e5
    with pytest.raises(RunError, match=r"head\.weight has a weight that fp16 cannot hold"):
        save_model(tmp_path / "half.safetensors", model, half=True)
    assert list(tmp_path.iterdir()) == []


def test_a_changed_weight_or_fact_is_noticed(path: Path):
    content = path.read_bytes()
    for at in (len(content) - 3, content.index(b"architecture") + 20):
        changed = bytearray(content)
        changed[at] ^= 1
        path.write_bytes(changed)
        assert "is damaged" in refusal(path)
    path.write_bytes(content)
    assert read_model(path).weights_sha256


def test_a_file_of_an_earlier_version_has_no_digest(path: Path):
    rewrite(path)
    assert read_model(path).weights_sha256 is None


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_neither_read_nor_written(path: Path, value: float):
    model = read_model(path)
    content = path.read_bytes()
    with torch.no_grad():
        next(model.network.parameters())[0] = value
    with pytest.raises(TrainingError, match="was not written: stem.0.weight is not finite"):
        save_model(path, model)
    assert path.read_bytes() == content
    rewrite(path, tensors=lambda item: (item[0], item[1] + value if item[1].ndim else item[1]))
    assert "holds weights that are not finite" in refusal(path)


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("m.pt", b"\x80\x02}q\x00.", "a pickle, such as an old PyTorch checkpoint"),
        ("m.h5", b"\x89HDF\r\n", "an HDF5 file"),
        ("m.gguf", b"GGUF\x03", "a GGUF file"),
        ("m.onnx", b"\x08\x08", "an ONNX model"),
        ("m.st", b"version https://git-lfs.github.com/spec/v1\n", "fetch that with: git lfs pull"),
    ],
)
def test_files_of_other_kinds_are_named(tmp_path: Path, name: str, content: bytes, kind: str):
    (tmp_path / name).write_bytes(content)
    assert kind in refusal(tmp_path / name)


def test_checkpoints_are_told_from_models(tmp_path: Path):
    torch.save({"a": 1}, tmp_path / "model.pth")
    assert "a PyTorch checkpoint, not a thriftnet model" in refusal(tmp_path / "model.pth")
    last = tmp_path / "run" / "checkpoints" / "last.pt"
    last.parent.mkdir(parents=True)
    (tmp_path / "run" / "recipe.yaml").touch()
    torch.save({"a": 1}, last)
    assert f"a checkpoint, not a model; give the run folder: {tmp_path / 'run'}" in refusal(last)


def test_what_could_not_be_read_again_is_not_saved(tmp_path: Path):
    model = replace(make(RESNET), classes=("cat", "\udce9t\udce9", "dog"))
    with pytest.raises(RunError, match=r"cannot be saved: "):
        save_model(tmp_path / "model.safetensors", model)
    assert not list(tmp_path.iterdir())
