"""The page's own JPEG decoder, bit for bit Pillow's, in Node.js."""

from __future__ import annotations

import functools
import io
import json
import shutil
import subprocess
from importlib import resources
from pathlib import Path
from typing import Any, get_args
from unittest import mock

import matplotlib as mpl
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFile, JpegImagePlugin

from page import photographs
from support.browser import bytes_of
from thriftnet.data import read_image
from thriftnet.data.options import Fit
from thriftnet.export.page.template import DECODING, script_facts
from thriftnet.models.preprocessing import Preprocessing

_SIZE, _WANTED = 8, 32
"""Of the network, and pixels that a reduced scale leaves on both sides."""
_SIZES = [(1, 1), (3, 40), (41, 35), (64, 64), (65, 99), (150, 131), (300, 257), (257, 513)]
"""Widths and heights, decoded at each of the four scales; most are not of whole blocks."""


@functools.cache
def photograph() -> Image.Image:
    return Image.open(Path(mpl.get_data_path(), "sample_data", "grace_hopper.jpg")).copy()


def saved(picture: Image.Image, **options: Any) -> bytes:
    """The content of a JPEG file."""
    file = io.BytesIO()
    with mock.patch.object(ImageFile, "MAXBLOCK", 2**22):  # room for noise in several scans
        picture.save(file, "JPEG", **options)
    return file.getvalue()


def noise(width: int, height: int) -> Image.Image:
    """Black, white and all between: what a transform makes of it overshoots at both ends."""
    levels = np.random.default_rng(width).normal(128, 160, (height, width, 3))
    return Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8))


def sampled(content: bytes, factors: int) -> bytes:
    """A file whose brightness has other sampling factors, of as many blocks in all."""
    frame = bytearray(content)
    frame[content.index(b"\xff\xc0") + 11] = factors
    return bytes(frame)


def decoded(paths: list[Path], size: int = _SIZE, fit: Fit = "crop") -> list[dict[str, Any] | None]:
    """What the page's scripts make of files: None where they leave one to the browser."""
    page = resources.files("thriftnet.export.page") / "assets"
    code = "\n".join((page / name).read_text("utf-8") for name in ("contract.js", *DECODING))
    contract = Preprocessing(
        classes=("a", "b"), image_size=size, fit=fit, mean=(0, 0, 0), std=(1, 1, 1), tta="none"
    )
    facts = script_facts(contract)
    given = {"scripts": code, "facts": facts, "paths": [str(path) for path in paths]}
    node = shutil.which("node")
    assert node, "there is no Node.js; install it with: apt-get install -y nodejs"
    script = Path(__file__).with_name("decode_jpeg.mjs")
    answer = subprocess.run(
        [node, str(script)], input=json.dumps(given).encode(), stdout=subprocess.PIPE, check=True
    )
    return [json.loads(line) for line in answer.stdout.splitlines()]


def written(contents: dict[str, bytes], folder: Path) -> list[Path]:
    """Files of these names."""
    paths = [folder / f"{name}.jpg" for name in contents]
    for path, content in zip(paths, contents.values(), strict=True):
        path.write_bytes(content)
    return paths


def by_pillow(content: bytes) -> tuple[int, NDArray[np.uint8]]:
    """Scale and RGB pixels, at the scale that `read_image` would take."""
    with JpegImagePlugin.JpegImageFile(io.BytesIO(content)) as picture:
        width = picture.width
        drafted = picture.draft(None, (_WANTED, _WANTED))
        assert drafted
        return round(width / drafted[1][2]), np.asarray(picture.convert("RGB"))


def assert_same_bits(contents: dict[str, bytes], folder: Path) -> None:
    wrong: list[str] = []
    for name, ours in zip(contents, decoded(written(contents, folder)), strict=True):
        scale, theirs = by_pillow(contents[name])
        if ours is None:
            wrong.append(f"{name}: left to the browser")
            continue
        height, width = theirs.shape[:2]
        pixels = bytes_of(ours["pixels"], height, width, ours["channels"])
        off = np.abs(pixels.astype(int) - theirs)
        if off.any() or ours["scale"] != scale:
            wrong.append(f"{name}: {off.max()} levels, {(off > 0).mean():.3f} of them")
    assert wrong == []


