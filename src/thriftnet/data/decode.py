"""Decodes image files of any format to RGB, or explains in one line why not."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, JpegImagePlugin

from thriftnet.data.colour.numbers import (
    HighDynamicRangeError,
    colour_numbers,
    profile_of_codes,
)
from thriftnet.data.colour.shown import as_shown
from thriftnet.data.options import Fit
from thriftnet.data.picture_formats import (
    HEADER_BYTES,
    begins_like_a_picture,
    formats,
    is_jpeg,
    unreadable_kind,
)
from thriftnet.data.pictures import special_kind
from thriftnet.data.refusals import (
    MAX_JPEG_PIXELS,
    MAX_PIXELS,
    refuse_icon,
    refuse_unusable,
    refuse_values,
    too_large,
    unreadable,
)
from thriftnet.data.square import make_square
from thriftnet.errors import ImageError
from thriftnet.runtime.silence import silent_pillow

DRAFT_FACTOR = 4
"""A reduced scale is at least this factor larger than the requested size."""
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""Transposition that makes an image upright, by EXIF orientation."""
_FROM_RIGHT, _FROM_BELOW = {2, 3, 7, 8}, {3, 4, 6, 7}
"""EXIF orientations whose columns, and whose rows, are stored in reverse order."""
_LFS = b"version https://git-lfs."
_SIDEWAYS = {turn for value, turn in _TURNS.items() if value >= 5}
# Exceptions of Pillow for damaged EXIF data.
_DAMAGED_EXIF = (SyntaxError, struct.error, ValueError, TypeError, LookupError, OSError)
_ICON = b"\0\0\1\0"
_TOLD = "_thriftnet_told"
"""Attribute of a Pillow picture that keeps what its file told, before loading closes it."""
_FACTS = ("format", "tag_v2", "dispose_extent")
"""Attributes that say how the pixels of a picture are meant."""


class Decoded(NamedTuple):
    """A decoded picture."""

    pixels: NDArray[np.uint8]
    """(size, size, 3) RGB, or (H, W, 3) without a size."""
    width: int
    """Width in pixels of the upright picture before resizing."""
    height: int


def read_image(path: Path | str, *, size: int | None = 32, fit: Fit = "crop") -> NDArray[np.uint8]:
    """Reads an image file of any size and any common colour mode.

    The EXIF orientation is applied, transparency is composited over white, 16-bit grey is scaled to
    8 bits, CMYK and palettes are converted, and colour profiles are converted to sRGB. The picture
    is made square as `fit` says and resized with an antialiased Lanczos filter; a picture of the
    requested size is unchanged. A large JPEG is decoded at 1/2, 1/4 or 1/8 of its scale.

    Args:
        path: the file.
        size: height and width to return, in pixels; None: those of the file.
        fit: how a picture becomes square: `crop`, `pad` or `squash`.

    Returns:
        (size, size, 3) uint8, RGB; (H, W, 3) if `size` is None.

    Raises:
        ImageError: the file is missing, unreadable, truncated, animated, too large (64 megapixels,
            for JPEG at the reduced scale), or has an unsupported format or value range.
    """
    path = Path(path)
    if (kind := special_kind(path)) is not None:  # a pipe would block
        raise ImageError(f"{path} is {kind}, not a file; give an image")
    with silent_pillow():
        try:
            with path.open("rb") as file:
                return _decode(file, path, size, fit).pixels
        except (FileNotFoundError, ValueError):  # the latter: its name has a NUL
            raise ImageError(f"{path} does not exist; give the path of an image") from None
        except OSError as fault:
            raise _unusable(path, fault, b"") from None


def decode_image(
    content: bytes, *, name: str, size: int, fit: Fit, max_pixels: int = MAX_JPEG_PIXELS
) -> Decoded:
    """Decodes the content of an image file like `read_image`; call within `silent_pillow`.

    Args:
        content: of the file.
        name: of the file, for messages and for formats recognised by suffix.
        size: height and width to return, in pixels.
        fit: how a picture becomes square: `crop`, `pad` or `squash`.
        max_pixels: limit in addition to those of `read_image`.

    Raises:
        ImageError: as `read_image`.
    """
    return _decode(io.BytesIO(content), Path(name), size, fit, max_pixels)


def decode_picture(picture: Image.Image, *, name: str, size: int, fit: Fit) -> Decoded:
    """Converts a Pillow image like `decode_image`; the image is loaded, and not modified.

    Args:
        picture: opened or created by Pillow; of several frames, the current one.
        name: for messages.
        size: height and width to return, in pixels.
        fit: how a picture becomes square: `crop`, `pad` or `squash`.

    Raises:
        ImageError: its file is damaged, it has too many pixels or values of unknown range.
    """
    path = Path(name)
    try:
        if picture.width * picture.height > MAX_PIXELS:
            raise too_large(path)
        header, numbers = _told_by_file(picture)
        refuse_values(picture, path, header)
        own = picture.copy()
        for fact in _FACTS:  # of its file; a copy has none
            if hasattr(picture, fact):
                setattr(own, fact, getattr(picture, fact))
        own.info.pop("xmp", None)
        _name_colours(own, numbers)
        rgb = as_shown(own, header=header)
        turn = _TURNS.get(_orientation(own))
        rgb = rgb if turn is None else rgb.transpose(turn)
        square = make_square(rgb, *rgb.size, scale=1, size=size, fit=fit)
        return Decoded(np.array(square), *rgb.size)
    except ImageError:
        raise
    except HighDynamicRangeError:
        raise _high_range(path) from None
    except Exception as fault:  # loading can raise anything
        raise _unusable(path, fault, b"") from None


