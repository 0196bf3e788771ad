"""Refuses pictures that are too large, or that Pillow would misread, with a reason in one line."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import BinaryIO

from PIL import Image, JpegImagePlugin, TiffImagePlugin

from thriftnet.data.picture_formats import HEIC, RAW
from thriftnet.errors import ImageError

MAX_PIXELS = 64_000_000
"""Largest decoded picture."""
MAX_JPEG_PIXELS = 1_000_000_000
"""Largest JPEG, which is decoded at a reduced scale."""
MAX_SIDE = 65_535
_SIGNED = 2
_PCX_GREY = 2
_PLANES, _UNCOMPRESSED = 2, 1
_DNG_VERSION = 50706
_PNG_HEAD = 24
"""Bytes of a PNG up to its height."""


def refuse_unusable(picture: Image.Image, path: Path, header: bytes, max_pixels: int) -> None:
    """Check limits by the header, before decoding.

    Args:
        picture: Opened and not loaded.
        path: For messages.
        header: The first bytes of its file.
        max_pixels: Limit in addition to those of the format.

    Raises:
        ImageError: It is too large, animated, or has values that cannot be read.
    """
    jpeg = isinstance(picture, JpegImagePlugin.JpegImageFile)
    most = MAX_JPEG_PIXELS if jpeg and not _is_kept_whole(picture) else MAX_PIXELS
    most = min(most, max_pixels)
    if picture.width * picture.height > most:
        raise too_large(path, most)
    if max(picture.size) > MAX_SIDE:  # Pillow stores two pointers per row: 64M rows take 1 GB
        raise ImageError(f"{path} has a side of {max(picture.size):,} pixels; make it smaller")
    # A HEIC file of several pictures, as of a burst, names the one to show; the others are no film.
    # `n_frames` would count the frames of a GIF or a TIFF, of which a few MB hold a million.
    if getattr(picture, "is_animated", False) and picture.format != "HEIF":
        raise ImageError(f"{path} has more than one frame; save the one you mean as PNG")
    refuse_values(picture, path, header)


def refuse_values(picture: Image.Image, path: Path, header: bytes) -> None:
    """Check that the range of the values is known, and that Pillow reads them right.

    Args:
        picture: The picture.
        path: For messages.
        header: The first bytes of its file; empty if it is not at hand.

    Raises:
        ImageError: It is not, or it does not.
    """
    if picture.mode == "F" or (picture.mode == "I" and picture.format != "PPM"):  # to 65,535
        raise ImageError(
            f"{path} has values of unknown range; save it with 8 or 16 bits per channel, unsigned"
        )
    if isinstance(picture, TiffImagePlugin.TiffImageFile):
        _refuse_tiff(picture, path)
    if _is_torn(picture, header):
        raise ImageError(f"{path} cannot be read as an image (its end is missing); copy it again")
    clear = picture.info.get("transparency")
    if picture.format == "PNG" and header[24:25] == b"\x10" and isinstance(clear, tuple):
        # Pillow keeps the upper 8 bits of each pixel, but the transparent colour has 16.
        raise ImageError(f"{path} marks one colour of 16 bits as transparent; save it as RGBA")
    if picture.format == "JPEG2000" and picture.mode != "I;16" and _jpeg2000_bits(header) > 8:
        # Pillow rounds the largest value to 256, which wraps: white is black, and opaque is clear.
        raise ImageError(f"{path} has more than 8 bits per channel in JPEG 2000; save it as PNG")
    if picture.format == "BMP" and _has_alpha_in_16_bits(header):
        raise ImageError(f"{path} has transparency in pixels of 16 bits; save it as PNG")


def refuse_icon(file: BinaryIO, path: Path, max_pixels: int) -> None:
    """Check the pictures in an icon, which Pillow decodes when it opens it.

    The icon's own header has one byte for each of their sides.

    Args:
        file: At its beginning, where it is left.
        path: For messages.
        max_pixels: As of `refuse_unusable`.

    Raises:
        ImageError: One is too large.
    """
    most = min(MAX_PIXELS, max_pixels)
    count = int.from_bytes(file.read(6)[4:], "little")
    entries = file.read(16 * count)
    for at in range(0, len(entries) - 15, 16):
        file.seek(int.from_bytes(entries[at + 12 : at + 16], "little"))
        head = file.read(_PNG_HEAD).ljust(_PNG_HEAD, b"\0")
        png = head.startswith(b"\x89PNG")
        width, height = struct.unpack(">II", head[16:]) if png else struct.unpack("<ii", head[4:12])
        if abs(width * height) > (most if png else 2 * most):  # a bitmap has its mask below it
            raise too_large(path, most)
    file.seek(0)


def _is_kept_whole(picture: JpegImagePlugin.JpegImageFile) -> bool:
    """Whether a JPEG has several scans, so that its decoder holds it in memory at full size."""
    assert picture.fp is not None
    length = 6 + 2 * picture.layers
    picture.fp.seek(-length, os.SEEK_CUR)  # the header of the first scan was read last
    all_in_one = picture.fp.read(3) == bytes([0, length, picture.layers]) and picture.layers <= 3
    return "progressive" in picture.info or not all_in_one


def _refuse_tiff(picture: TiffImagePlugin.TiffImageFile, path: Path) -> None:
    """Reject variants of TIFF that Pillow misreads."""
    tags = picture.tag_v2
    if _DNG_VERSION in tags:
        raise unreadable(path, RAW)
    if _SIGNED in tags.get(TiffImagePlugin.SAMPLEFORMAT, ()):
        raise ImageError(
            f"{path} has signed values; save it with 8 or 16 bits per channel, unsigned"
        )
    planes = tags.get(TiffImagePlugin.PLANAR_CONFIGURATION), tags.get(TiffImagePlugin.COMPRESSION)
    if planes == (_PLANES, _UNCOMPRESSED) and 16 in tags.get(TiffImagePlugin.BITSPERSAMPLE, ()):
        raise ImageError(f"{path} stores its 16-bit channels separately; save it as PNG")


def _is_torn(picture: Image.Image, header: bytes) -> bool:
    """Whether a file lacks the end that says what its pixels mean, which Pillow passes over.

    That is TIFF's directory, as of an alpha channel, and PCX's palette of 256 colours.
    """
    file = getattr(picture, "fp", None)
    if file is None or not header:
        return False
    before = file.tell()
    try:
        size = file.seek(0, os.SEEK_END)
        if picture.format == "PCX":
            bits, planes, grey = header[3], header[65], header[68] == _PCX_GREY
            file.seek(max(0, size - 769))
            return (bits, planes, grey) == (8, 1, False) and file.read(1) != b"\x0c"
        if picture.format == "TIFF":
            order = "<" if header[:2] == b"II" else ">"
            place, count, entry = "Q", "Q", 20  # of BigTIFF
            if header[2:4] in (b"*\0", b"\0*"):
                place, count, entry = "I", "H", 12
            length = struct.calcsize(place)
            (at,) = struct.unpack_from(order + place, header, length)
            file.seek(at)
            first = file.read(struct.calcsize(count))
            (entries,) = struct.unpack(order + count, first)
            return size < at + len(first) + entries * entry + length
        return False
    finally:
        file.seek(before)


def _jpeg2000_bits(header: bytes) -> int:
    """The most bits of a channel, by the box `ihdr` or the marker SIZ; 0 if neither is there."""
    if (box := header.find(b"ihdr")) >= 0 and header[:4] == b"\0\0\0\x0c":
        depths = header[box + 14 : box + 15]  # 255 if the channels differ
    else:
        siz = header.find(b"\xff\x4f\xff\x51") + 40
        count = int.from_bytes(header[siz : siz + 2], "big") if siz >= 40 else 0
        depths = header[siz + 2 : siz + 2 + 3 * count : 3]
    return max((1 + (depth & 127) for depth in depths), default=0)


def _has_alpha_in_16_bits(header: bytes) -> bool:
    """Whether a BMP's 16-bit pixels have a mask for alpha, which Pillow ignores."""
    size, bits, how = (int.from_bytes(header[at : at + n], "little") for at, n in _BMP_FIELDS)
    return size >= _BMP_WITH_ALPHA and (bits, how) == (16, 3) and any(header[66:70])


_BMP_FIELDS = (14, 4), (28, 2), (30, 4)
"""Offset and bytes of the size of the second header, the bits of a pixel, and the compression."""
_BMP_WITH_ALPHA = 56
"""Least size of a header that has a mask for alpha."""


def too_large(path: Path, most: int = MAX_PIXELS) -> ImageError:
    """The error of a picture of more than `most` pixels."""
    megapixels = f"{most // 1_000_000:,} megapixels"
    return ImageError(f"{path} has more than {megapixels}; make it smaller first")


def unreadable(path: Path, kind: str) -> ImageError:
    """The error of a picture of a kind that is not decoded, such as `a HEIC photograph`."""
    extra = " run pip install 'thriftnet[heic]', or" if kind == HEIC else ""
    return ImageError(f"{path} is {kind}, which cannot be read here;{extra} save it as JPEG or PNG")
