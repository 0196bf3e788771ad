"""Recognises picture formats by first bytes and suffix, readable ones and others."""

from __future__ import annotations

import contextlib
import re
from functools import cache
from importlib import import_module

from PIL import Image, features

HEADER_BYTES = 1024
"""Bytes read to recognise a format."""

READABLE = (
    "AVIF",
    "BMP",
    "DDS",
    "GIF",
    "HEIF",
    "ICO",
    "JPEG",
    "JPEG2000",
    "PCX",
    "PNG",
    "PPM",
    "QOI",
    "SGI",
    "TGA",
    "TIFF",
    "WEBP",
)
"""Pillow's names of the formats that are decoded, HEIF with the extra `heic`. EPS, for one, is
absent: Pillow runs an outside program to read it."""

_JPEG = b"\xff\xd8\xff"
_TIFF = rb"II[*+]\0|MM\0[*+]"
_READABLE_HEADERS = re.compile(
    rb"\x89PNG\r\n\x1a\n|" + _JPEG + rb"|GIF8[79]a|RIFF.{4}WEBP|.{4}ftypavi[fs]|"
    rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51|DDS |qoif|"
    rb"BM.{4}\0{4}.{4}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0|" + _TIFF,
    re.DOTALL,
)
"""Magic bytes of readable formats, except those of one or two letters, which could start a text."""

HEIC, RAW, _AVIF = "a HEIC photograph", "a camera's raw data", "an AVIF picture"
_UNREADABLE = {
    HEIC: (
        "heic heics heif heifs hif",
        rb".{4}ftyp(hei[cmsx]|hev[cx]|(?!.{0,60}avi[fs])m[is]f1)",
    ),
    RAW: (
        "3fr arw cr2 cr3 crw dcr dng erf fff iiq kdc mef mos mrw nef nrw orf pef raf rw2 rwl sr2 "
        "srf srw x3f",
        rb"FUJIFILMCCD-RAW|.{4}ftypcrx |(" + _TIFF + rb").{4}CR|IIR[OS]|MMOR|IIU\0|FOVb|\0MRM|"
        rb"II\x1a\0{3}HEAPCCDR",
    ),
    "a JPEG XL picture": ("jxl", rb"\xff\x0a|\0\0\0\x0cJXL "),
    "a JPEG XR picture": ("jxr wdp hdp", rb"II\xbc"),
    "a Photoshop document": ("psd psb", rb"8BPS"),
    "a GIMP document": ("xcf", rb"gimp xcf"),
    "an SVG drawing": ("svg svgz", rb"(\xef\xbb\xbf)?\s*(<\?xml.*?\?>\s*)?(<!.*?>\s*)*<svg[\s>]"),
    "a PDF document": ("pdf", rb"%PDF-"),
    "a PostScript drawing": ("eps ps", rb"%!PS|\xc5\xd0\xd3\xc6"),
    "a Windows metafile": ("emf wmf", rb"\xd7\xcd\xc6\x9a|\x01\0\0\0.{36} EMF"),
    "an OpenEXR picture": ("exr", rb"\x76\x2f\x31\x01"),
    "a Radiance picture": ("hdr", rb"#\?(RADIANCE|RGBE)"),
    _AVIF: ("avif avifs", rb".{4}ftypavi[fs]"),
}
"""What people keep beside photographs and Pillow does not read by itself: suffixes, and how it
begins. AVIF is the last, for a Pillow that was built without it."""
_SUFFIXES = {f".{end}": name for name, (ends, _) in _UNREADABLE.items() for end in ends.split()}
_HEADERS = {name: re.compile(start, re.DOTALL) for name, (_, start) in _UNREADABLE.items()}
# Pillow's names of other formats with unambiguous suffixes.
_ALSO_PICTURES = ("CUR", "DCX", "DIB", "ICNS", "MPO", "MSP", "PCD", "SUN", "XBM", "XPM")


def formats() -> list[str]:
    """Those of `READABLE` that this build of Pillow has."""
    Image.init()
    return [name for name in READABLE if name in Image.OPEN]


def unreadable_patterns() -> list[tuple[str, str]]:
    """Unreadable kinds and their magic bytes, as regular expressions for JavaScript."""
    return [
        (name, start.pattern.decode("latin-1")) for name, start in _HEADERS.items() if name != _AVIF
    ]


def is_jpeg(header: bytes) -> bool:
    """Whether a file has the magic bytes of JPEG."""
    return header.startswith(_JPEG)


def picture_suffixes() -> set[str]:
    """Suffixes of pictures in lower case, readable here or not."""
    names = {*READABLE, *_ALSO_PICTURES}
    return {e for e, name in Image.registered_extensions().items() if name in names} | set(
        _SUFFIXES
    )


def begins_like_a_picture(header: bytes) -> bool:
    """Whether a file has the magic bytes of a picture; some formats have none."""
    starts = (_READABLE_HEADERS, *_HEADERS.values())
    return any(start.match(header) for start in starts)


def unreadable_kind(header: bytes, suffix: str) -> str | None:
    """The kind of an unreadable picture, such as `a HEIC photograph`; None if it may be readable.

    Camera raw data are mostly TIFF files with a thumbnail, so they are recognised by suffix.
    """
    if _SUFFIXES.get(suffix.lower()) == RAW and re.match(_TIFF, header):
        return RAW
    for name, start in _HEADERS.items():
        if start.match(header) and not _is_decoded(name):
            return name
    return None


def _is_decoded(name: str) -> bool:
    return decodes_heic() if name == HEIC else name == _AVIF and bool(features.check("avif"))


@cache
def decodes_heic() -> bool:
    """Whether the extra `heic` is installed, whose decoder Pillow is given here."""
    with contextlib.suppress(ImportError):
        import_module("pi_heif").register_heif_opener()
    return "HEIF" in Image.OPEN
