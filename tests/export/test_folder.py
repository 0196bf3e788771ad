"""A folder for the hub: read back by thriftnet, told from others', with valid metadata."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest
import torch
import yaml
from huggingface_hub import ModelCard

import thriftnet
from rights import content_of, full_disk
from thriftnet.errors import ExportError, RunError
from thriftnet.export import pictures as choosing
from thriftnet.export import place
from thriftnet.export.card import card_metadata, render_card
from thriftnet.export.job import ExportJob
from thriftnet.export.pipeline import export_model
from thriftnet.inference.onnx_runtime import ExportFacts
from thriftnet.models.saved import read_model
from thriftnet.weights.shipped import weights_file
from tiny_network import colours, tiny_file

IMAGES, _ = colours(4, start=100)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_file(tmp_path_factory.mktemp("model"), temperature=0.5, fit="pad")


@pytest.fixture
def folder(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(choosing, "COMPARED", 20)
    return export_model(model, to="folder", output=tmp_path / "hub").path


def test_it_is_read_back_bit_for_bit(folder: Path, model: Path):
    before, after = read_model(model), thriftnet.load_model(folder)
    own = before.network.state_dict()
    assert all(torch.equal(own[k], v) for k, v in after.model.network.state_dict().items())
    assert after.preprocessing == before.preprocessing.model_copy(update={"tta": "none"})
    assert {path.name for path in folder.iterdir()} == {
        "config.json", "model.safetensors", "preprocessor_config.json", "README.md", "check.json",
    }  # fmt: skip
    expected = thriftnet.load_model(model, tta="none").probabilities(IMAGES)
    np.testing.assert_array_equal(after.probabilities(IMAGES), expected)


def test_views_are_kept_where_they_are_asked_for(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(choosing, "COMPARED", 20)
    found = export_model(model, to="folder", output=tmp_path / "hub", tta=True)
    assert thriftnet.load_model(found.path).tta == "flip_shift"
    assert "6 views: mirrored and shifted" in (found.path / "README.md").read_text("utf-8")


def test_it_is_written_over_an_earlier_one(folder: Path, model: Path):
    (folder / "notes.txt").write_text("mine")
    export_model(model, to="folder", output=folder)
    assert (folder / "notes.txt").read_text() == "mine"


def test_its_card_is_what_the_hub_reads(folder: Path):
    card = ModelCard.load(folder / "README.md")
    assert card.data.pipeline_tag == "image-classification"
    assert card.data.library_name == "thriftnet"
    assert card.data.license is None  # nobody but its owner can say
    for said in ("cat, dog, emu", "padded with white", "16×16", "The logits are divided by 0.5"):
        assert said in card.content


def test_the_card_of_shipped_weights_has_licence_data_set_and_accuracy():
    model = read_model(weights_file("quick"))
    job = ExportJob(model, "quick", "folder", model.preprocessing)
    card = ModelCard(render_card(job))
    (found,) = card.data.eval_results or ()
    assert (card.data.license, found.dataset_type) == ("mit", "uoft-cs/cifar10")
    assert 0.93 < found.metric_value < 0.95
    head = render_card(job).split("---\n")[1]
    assert yaml.safe_load(head) == card_metadata(job)


def test_names_that_are_no_text_are_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(choosing, "COMPARED", 20)
    monkeypatch.chdir(tmp_path)
    odd = os.fsdecode(b"caf\xe9\n")
    model = tiny_file(tmp_path, classes=("two\nlines", "dog", "été"))
    model = model.rename(tmp_path / f"{odd}.safetensors")
    found = export_model(model, to="folder")
    assert found.path == Path(f"{odd}-hub")
    assert thriftnet.load_model(found.path).classes == ("two\nlines", "dog", "été")
    card = (found.path / "README.md").read_text("utf-8")
    assert "two\ufffdlines, dog, été" in card
    assert card.count("caf\ufffd\ufffd") > 0
    saved = read_model(model)
    job = ExportJob(saved, "a name", "onnx", saved.preprocessing)
    assert ExportFacts.model_validate_json(job.facts()).preprocessing == saved.preprocessing


def refusal(folder: Path) -> str:
    with pytest.raises(RunError) as caught:
        thriftnet.load_model(folder)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def test_a_folder_of_another_library_is_named(tmp_path: Path):
    path = tmp_path / "vit"
    path.mkdir()
    (path / "config.json").write_text(json.dumps({"model_type": "vit"}))
    (path / "model.safetensors").touch()
    assert "is a model folder of another library (config.json says vit)" in refusal(path)
    (path / "config.json").write_text(json.dumps({"architecture": "resnet18", "num_classes": 10}))
    assert "config.json says resnet18" in refusal(path)


def test_a_folder_that_was_cut_or_damaged(folder: Path, tmp_path: Path):
    cut = Path(shutil.copytree(folder, tmp_path / "cut"))
    (cut / "model.safetensors").unlink()
    assert f"{cut} lacks model.safetensors; copy or export it again" in refusal(cut)
    content = bytearray((folder / "model.safetensors").read_bytes())
    content[-3] ^= 1
    (folder / "model.safetensors").write_bytes(content)
    assert "is damaged" in refusal(folder)
    (folder / "config.json").write_text("{")  # then it is no such folder
    assert "hub" in refusal(folder)


def test_a_kill_leaves_no_mixture_of_two_networks(
    folder: Path, model: Path, monkeypatch: pytest.MonkeyPatch
):
    """config.json, by which others load what lies beside it, goes first and comes last."""
    kept: list[tuple[str, bool]] = []
    replacing = place.replacing

    @contextlib.contextmanager
    def noted(path: Path, **options: Any) -> Iterator[IO[bytes]]:
        with replacing(path, **options) as file:
            yield file
            kept.append((path.name, (folder / "config.json").exists()))

    monkeypatch.setattr(place, "replacing", noted)
    export_model(model, to="folder", output=folder)
    assert [name for name, _ in kept][-1] == "config.json"
    assert not any(there for _, there in kept)
    assert (folder / "config.json").exists()


def test_a_full_disk_leaves_the_folder_that_was_there(folder: Path, tmp_path: Path):
    draft = Path(shutil.copytree(folder, tmp_path / "draft"))
    (draft / "check.json").unlink()
    (draft / "config.json").write_text("{}")
    before = content_of(folder)
    room = (draft / "model.safetensors").stat().st_size - 1
    with full_disk(room), pytest.raises(ExportError, match="the disk is full"):
        place.keep(draft, folder, report={})
    assert content_of(folder) == before


def test_a_card_that_was_written_since_is_not_replaced(folder: Path, model: Path):
    export_model(model, to="folder", output=folder)
    (folder / "README.md").write_text("what this network is for")
    with pytest.raises(ExportError, match=r"README\.md was not written by an export, or changed"):
        export_model(model, to="folder", output=folder)
    assert (folder / "README.md").read_text() == "what this network is for"


def test_two_exports_into_one_folder_follow_one_another(folder: Path, model: Path):
    models = [model, tiny_file(folder.parent, family="speednet")]

    def export(path: Path) -> object:
        for _ in range(1000):
            with contextlib.suppress(ExportError):  # refused while the other is half written
                return export_model(path, to="folder", output=folder)
        raise AssertionError("never written")

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(export, models * 2))
    check = json.loads((folder / "check.json").read_text())["sha256"]
    found = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in check}
    assert found == check


@pytest.mark.parametrize("name", ["README.md", "model.safetensors"])
def test_a_received_folder_is_not_written_or_uploaded_through_its_links(
    folder: Path, model: Path, tmp_path: Path, name: str
):
    own = tmp_path / "own"
    (folder / name).rename(own)
    (folder / name).symlink_to(own)
    before = own.read_bytes()
    for use in (
        lambda: export_model(model, to="folder", output=folder),
        lambda: thriftnet.push(folder, "me/mine"),
    ):
        with pytest.raises(RunError, match=f"{name} is a link; a folder's files have to be its"):
            use()
    assert own.read_bytes() == before


def test_names_are_no_markup_of_the_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(choosing, "COMPARED", 20)
    names = ("<img src=x onerror=alert(1)>", "[a](javascript:b)", "`c` *d* _e_ $f$")
    model = tiny_file(tmp_path, classes=names)
    saved = read_model(model)
    saved = replace(saved, about={**saved.about, "recipe": "a`<b>`"})
    card = render_card(ExportJob(saved, "![x](http://y)", "folder", saved.preprocessing))
    body = card.split("---\n", 2)[2]
    assert re.findall(r"(?<!\\)[<>]|(?<!\\)\]\(", body) == []
    assert r"\<img src=x onerror=alert(1)\>, \[a\](javascript:b), \`c\` \*d\* \_e\_ \$f\$" in body
    assert body.startswith("\n# \\!\\[x\\](http://y)\n")
