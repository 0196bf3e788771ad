"""Refuses pictures that are too large, or that Pillow would misread, with a reason in one line."""

from __future__ import annotations

import os
from pathlib import Path

from PIL import Image, JpegImagePlugin, TiffImagePlugin

from thriftnet.data.picture_formats import HEIC, RAW
from thriftnet.errors import ImageError

MAX_PIXELS = 64_000_000
"""Largest decoded picture."""
MAX_JPEG_PIXELS = 1_000_000_000
"""Largest JPEG, which is decoded at a reduced scale."""
MAX_SIDE = 65_535
_SIGNED = 2
_PLANES, _UNCOMPRESSED = 2, 1
_DNG_VERSION = 50706


def refuse_unusable(picture: Image.Image, path: Path, header: bytes, max_pixels: int) -> None:
    """Check limits by the header, before decoding.

    Args:
        picture: Opened and not loaded.
        path: For messages.
        header: The first bytes of the file.
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
    if getattr(picture, "n_frames", 1) > 1 and picture.format != "HEIF":
        raise ImageError(f"{path} has more than one frame; save the one you mean as PNG")
    refuse_values(picture, path)
    clear = picture.info.get("transparency")
    if picture.format == "PNG" and header[24] == 16 and isinstance(clear, tuple):
        # Pillow keeps the upper 8 bits of each pixel, but the transparent colour has 16.
        raise ImageError(f"{path} marks one colour of 16 bits as transparent; save it as RGBA")


def refuse_values(picture: Image.Image, path: Path) -> None:
    """Check that the range of the values is known, and that Pillow reads them right.

    Raises:
        ImageError: It is not, or it does not.
    """
    if picture.mode == "F" or (picture.mode == "I" and picture.format != "PPM"):  # to 65,535
        raise ImageError(
            f"{path} has values of unknown range; save it with 8 or 16 bits a channel, unsigned"
        )
    if isinstance(picture, TiffImagePlugin.TiffImageFile):
        _refuse_tiff(picture, path)


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
        raise ImageError(f"{path} has signed values; save it with 8 or 16 bits a channel, unsigned")
    planes = tags.get(TiffImagePlugin.PLANAR_CONFIGURATION), tags.get(TiffImagePlugin.COMPRESSION)
    if planes == (_PLANES, _UNCOMPRESSED) and 16 in tags.get(TiffImagePlugin.BITSPERSAMPLE, ()):
        raise ImageError(f"{path} keeps 16-bit channels apart; save it as PNG")


def too_large(path: Path, most: int = MAX_PIXELS) -> ImageError:
    """The error of a picture of more than `most` pixels."""
    megapixels = f"{most // 1_000_000:,} megapixels"
    return ImageError(f"{path} has more than {megapixels}; make it smaller first")


def unreadable(path: Path, kind: str) -> ImageError:
    """The error of a picture of a kind that is not decoded, such as `a HEIC photograph`."""
    extra = " run pip install 'thriftnet[heic]', or" if kind == HEIC else ""
    return ImageError(f"{path} is {kind}, which cannot be read here;{extra} save it as JPEG or PNG")
