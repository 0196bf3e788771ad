"""Cases saved by Pillow in every mode of each format, with their expected pixels."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from support.picture_files import matrix_profile
from support.picture_scene import (
    ADOBE_RGB,
    ALPHA,
    BITS,
    DISPLAY_P3,
    GREY,
    GREY_16,
    HEIGHT,
    RGB,
    WIDTH,
    XYZ_TO_SRGB,
    Case,
    Shown,
    encoded,
    grey,
    on_white,
    stored,
    ycbcr,
)


def saved_cases() -> Iterator[Case]:
    """All of them."""
    for some in (_profiles, _turned, _modes, _several_frames):
        yield from some()


def _profiles() -> Iterator[Case]:
    """The same levels in other colour spaces than sRGB, and empty profiles."""
    picture, clear = image(RGB), image(np.dstack([RGB, ALPHA]))
    for name, (colorants, gamma) in _SPACES.items():
        profile = matrix_profile(colorants, gamma)
        xyz = (RGB / 255) ** (round(gamma * 256) / 256) @ np.array(colorants).T
        shown = encoded(np.clip(xyz @ XYZ_TO_SRGB.T, 0, 1))
        for suffix, (kind, options) in _WITH_PROFILES.items():
            content = saved(picture, kind, icc_profile=profile, **options)
            yield Case(f"{name}.{suffix}", content, shown, tolerance=3)
        content = saved(clear, "PNG", icc_profile=profile)
        yield Case(f"{name}-alpha.png", content, on_white(shown, ALPHA), tolerance=1)
    yield Case("no-profile.png", saved(picture, "PNG", icc_profile=b"nothing" * 30), RGB)
    yield from _nclx(saved(picture, "AVIF", quality=100, subsampling="4:4:4"))
    for name in ("RGB", "RGBA"):
        deep = _deeper(saved(picture.convert(name), "JPEG2000"))
        yield Case(f"16-{name}.jp2", deep, "has more than 8 bits per channel in JPEG 2000")


def _nclx(content: bytes) -> Iterator[Case]:
    """AVIF files that give their colours as codes of H.273."""
    at = content.index(b"colrnclx") + 8
    xyz = (RGB / 255) @ np.array(DISPLAY_P3).T
    shown = encoded(np.clip(xyz @ XYZ_TO_SRGB.T, 0, 1))
    for name, codes, expected in (
        ("p3-linear", (12, 8), shown),
        ("unspecified", (2, 2), RGB),
        ("video", (1, 1), RGB),
        ("pq", (9, 16), "is an HDR picture"),
        ("hlg", (12, 18), "is an HDR picture"),
        ("reserved", (3, 3), "colours of codes 3 and 3, which are not supported"),
    ):
        changed = content[:at] + struct.pack(">HH", *codes) + content[at + 4 :]
        yield Case(f"{name}.avif", changed, expected, tolerance=3)


def _deeper(content: bytes) -> bytes:
    """A JPEG 2000 file whose header says that it has 16 bits per channel."""
    at = content.index(b"ihdr") + 14
    return content[:at] + b"\x0f" + content[at + 1 :]


_SPACES = {
    "display-p3": (DISPLAY_P3, 2.2),
    "adobe-rgb": (ADOBE_RGB, 2.2),
    "linear": (
        ((0.43607, 0.38515, 0.14307), (0.22249, 0.71687, 0.06061), (0.01392, 0.09708, 0.7141)),
        1.0,
    ),
}
"""From linear RGB to XYZ under D50, and gamma."""
_WITH_PROFILES: dict[str, tuple[str, dict[str, Any]]] = {
    "png": ("PNG", {}),
    "jpg": ("JPEG", {"quality": 95}),
    "tif": ("TIFF", {}),
    "webp": ("WEBP", {"lossless": True}),
    "avif": ("AVIF", {"quality": 95}),
}


def _turned() -> Iterator[Case]:
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[274] = orientation
        picture = image(stored(RGB, orientation))
        for suffix, (kind, options) in _WITH_PROFILES.items():
            if suffix != "tif":  # Pillow writes no orientation there
                content = saved(picture, kind, exif=exif, **options)
                yield Case(f"turned-{orientation}.{suffix}", content, RGB, tolerance=3)
    namespaces = b'xmlns:tiff="http://ns.adobe.com/tiff/1.0/"'
    xmp = b"<x:xmpmeta><rdf:Description " + namespaces + b' tiff:Orientation="6"/></x:xmpmeta>'
    content = saved(image(RGB), "JPEG", quality=95, xmp=xmp)
    yield Case("turned-by-xmp-alone.jpg", content, RGB, tolerance=3)


_LOSSLESS = ("BMP", "DDS", "GIF", "ICO", "PCX", "PNG", "PPM", "QOI", "SGI", "TGA", "TIFF")
_LOSSY = ("AVIF", "JPEG", "JPEG2000", "WEBP")
_OPTIONS: dict[str, tuple[dict[str, Any], ...]] = {
    "JPEG": tuple(
        {"quality": 95, "subsampling": share, "progressive": progressive}
        for share in (0, 1, 2)
        for progressive in (False, True)
    ),
    "WEBP": ({"quality": 90}, {"lossless": True}),
    "AVIF": ({"quality": 90}, {"quality": 100, "subsampling": "4:4:4"}),
    "ICO": ({"sizes": [(WIDTH, HEIGHT)]},),
    "TGA": ({}, {"rle": True}, {"orientation": 1}),
    "TIFF": tuple(
        {"compression": name}
        for name in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "lzma", "zstd")
    ),
    "DDS": ({}, {"pixel_format": "DXT5"}),
}
"""Additional options for `save`."""
_NOT_KEPT = {
    "alpha": {"GIF", "PPM", "BMP", "JPEG"},
    "LA": {"DDS"},
    "I;16": {"AVIF", "GIF", "WEBP"},
}
"""What Pillow drops or damages on saving."""


def _modes() -> Iterator[Case]:
    """All modes of all formats that Pillow can save."""
    black = (GREY // 8)[..., None]
    modes: dict[str, tuple[Image.Image, Shown]] = {
        "1": (image(BITS), grey(BITS, 1)),
        "L": (image(GREY), grey(GREY)),
        "LA": (_merged("LA", GREY[..., None], ALPHA[..., None]), on_white(grey(GREY), ALPHA)),
        "P": (image(RGB).quantize(64), quantised(RGB, 64)),
        "RGB": (image(RGB), RGB.astype(float)),
        "RGBA": (image(np.dstack([RGB, ALPHA])), on_white(RGB, ALPHA)),
        "CMYK": (_merged("CMYK", 255 - RGB, black), RGB * (1 - black / 255)),
        "YCbCr": (_merged("YCbCr", ycbcr()), RGB.astype(float)),
        "I;16": (Image.fromarray(GREY_16.astype(np.uint16)), grey(GREY_16, 65535)),
    }
    suffixes = {name: end for end, name in reversed(Image.registered_extensions().items())}
    for kind in (*_LOSSLESS, *_LOSSY):
        for at, options in enumerate(_OPTIONS.get(kind, ({},))):
            for mode, (picture, shown) in modes.items():
                lost = ("alpha" if mode.endswith("A") else mode, mode)
                if any(kind in _NOT_KEPT.get(name, ()) for name in lost):
                    continue
                try:
                    content = saved(picture, kind, **options)
                except (OSError, ValueError, KeyError, RuntimeError, TypeError):
                    continue  # the format lacks this mode
                lossy = kind in _LOSSY or "pixel_format" in options
                tolerance = 6 if lossy else 3 if (kind, mode) == ("GIF", "RGB") else 1.5
                yield Case(f"saved-{mode}-{at}{suffixes[kind]}", content, shown, tolerance)


def _several_frames() -> Iterator[Case]:
    first, second = image(RGB), image(RGB[::-1])
    content = saved(image(BITS), "TIFF", compression="group4")
    yield Case("fax.tif", content, grey(BITS, 1))
    for name, picture, shown in (("rgb", first, RGB), ("grey", image(GREY), grey(GREY))):
        content = saved(picture, "TIFF", compression="jpeg", quality=95)
        yield Case(f"jpeg-{name}.tif", content, shown, tolerance=3)
    for suffix, kind in (
        ("gif", "GIF"),
        ("png", "PNG"),
        ("webp", "WEBP"),
        ("avif", "AVIF"),
        ("tif", "TIFF"),
    ):
        content = saved(first, kind, save_all=True, append_images=[second])
        yield Case(f"frames.{suffix}", content, "has more than one frame")
    content = saved(first, "MPO", save_all=True, append_images=[second], quality=95)
    yield Case("with-preview.mpo", content, RGB, tolerance=3)


def _merged(mode: str, *channels: NDArray[Any]) -> Image.Image:
    together = np.dstack(channels)
    return Image.merge(mode, [image(together[..., at]) for at in range(together.shape[2])])


def image(values: NDArray[Any]) -> Image.Image:
    """A picture with 1 or 8 bits per channel."""
    return Image.fromarray(values if values.dtype == bool else values.astype(np.uint8))


def quantised(rgb: NDArray[Any], colours: int) -> Shown:
    """Reduce a picture to so few colours."""
    few = image(rgb).quantize(colours)
    palette = np.array(few.getpalette("RGB")).reshape(-1, 3)
    return palette[np.asarray(few)].astype(float)


def saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    """The bytes of a picture file."""
    content = io.BytesIO()
    picture.save(content, kind, **options)
    return content.getvalue()
