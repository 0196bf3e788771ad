"""Converts decoded pictures to 8-bit sRGB on white."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any, cast

import numpy as np
from PIL import Image, ImageCms, TiffImagePlugin

from thriftnet.data.colour.numbers import profile_of_chromaticities

_BACKGROUND = (255, 255, 255)
_MIN_IS_WHITE = 0
_USUAL_GAMMA = (0.4, 0.5)
"""Range around 1 / 2.2, the gamma of screens, without visible difference."""
_SPACES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
"""Pillow modes of the colour spaces of ICC profiles."""
_SAME = 2
"""Tolerance in levels for profiles equivalent to sRGB."""
_OFTEN_UNUSED = {"BMP", "ICO", "TGA"}
"""Formats whose fourth channel is either alpha or unused and all 0."""


def as_shown(picture: Image.Image, *, header: bytes) -> Image.Image:
    """Convert a loaded picture to RGB.

    Transparency is composited over white, 16-bit grey is scaled to 8 bits, and colours are
    converted to sRGB by the picture's ICC profile or gamma, if valid.

    Args:
        picture: Of any mode except 32-bit values.
        header: The first bytes of its file; empty if it is not at hand.

    Raises:
        ValueError: Pillow cannot convert its mode.
    """
    colours, alpha = _separate(picture, header)
    rgb = _in_srgb(colours, picture)
    if alpha is None:
        return rgb
    rgb.putalpha(alpha)
    background = Image.new("RGBA", rgb.size, (*_BACKGROUND, 255))
    return Image.alpha_composite(background, rgb).convert("RGB")


def _separate(picture: Image.Image, header: bytes) -> tuple[Image.Image, Image.Image | None]:
    """Colours of 8 bits (mode L, RGB or CMYK), and alpha (L) if there is any."""
    if picture.mode.startswith("I"):
        return _of_16_bits(picture)
    colours = getattr(picture, "tag_v2", {}).get(TiffImagePlugin.COLORMAP)
    if picture.mode == "P" and colours and max(colours) < 256:
        # Some writers give 8 bits a colour instead of 16, of which Pillow takes the upper ones.
        picture.putpalette(np.array(colours, np.uint8).reshape(3, -1).T.tobytes())
    if picture.mode == "CMYK":
        return picture, None
    if picture.format == "TGA" and picture.mode == "RGBA" and header[16:17] == b"\x10":
        return picture.convert("RGB"), None  # Pillow inverts its one bit of alpha
    grey = picture.mode in ("1", "L", "LA", "La")
    if not picture.has_transparency_data:
        return picture.convert("L" if grey else "RGB"), _outside_frame(picture)
    if picture.format == "PNG" and picture.mode == "L" and header and header[24] < 8:
        # Pillow scales the pixels to 8 bits, but not the transparent value.
        picture.info["transparency"] *= 255 // (2 ** header[24] - 1)
    both = picture.convert("RGBA")
    alpha = both.getchannel("A")
    if picture.format in _OFTEN_UNUSED and alpha.getextrema() == (0, 0):
        alpha = None
    return both.getchannel("R") if grey else both.convert("RGB"), alpha


def _of_16_bits(picture: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    values = np.asarray(picture).astype(np.uint32)
    tags = getattr(picture, "tag_v2", {})
    key = picture.info.get("transparency")
    alpha = None if key is None else Image.fromarray((values != key).astype(np.uint8) * 255)
    top = 2 ** tags.get(TiffImagePlugin.BITSPERSAMPLE, (16,))[0] - 1  # 12 bits are 0 to 4095
    values = values * 65535 // min(top, 65535)
    if tags.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION) == _MIN_IS_WHITE:
        values = 65535 - values  # Pillow inverts the other depths itself
    # round(value * 255 / 65535); Pillow's own conversion clips at 255
    return Image.fromarray(((values + 128) // 257).astype(np.uint8)), alpha


def _outside_frame(picture: Image.Image) -> Image.Image | None:
    """Alpha of a GIF frame that does not fill its canvas."""
    frame = getattr(picture, "dispose_extent", None)
    if frame is None or tuple(frame) == (0, 0, *picture.size):
        return None
    alpha = Image.new("L", picture.size)
    alpha.paste(255, frame)
    return alpha


def _in_srgb(colours: Image.Image, picture: Image.Image) -> Image.Image:
    profile, gamma = picture.info.get("icc_profile"), picture.info.get("gamma")
    chromaticity = picture.info.get("chromaticity")
    if not profile and gamma and chromaticity and "srgb" not in picture.info:
        profile = profile_of_chromaticities(tuple(chromaticity), gamma)
    if profile:
        transform = _srgb_transform(profile, colours.mode)
        if transform is not None:
            converted = transform.apply(colours.convert(transform.input_mode))
            assert converted is not None
            return converted
    elif gamma and "srgb" not in picture.info and not _USUAL_GAMMA[0] < gamma < _USUAL_GAMMA[1]:
        linear = np.linspace(0, 1, 256) ** (1 / gamma)
        encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
        return colours.convert("RGB").point((encoded * 255).round().astype(int).tolist() * 3)
    return colours if colours.mode == "RGB" else colours.convert("RGB")


@lru_cache(maxsize=16)
def _srgb_transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The transform from a profile to sRGB; None if it is the identity or not for this mode.

    Damaged profiles and those of another colour space are ignored.
    """
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = _SPACES.get(cast("Any", source.profile).xcolor_space.strip())
        if space is None or (space != mode and (space, mode) != ("RGB", "L")):
            return None
        target = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
        intent = ImageCms.Intent(ImageCms.getDefaultIntent(source))
        transform = ImageCms.buildTransform(source, target, space, "RGB", intent)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    if space == "CMYK":
        return transform
    levels = np.arange(0, 256, 51, dtype=np.uint8)
    cube = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(6, 36, 3)
    shown = Image.fromarray(cube if space == "RGB" else np.arange(256, dtype=np.uint8)[None])
    converted = transform.apply(shown)
    assert converted is not None
    before, after = np.asarray(shown.convert("RGB")), np.asarray(converted)
    return transform if np.abs(after.astype(int) - before).max() > _SAME else None
