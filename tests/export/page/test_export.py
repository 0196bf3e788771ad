"""A page as an export: tried in Node.js, and kept only then."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from thriftnet.errors import ExportError, ExportMismatchError
from thriftnet.export import pictures as choosing
from thriftnet.export import targets
from thriftnet.export.page.node import open_page
from thriftnet.export.page.target import PAGE_FP32
from thriftnet.export.pipeline import export_model
from thriftnet.models.build import build_model
from thriftnet.models.saved import SavedModel, save_model

pytestmark = pytest.mark.usefixtures("traced_once")


@pytest.fixture(autouse=True)
def few_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page classifies them one by one."""
    monkeypatch.setattr(choosing, "COMPARED", 20)


def test_page_is_tried_and_kept(trained: Path, tmp_path: Path):
    told: list[tuple[int, int]] = []
    exported = export_model(
        trained,
        to="page-fp32",
        output=tmp_path / "x.html",
        on_progress=lambda done, of: told.append((done, of)),
    )
    assert exported.check.pictures == 20
    assert exported.check.largest_difference.keys() == {1}
    assert exported.check.largest_difference[1] < 1e-5
    assert told[-1] == (exported.check.pictures, exported.check.pictures)
    assert {path.name for path in tmp_path.iterdir()} == {"x.html", "x.html.check.json"}


def test_page_of_another_network_is_refused(
    html: Path, model: SavedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """What is in the page is run, and nothing else."""
    target = replace(PAGE_FP32, write=lambda _, path: shutil.copy(html, path))
    monkeypatch.setitem(targets.TARGETS, "page-fp32", target)
    other = build_model(classes=len(model.classes), **model.architecture)
    save_model(tmp_path / "other.safetensors", replace(model, network=other))
    with pytest.raises(ExportMismatchError, match="differs from the network"):
        export_model(tmp_path / "other.safetensors", to="page-fp32", output=tmp_path / "x.html")
    assert [path.name for path in tmp_path.iterdir()] == ["other.safetensors"]


def test_without_node(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ExportError, match=r"install Node\.js") as caught:
        export_model(trained, to="page-fp32", output=tmp_path / "x.html")
    assert caught.value.exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_file_that_is_no_page(tmp_path: Path):
    (tmp_path / "x.html").write_text("<p>no page</p>")
    run = open_page(tmp_path / "x.html")
    with pytest.raises(ExportError, match=r"Node\.js ended: TypeError"):
        run(np.zeros((1, 32, 32, 3), np.uint8))
