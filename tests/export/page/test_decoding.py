"""Picture files as the page's scripts and `read_image` see them."""

from __future__ import annotations

import functools
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from support.picture_files import matrix_profile
from support.picture_made import made_cases
from support.picture_saved import saved_cases
from support.picture_scene import DISPLAY_P3, stored
from thriftnet.data import read_image
from thriftnet.data.options import Fit
from thriftnet.errors import ImageError

PixelsOf = Callable[..., Any]

_SHOWN = (".avif", ".bmp", ".gif", ".jfif", ".jpg", ".mpo", ".png", ".apng", ".webp")
"""Suffixes of what the page decodes."""
_LEVELS = 2
"""That pixels may differ by: decoders of WebP differ in chroma, colour management in rounding."""
_AVIF_ALPHA_LEVELS = 20
"""Chromium 156.0.8078.108 stretches the transparency of AVIF, as if its range were limited."""
_BROWSERS_ALONE = {"12.bmp"}
_SOON_WRITTEN: dict[str, dict[str, Any]] = {
    "PNG": {"compress_level": 1},
    "WEBP": {"lossless": True, "method": 0, "quality": 0},
}
"""Without loss and in larger files, in a tenth of the time."""
_PHOTO = Path(mpl.get_data_path(), "sample_data", "grace_hopper.jpg")


def saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    """The content of a file."""
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def _half(kind: str) -> bytes:
    """Of a photograph, written when a test asks: all test processes import this file."""
    return saved(Image.open(_PHOTO), kind)[:9_000]


def read(content: bytes, name: str, folder: Path, **options: Any) -> Any:
    """As `read_image` does, or its line without the folder."""
    path = folder / name
    path.write_bytes(content)
    try:
        return read_image(path, **options)
    except ImageError as fault:
        return str(fault).replace(str(path), name)


def apart(one: np.ndarray, other: np.ndarray) -> int:
    """The largest difference in levels."""
    return int(np.abs(one.astype(int) - other).max())


def most_levels(content: bytes) -> int:
    """How far pixels may be off: a JPEG's not at all, unless the browser converts its colours."""
    if content[4:12] == b"ftypavif" and b"auxC" in content:
        return _AVIF_ALPHA_LEVELS
    return 0 if content.startswith(b"\xff\xd8") and b"ICC_PROFILE" not in content else _LEVELS


def test_every_kind_of_picture(pixels_of: PixelsOf, tmp_path: Path):
    """Each is seen as `read_image` sees it, or refused."""
    cases = [case for case in (*made_cases(), *saved_cases()) if case.name.endswith(_SHOWN)]
    wrong: list[str] = []
    for case in cases:
        theirs = read(case.content, case.name, tmp_path)
        ours = pixels_of(case.content, case.name)
        if case.name.startswith("frames."):
            assert ours[1].startswith("The file is animated"), case.name
        elif case.name in _BROWSERS_ALONE:
            assert "Unsupported" in theirs
        elif isinstance(theirs, str) or isinstance(ours, str):
            if type(theirs) is not type(ours):
                wrong.append(f"{case.name}: {ours if isinstance(ours, str) else theirs}")
        elif (off := apart(ours[0], theirs)) > most_levels(case.content):
            wrong.append(f"{case.name}: {off}")
    assert not wrong, ", ".join(wrong)
    assert len(cases) > 150


@functools.cache
def photographs() -> dict[str, bytes]:
    """The content of a photograph's files, by name."""
    photo = Image.open(_PHOTO)
    return {
        "as it is.jpg": _PHOTO.read_bytes(),
        "half.jpg": saved(photo.crop((3, 2, 310, 300)), "JPEG", quality=90),
        "progressive.jpg": saved(photo, "JPEG", progressive=True, quality=80),
        "full chroma.jpg": saved(photo, "JPEG", subsampling=0, quality=95),
        "half chroma across.jpg": saved(photo, "JPEG", subsampling=1, quality=95),
        "an eighth.jpg": saved(photo.resize((1087, 1301)), "JPEG", subsampling=1, quality=90),
        "an eighth of both.jpg": saved(photo.resize((1087, 1301)), "JPEG", quality=90),
        "grey.jpg": saved(photo.convert("L"), "JPEG"),
        "x.png": saved(photo, "PNG"),
        "x.webp": saved(photo, "WEBP", quality=90),
        "odd.png": saved(photo.crop((0, 0, 511, 233)), "PNG"),
    }


@pytest.mark.parametrize("fit", get_args(Fit))
def test_photograph(pixels_of: PixelsOf, tmp_path: Path, fit: str):
    for name, content in photographs().items():
        theirs = read(content, name, tmp_path, size=32, fit=fit)
        pixels, note = pixels_of(content, name, fit=fit)
        # The profile of this photograph is sRGB, which is not converted.
        assert apart(pixels, theirs) <= (0 if name.endswith("jpg") else _LEVELS), name
        assert note == ""


