"""Photographs in HEIC with the extra `heic`, and without it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from heic_bytes import HEIC, UPRIGHT
from own_pictures import put
from thriftnet.data import read_image
from thriftnet.data.options import DatasetSpec
from thriftnet.data.picture_formats import decodes_heic
from thriftnet.data.registry import open_dataset
from thriftnet.errors import ImageError


@pytest.fixture
def plain_install(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """As if pi-heif were not installed; `undo` installs it."""
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "pi_heif", None)
        patch.delitem(Image.OPEN, "HEIF", raising=False)
        decodes_heic.cache_clear()
        yield patch
    decodes_heic.cache_clear()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = put(tmp_path / "photos", {"cat": 4, "dog": 4})
    (folder / "cat" / "IMG_0001.HEIC").write_bytes(HEIC)
    return folder


def test_the_primary_picture_is_read_and_turned_upright(photos: Path) -> None:
    pytest.importorskip("pi_heif")
    pixels = read_image(photos / "cat" / "IMG_0001.HEIC", size=None).astype(int)
    assert pixels.shape == (UPRIGHT[1], UPRIGHT[0], 3)
    shown = {(4, -4): (220, 30, 30), (-4, 4): (250, 250, 250), (4, 4): (20, 40, 200)}
    for at, colour in shown.items():
        assert np.abs(pixels[at] - colour).max() <= 4, at


@pytest.mark.usefixtures("plain_install")
def test_without_the_extra_it_is_named_in_the_line(photos: Path) -> None:
    path = photos / "cat" / "IMG_0001.HEIC"
    with pytest.raises(ImageError) as fault:
        read_image(path)
    assert str(fault.value) == (
        f"{path} is a HEIC photograph, which cannot be read here; run pip install "
        "'thriftnet[heic]', or save it as JPEG or PNG"
    )


def test_what_the_cache_left_out_is_taken_once_the_extra_is_installed(
    plain_install: pytest.MonkeyPatch, photos: Path
) -> None:
    spec = DatasetSpec(source=photos, image_size=16)

    def counted() -> int:
        told: list[str] = []
        splits = open_dataset(spec, say=told.append)
        assert ("HEIC" in " ".join(told)) != decodes_heic()
        return sum(len(splits.split(name)) for name in ("train", "test"))

    assert counted() == 8
    plain_install.undo()
    decodes_heic.cache_clear()
    pytest.importorskip("pi_heif")
    assert counted() == 9
