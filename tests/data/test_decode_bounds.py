"""A picture whose shape alone takes the memory, or whose frames alone take the time."""

import struct
import zlib
from pathlib import Path

import pytest
from PIL import GifImagePlugin, Image, TiffImagePlugin

from thriftnet.data import read_image
from thriftnet.errors import ImageError


def test_a_picture_of_very_many_rows_is_refused_by_its_header(tmp_path: Path):
    Image.new("L", (1, 70_000)).save(tmp_path / "a.png")
    with pytest.raises(ImageError, match="has a side of 70,000 pixels; make it smaller"):
        read_image(tmp_path / "a.png")


def test_the_picture_in_an_icon_is_refused_by_its_header(tmp_path: Path):
    """The icon says 16 x 16; Pillow decodes what the PNG in it says, of 81 megapixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        crc = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + crc

    head = struct.pack(">IIBBBBB", 9_000, 9_000, 8, 6, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b""))
    entry = struct.pack("<BBBBHHII", 16, 16, 0, 0, 1, 32, len(png), 22)
    (tmp_path / "a.ico").write_bytes(struct.pack("<HHH", 0, 1, 1) + entry + png)
    with pytest.raises(ImageError, match="has more than 64 megapixels"):
        read_image(tmp_path / "a.ico")


@pytest.mark.parametrize(
    ("suffix", "plugin"),
    [("gif", GifImagePlugin.GifImageFile), ("tiff", TiffImagePlugin.TiffImageFile)],
)
def test_frames_are_not_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, plugin: type
):
    """A few megabytes hold a million, which takes half a minute."""
    frames = [Image.new("L", (8, 8), n) for n in range(3)]
    frames[0].save(tmp_path / f"a.{suffix}", save_all=True, append_images=frames[1:])
    monkeypatch.setattr(plugin, "n_frames", property(lambda _: pytest.fail("counted")))
    with pytest.raises(ImageError, match="has more than one frame"):
        read_image(tmp_path / f"a.{suffix}")