@pytest.mark.parametrize("orientation", range(1, 9))
def test_which_way_up(pixels_of: PixelsOf, tmp_path: Path, orientation: int):
    """Decoded whole and reduced, with an edge that is no whole reduced pixel."""
    photo = np.asarray(Image.open(_PHOTO).convert("RGB"))
    exif = Image.Exif()
    exif[274] = orientation
    for upright in (photo[:600:3, :501:3], photo[:597, :509]):
        lying = Image.fromarray(stored(upright, orientation))
        for kind in ("JPEG", "PNG", "WEBP"):
            options = _SOON_WRITTEN.get(kind, {})
            content = saved(lying, kind, exif=exif, **options)
            for fit in ("crop", "pad"):
                theirs = read(content, f"x.{kind.lower()}", tmp_path, size=32, fit=fit)
                off = apart(pixels_of(content, fit=fit)[0], theirs)
                assert off <= most_levels(content), (kind, fit, upright.shape)


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("side", [100, 600])
def test_jpeg_with_a_profile(pixels_of: PixelsOf, tmp_path: Path, side: int, mode: str):
    """Its colours are converted after it was decoded, whole or at a reduced scale."""
    photo = Image.open(_PHOTO).resize((side, side)).convert(mode)
    content = saved(photo, "JPEG", icc_profile=matrix_profile(DISPLAY_P3, 1.8))
    theirs = read(content, "x.jpg", tmp_path)
    assert apart(pixels_of(content)[0], theirs) <= _LEVELS
    assert apart(theirs, read(saved(photo, "JPEG"), "x.jpg", tmp_path)) > 10


def test_jpeg_that_is_left_to_the_browser(pixels_of: PixelsOf, tmp_path: Path):
    """Without its last scans, which libjpeg makes up for, and with codes that are none."""
    photo = Image.open(_PHOTO).resize((120, 120))
    content = saved(photo, "JPEG", progressive=True)
    scans = [found.start() for found in re.finditer(b"\xff\xda", content)]
    content = content[: scans[-3]] + b"\xff\xd9"
    assert apart(pixels_of(content)[0], read(content, "x.jpg", tmp_path)) <= _LEVELS
    damaged = bytearray(saved(photo, "JPEG"))
    damaged[1500:1520] = bytes([254] * 20)
    assert apart(pixels_of(bytes(damaged))[0], read(bytes(damaged), "x.jpg", tmp_path)) <= _LEVELS


@pytest.mark.parametrize("shape", [(20_000, 1), (1, 20_000), (20_000, 3)])
@pytest.mark.parametrize("fit", get_args(Fit))
def test_very_long(pixels_of: PixelsOf, tmp_path: Path, shape: tuple[int, int], fit: str):
    rng = np.random.default_rng(0)
    content = saved(Image.fromarray(rng.integers(0, 256, (*shape, 3), dtype=np.uint8)), "PNG")
    theirs = read(content, "x.png", tmp_path, size=32, fit=fit)
    assert apart(pixels_of(content, fit=fit)[0], theirs) <= _LEVELS


def _jpeg() -> bytes:
    return _PHOTO.read_bytes()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jpg", b"this is a text\n"),
        ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'><rect width='9' height='9'/></svg>"),
        ("a.pdf", b"%PDF-1.7\n"),
    ],
)
def test_what_is_refused_in_the_same_words(
    pixels_of: PixelsOf, tmp_path: Path, name: str, content: bytes
):
    line = pixels_of(content, name)
    assert line == read(content, name, tmp_path)
    assert line.startswith(name)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.jpg", b"", "empty.jpg is empty"),
        ("half.jpg", _jpeg()[:30_000], "it is truncated"),
        ("begin.jpg", _jpeg()[:300], "it is truncated"),
        ("half.png", saved(Image.new("RGB", (99, 99), "red"), "PNG")[:150], "it is truncated"),
        ("half.webp", functools.partial(_half, "WEBP"), "it is truncated"),
        ("half.gif", functools.partial(_half, "GIF"), "it is truncated"),
        ("a.heic", b"\0\0\0\x18ftypheic" + bytes(40), "a.heic is a HEIC photograph"),
        ("x.tif", saved(Image.new("RGB", (9, 9)), "TIFF"), "a TIFF picture, which this page"),
        ("bad.png", b"\x89PNG\r\n\x1a\n" + bytes(60), "cannot be read as an image"),
    ],
)
def test_what_is_refused(
    pixels_of: PixelsOf, name: str, content: bytes | Callable[[], bytes], reason: str
):
    line = pixels_of(content if isinstance(content, bytes) else content(), name)
    assert isinstance(line, str)
    assert reason in line
    assert line.count("\n") == 0


def test_size_is_judged_before_anything_is_decoded(pixels_of: PixelsOf):
    wide = bytearray(saved(Image.new("L", (8, 8)), "PNG"))
    wide[16:24] = (20_000).to_bytes(4) + (20_000).to_bytes(4)  # a bomb says it in its header
    assert "has more than 64 megapixels" in pixels_of(bytes(wide), "bomb.png")
    wide[16:24] = (70_000).to_bytes(4) + (1).to_bytes(4)
    assert "has a side of 70,000 pixels" in pixels_of(bytes(wide), "long.png")
