"""JPEG photographs, decoded at a reduced scale where they are much larger than wanted."""

import os
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from support.picture_scene import stored
from thriftnet.data import read_image
from thriftnet.errors import ImageError


def photograph(width: int, height: int) -> Image.Image:
    """Busy, so that a shift by half a pixel shows."""
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (height // 16, width // 16, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


def central(path: Path, size: int) -> np.ndarray:
    """The central square of the picture, decoded whole and resized at once."""
    picture = Image.fromarray(read_image(path, size=None))
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    square = picture.crop((left, top, left + side, top + side))
    return np.asarray(square.resize((size, size), Image.Resampling.LANCZOS)).astype(float)


@pytest.mark.parametrize("shape", [(1207, 803), (803, 1207), (1001, 1001), (1600, 801)])
@pytest.mark.parametrize("size", [32, 48])
def test_the_square_is_cut_within_a_reduced_pixel(
    shape: tuple[int, int], size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photograph(*shape).save(tmp_path / "x.jpg", quality=95)
    loaded: list[tuple[int, int]] = []
    load = JpegImageFile.load
    monkeypatch.setattr(JpegImageFile, "load", lambda s: (loaded.append(s.size), load(s))[1])

    off = np.abs(read_image(tmp_path / "x.jpg", size=size) - central(tmp_path / "x.jpg", size))
    assert off.mean() < 0.6  # cut at whole reduced pixels: 2 to 6
    assert min(loaded[0]) < min(shape) / 3  # at a quarter or less


def save_turned(picture: Image.Image, orientation: int, path: Path) -> None:
    """Save a JPEG whose pixels lie as EXIF's orientation says."""
    exif = Image.Exif()
    exif[274] = orientation
    lying = Image.fromarray(stored(np.asarray(picture), orientation))
    lying.save(path, quality=95, exif=exif)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_photograph_is_the_same(orientation: int, tmp_path: Path) -> None:
    """Its width and height leave a part of a reduced pixel over, at another edge each time."""
    picture = photograph(1205, 803)
    save_turned(picture, orientation, tmp_path / "x.jpg")

    off = np.abs(read_image(tmp_path / "x.jpg") - central(tmp_path / "x.jpg", 32))
    assert off.mean() < 0.6


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_photograph_has_the_same_border(orientation: int, tmp_path: Path) -> None:
    """An odd number of lines beside it, of which the upright top has one less."""
    picture = photograph(1205, 871)
    save_turned(picture, orientation, tmp_path / "x.jpg")

    pixels = read_image(tmp_path / "x.jpg", fit="pad")
    border = (pixels == 255).all((1, 2)).nonzero()[0].tolist()
    assert border == [0, 1, 2, 3, 27, 28, 29, 30, 31]


def test_a_small_picture_is_decoded_whole(tmp_path: Path) -> None:
    photograph(90, 80).save(tmp_path / "x.jpg", quality=95)

    assert np.array_equal(read_image(tmp_path / "x.jpg"), central(tmp_path / "x.jpg", 32))


def test_two_hundred_megapixels(tmp_path: Path) -> None:
    wide = Image.new("L", (16_000, 12_500), 60)
    wide.paste(200, (0, 0, 8_000, 12_500))
    wide.save(tmp_path / "x.jpg")

    image = read_image(tmp_path / "x.jpg")
    assert (image[:, :13] == 200).all()  # nearer to the edge Lanczos filtering swings
    assert (image[:, 19:] == 60).all()
    with pytest.raises(ImageError, match="more than 64 megapixels; make it smaller first"):
        read_image(tmp_path / "x.jpg", size=None)


def test_scans_that_are_kept_in_memory_keep_the_bound(tmp_path: Path) -> None:
    """Of a progressive picture, or one with a scan for each colour, nothing is thrown away."""
    picture = Image.new("RGB", (32, 32))
    picture.save(tmp_path / "progressive.jpg", progressive=True)
    picture.save(tmp_path / "apart.jpg")
    for name in ("progressive", "apart"):
        content = bytearray((tmp_path / f"{name}.jpg").read_bytes())
        frame = content.index(b"\xff\xc2" if name == "progressive" else b"\xff\xc0")
        content[frame + 5 : frame + 9] = struct.pack(">HH", 12_500, 16_000)
        if name == "apart":
            scan = content.index(b"\xff\xda")
            content[scan : scan + 14] = b"\xff\xda" + bytes([0, 8, 1, 1, 0, 0, 63, 0])
        (tmp_path / f"{name}.jpg").write_bytes(content)

        with pytest.raises(ImageError, match="more than 64 megapixels; make it smaller first"):
            read_image(tmp_path / f"{name}.jpg")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.jpg")

    with pytest.raises(ImageError, match="is a pipe, socket or device, not a file"):
        read_image(tmp_path / "x.jpg")
