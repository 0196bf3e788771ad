"""push and pull against a local stand-in of the hub."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import huggingface_hub
import huggingface_hub.constants
import pytest

import thriftnet
from hub_server import Hub, hub_server
from thriftnet.errors import ExportError, RunError
from thriftnet.export import pictures as choosing
from thriftnet.export import remote
from thriftnet.export.pipeline import export_model
from tiny_network import tiny_file

FILES = {"config.json", "model.safetensors", "preprocessor_config.json", "README.md"}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    with hub_server() as server:
        # huggingface_hub reads HF_ENDPOINT once, when it is imported.
        pages = "/{repo_id}/resolve/{revision}/{filename}"
        constants = huggingface_hub.constants
        monkeypatch.setattr(constants, "ENDPOINT", server.address)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", server.address + pages)
        monkeypatch.setenv("HF_TOKEN", "hf_test")
        monkeypatch.setattr(choosing, "COMPARED", 20)
        monkeypatch.chdir(tmp_path)
        yield server


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return tiny_file(tmp_path)


def test_what_is_pushed_is_pulled_byte_for_byte(hub: Hub, model: Path, tmp_path: Path):
    folder = export_model(model, to="folder", output=tmp_path / "hub").path
    assert thriftnet.push(folder, "me/tiny", message="first").endswith("/me/tiny")
    assert set(hub.repos["me/tiny"]) == FILES  # not the comparison
    assert hub.messages == ["first"]
    assert not hub.private
    pulled = thriftnet.pull("me/tiny")
    assert pulled == Path("tiny")
    for name in FILES:
        assert (pulled / name).read_bytes() == (folder / name).read_bytes()
    assert thriftnet.load_model(pulled).classes == ("cat", "dog", "emu")


def test_a_network_is_exported_on_the_way(hub: Hub, model: Path):
    thriftnet.push(model, "me/own", private=True, tta=True)
    assert hub.private == {"me/own"}
    assert thriftnet.load_model(thriftnet.pull("me/own", output="here")).tta == "flip_shift"


def test_what_is_damaged_or_foreign_there_is_not_kept(hub: Hub, model: Path):
    thriftnet.push(model, "me/tiny")
    files = hub.repos["me/tiny"]
    content = files["model.safetensors"]
    files["model.safetensors"] = content[:-3] + b"abc"
    with pytest.raises(RunError, match="is damaged"):
        thriftnet.pull("me/tiny")
    files["config.json"] = b'{"model_type": "vit"}'
    with pytest.raises(RunError, match="of another library"):
        thriftnet.pull("me/tiny")
    del files["config.json"]
    with pytest.raises(ExportError, match="me/tiny has no network of thriftnet"):
        thriftnet.pull("me/tiny")
    assert not Path("tiny").exists()


@pytest.mark.usefixtures("hub")
def test_a_place_that_is_taken_is_not_written_over():
    Path("tiny").mkdir()
    Path("tiny", "notes.txt").write_text("mine")
    with pytest.raises(ExportError, match="tiny holds other files"):
        thriftnet.pull("me/tiny")


@pytest.mark.parametrize(
    ("status", "said"),
    [(401, "run: hf auth login, or set HF_TOKEN"), (403, "HF_TOKEN"), (500, "the server refuses")],
)
def test_what_the_server_refuses_is_told_in_one_line(
    status: int, said: str, hub: Hub, model: Path, tmp_path: Path
):
    folder = export_model(model, to="folder", output=tmp_path / "hub").path
    hub.status = status
    with pytest.raises(ExportError) as caught:
        thriftnet.push(folder, "me/tiny")
    assert said in str(caught.value)
    assert str(caught.value).startswith("me/tiny: ")


@pytest.mark.usefixtures("hub")
def test_names_that_are_none_and_servers_that_are_gone(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(ExportError, match="me/none does not exist or is private"):
        thriftnet.pull("me/none")
    with pytest.raises(ExportError, match="a/b/c is not the name of a repository"):
        thriftnet.pull("a/b/c")
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("time.sleep", lambda _: None)  # 23 seconds between five attempts
    with pytest.raises(ExportError, match="http://127.0.0.1:9 cannot be reached"):
        thriftnet.pull("me/tiny")


@pytest.mark.usefixtures("hub")
def test_views_of_a_folder_are_its_own(model: Path, tmp_path: Path):
    folder = export_model(model, to="folder", output=tmp_path / "hub").path
    with pytest.raises(ExportError, match="is exported already, with its views"):
        thriftnet.push(folder, "me/tiny", tta=True)


@pytest.mark.usefixtures("hub")
def test_files_that_are_too_large_for_a_network_are_not_downloaded(
    model: Path, monkeypatch: pytest.MonkeyPatch
):
    thriftnet.push(model, "me/tiny")
    monkeypatch.setattr(remote, "_MOST_BYTES", 1000)

    def never(*_: object, **__: object) -> None:
        raise AssertionError("downloaded")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", never)
    with pytest.raises(ExportError, match=r"the files of me/tiny have [\d,]+ bytes: no network of"):
        thriftnet.pull("me/tiny")