@pytest.mark.parametrize("fit", get_args(Fit))
def test_photographs_of_the_benchmark(tmp_path: Path, fit: Fit):
    paths = [path for path in photographs([], tmp_path) if path.suffix == ".jpg"]
    for path, ours in zip(paths, decoded(paths, 32, fit), strict=True):
        assert ours, path.name
        theirs = read_image(path, size=32, fit=fit)
        assert np.array_equal(bytes_of(ours["square"], 32, 32, 3), theirs), path.name
    assert len(paths) == 9


@pytest.mark.parametrize("progressive", [False, True])
def test_every_sampling_at_every_scale(tmp_path: Path, progressive: bool):
    options = {"progressive": progressive, "quality": 75}
    contents = {
        f"{name} {width}x{height} {sampling}": saved(picture, subsampling=sampling, **options)
        for width, height in _SIZES
        for name, picture in (
            ("photo", photograph().crop((60, 20, 60 + width, 20 + height))),
            ("noise", noise(width, height)),
        )
        for sampling in (0, 1, 2)
    }
    assert_same_bits(contents, tmp_path)


def test_samplings_that_pillow_does_not_write(tmp_path: Path):
    contents = {}
    for side in (32, 64, 128, 256):
        for sampling, factors in ((1, 0x12), (2, 0x41), (2, 0x14)):
            content = saved(noise(side, side), subsampling=sampling)
            contents[f"{side} {factors:x}"] = sampled(content, factors)
    assert_same_bits(contents, tmp_path)


@pytest.mark.parametrize("side", [50, 70, 140, 300])
def test_colours_and_coding(tmp_path: Path, side: int):
    photo = photograph().resize((side, side + 3))
    inks = saved(photo.convert("CMYK"), quality=90)
    adobe = inks.index(b"Adobe") + 11
    contents = {
        "grey": saved(photo.convert("L")),
        "grey progressive": saved(photo.convert("L"), progressive=True),
        "RGB": saved(photo, keep_rgb=True),
        "CMYK": inks,
        "YCCK": inks[:adobe] + b"\2" + inks[adobe + 1 :],
        "restarts": saved(photo, restart_marker_blocks=3),
        "restarts progressive": saved(photo, restart_marker_rows=1, progressive=True),
        "optimized": saved(photo, optimize=True),
        "worst": saved(noise(side, side), quality=1),
        "best": saved(noise(side, side), quality=100, subsampling=0),
    }
    assert_same_bits(contents, tmp_path)


def test_damaged_and_rare_files_are_left_to_the_browser(tmp_path: Path):
    content = saved(photograph().crop((0, 0, 90, 90)), quality=90)
    frame, codes = content.index(b"\xff\xc0"), content.index(b"\xff\xc4")
    scan = content.index(b"\xff\xda")
    changed = {
        "arithmetic": (frame + 1, b"\xc9"),
        "lossless": (frame + 1, b"\xc3"),
        "12 bits": (frame + 4, b"\x0c"),
        "no height": (frame + 5, b"\0\0"),
        "no sampling": (frame + 11, b"\0"),
        "fraction of a sampling": (frame + 11, b"\x32"),
        "no codes": (codes + 1, b"\xfe"),
        "no quantization": (content.index(b"\xff\xdb") + 1, b"\xfe"),
        "code of no table": (scan + 400, bytes([254] * 40)),
        "scan of nothing": (scan + 5, b"\x99"),
    }
    contents = {
        name: content[:at] + given + content[at + len(given) :]
        for name, (at, given) in changed.items()
    }
    contents |= {"cut": content[: scan + 500] + b"\xff\xd9", "empty": b"\xff\xd8\xff\xd9"}
    found = decoded(written(contents, tmp_path))
    assert [name for name, file in zip(contents, found, strict=True) if file] == []