def _told_by_file(picture: Image.Image) -> tuple[bytes, tuple[int, int] | None]:
    """The first bytes of a picture's file and its colour numbers, if it is or was open here."""
    file = getattr(picture, "fp", None)
    if file is None or hasattr(picture, _TOLD):
        return getattr(picture, _TOLD, (b"", None))
    at = file.tell()
    try:
        file.seek(0)
        header = file.read(HEADER_BYTES)
        found = header, colour_numbers(file, header)
    finally:
        file.seek(at)
    setattr(picture, _TOLD, found)
    return found


def _high_range(path: Path) -> ImageError:
    return ImageError(f"{path} is an HDR picture; save it as JPEG or 8-bit PNG")


def _decode(
    file: BinaryIO,
    path: Path,
    size: int | None,
    fit: Fit,
    max_pixels: int = MAX_JPEG_PIXELS,
) -> Decoded:
    header = b""
    try:
        header = file.read(HEADER_BYTES)
        file.seek(0)
        if not header:
            raise ImageError(f"{path} is an empty file; give an image")
        if header.startswith(_LFS):
            raise ImageError(f"{path} only points to a picture in Git LFS; run git lfs pull")
        if kind := unreadable_kind(header, path.suffix):
            raise unreadable(path, kind)
        numbers = colour_numbers(file, header)
        file.seek(0)
        if header.startswith(_ICON):
            refuse_icon(file, path, max_pixels)
        with _identified(file, header) as picture:
            refuse_unusable(picture, path, header, max_pixels)
            _name_colours(picture, numbers)
            return _read(picture, path, header, size, fit)
    except ImageError:
        raise
    except HighDynamicRangeError:
        raise _high_range(path) from None
    except Image.DecompressionBombError:
        raise too_large(path, min(MAX_PIXELS, max_pixels)) from None
    # Damaged bytes can raise almost any exception.
    except Exception as fault:
        raise _unusable(path, fault, header) from None


def _unusable(path: Path, fault: Exception, header: bytes) -> ImageError:
    reason = _reason(fault, header)
    return ImageError(f"{path} cannot be read as an image ({reason}); save it again as PNG")


def _identified(file: BinaryIO, header: bytes) -> Image.Image:
    """Open a picture; JPEG without `Image.open`, which would reject large ones before scaling.

    Further pictures of an MPO file, such as a phone's preview, are ignored.
    """
    if is_jpeg(header):
        return JpegImagePlugin.JpegImageFile(file)
    return Image.open(file, formats=formats())


def _name_colours(picture: Image.Image, numbers: tuple[int, int] | None) -> None:
    """Give a picture the profile of its colour numbers; in PNG they come before an own profile.

    Raises:
        ValueError: They are of an HDR picture, or reserved.
    """
    if numbers is None or (picture.format != "PNG" and picture.info.get("icc_profile")):
        return
    picture.info["icc_profile"] = profile_of_codes(*numbers)
    picture.info["srgb"] = 0  # gamma does not count any more


def _read(picture: Image.Image, path: Path, header: bytes, size: int | None, fit: Fit) -> Decoded:
    width, height = picture.size
    scale = 1
    if size is not None and isinstance(picture, JpegImagePlugin.JpegImageFile):
        drafted = picture.draft(None, (DRAFT_FACTOR * size, DRAFT_FACTOR * size))
        scale = round(width / drafted[1][2]) if drafted else 1
    if picture.width * picture.height > MAX_PIXELS:
        raise too_large(path)
    picture.info.pop("xmp", None)  # viewers ignore an orientation in XMP, Pillow does not
    picture.load()
    rgb = as_shown(picture, header=header)
    orientation = _orientation(picture)
    turn = _TURNS.get(orientation)
    if turn is not None and scale == 1:
        rgb, turn = rgb.transpose(turn), None
        width, height = rgb.size
    if size is not None:
        later = orientation if turn is not None else 1
        mirrored = later in _FROM_RIGHT, later in _FROM_BELOW
        rgb = make_square(rgb, width, height, scale=scale, size=size, fit=fit, mirrored=mirrored)
    if turn is not None:
        # Transpose after resizing: the last row of a reduced picture may cover fewer pixels.
        rgb = rgb.transpose(turn)
        width, height = (height, width) if turn in _SIDEWAYS else (width, height)
    return Decoded(np.array(rgb), width, height)


def _orientation(picture: Image.Image) -> int:
    """EXIF orientation; 1 is upright. TIFF pictures are transposed on loading."""
    exif = Image.Exif()
    try:
        exif.load(picture.info.get("exif", b""))
        return exif.get(ExifTags.Base.Orientation, 1)
    except _DAMAGED_EXIF:
        return 1


def upright_size(picture: Image.Image) -> tuple[int, int]:
    """Width and height in pixels as shown, of a picture that is opened and not loaded."""
    width, height = picture.size
    return (height, width) if _TURNS.get(_orientation(picture)) in _SIDEWAYS else (width, height)


def _reason(fault: Exception, header: bytes) -> str:
    if isinstance(fault, Image.UnidentifiedImageError):
        pixels = begins_like_a_picture(header)
        return "an unsupported pixel layout" if pixels else "an unsupported format"
    if isinstance(fault, OSError) and fault.strerror:
        return fault.strerror
    return " ".join(str(fault).split())[:100] or type(fault).__name__
