"""ICC profiles of colour spaces that files give as numbers.

PNG has cICP and cHRM, AVIF and HEIF have nclx. cICP and nclx are codes of ITU-T H.273. Pillow
leaves the colours as they are; browsers convert them.
"""

from __future__ import annotations

import re
import struct
from functools import lru_cache
from typing import BinaryIO

import numpy as np

Chromaticities = tuple[float, float, float, float, float, float, float, float]
"""x and y of white, red, green and blue."""

_D65 = (0.3127, 0.329)
_PRIMARIES: dict[int, Chromaticities] = {
    1: (*_D65, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06),
    4: (0.31, 0.316, 0.67, 0.33, 0.21, 0.71, 0.14, 0.08),
    5: (*_D65, 0.64, 0.33, 0.29, 0.60, 0.15, 0.06),
    6: (*_D65, 0.63, 0.34, 0.31, 0.595, 0.155, 0.07),
    7: (*_D65, 0.63, 0.34, 0.31, 0.595, 0.155, 0.07),
    8: (0.31, 0.316, 0.681, 0.319, 0.243, 0.692, 0.145, 0.049),
    9: (*_D65, 0.708, 0.292, 0.17, 0.797, 0.131, 0.046),
    11: (0.314, 0.351, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06),
    12: (*_D65, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06),
    22: (*_D65, 0.63, 0.34, 0.295, 0.605, 0.155, 0.077),
}
"""By code of H.273, table 2."""
_GAMMAS: dict[int, float | None] = {
    1: None, 4: 2.2, 5: 2.8, 6: None, 8: 1.0, 13: None, 14: None, 15: None,
}  # fmt: skip
"""Gamma by code of H.273, table 3; None: sRGB's curve, also for video's, as browsers show it."""
_HDR = {16, 18}
"""Codes of PQ and HLG."""
_UNSPECIFIED = 2
_SRGB = 1, 13
_MOST_CHUNKS = 100
_META_BYTES = 2**16
_NCLX = re.compile(rb"\0\0\0\x13colrnclx(..)(..)", re.DOTALL)
_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
"""From XYZ to the cone responses of Bradford's adaptation (Lindbloom)."""
_D50 = np.array([0.9642, 1.0, 0.8249])


class HighDynamicRangeError(ValueError):
    """The levels are PQ or HLG, whose look depends on the display."""


def colour_numbers(file: BinaryIO, header: bytes) -> tuple[int, int] | None:
    """Codes of primaries and transfer in a PNG, AVIF or HEIF file; None if it specifies neither.

    Args:
        file: Moved.
        header: Its first bytes.
    """
    found = _codes_in(file, header)
    return None if found == (_UNSPECIFIED, _UNSPECIFIED) else found


def _codes_in(file: BinaryIO, header: bytes) -> tuple[int, int] | None:
    if header[4:8] == b"ftyp":
        file.seek(0)
        found = _NCLX.search(file.read(_META_BYTES))
        return None if found is None else _pair(found[1] + found[2])
    at = 8 if header.startswith(b"\x89PNG") else None
    for _ in range(_MOST_CHUNKS):
        if at is None:
            break
        file.seek(at)
        length, kind, content = struct.unpack(">I4s4s", file.read(12).ljust(12, b"\0"))
        if kind == b"cICP" and length == 4:
            return content[0], content[1]
        at = None if kind in (b"IDAT", b"IEND", b"\0" * 4) else at + length + 12
    return None


def _pair(codes: bytes) -> tuple[int, int]:
    primaries, transfer = struct.unpack(">HH", codes)
    return primaries, transfer


@lru_cache(maxsize=16)
def profile_of_codes(primaries: int, transfer: int) -> bytes | None:
    """The profile of codes of H.273; None if it is sRGB, or unspecified.

    Raises:
        HighDynamicRangeError: They are of a picture for HDR displays.
        ValueError: They are reserved.
    """
    primaries = _SRGB[0] if primaries == _UNSPECIFIED else primaries
    transfer = _SRGB[1] if transfer == _UNSPECIFIED else transfer
    if transfer in _HDR:
        raise HighDynamicRangeError
    if primaries not in _PRIMARIES or transfer not in _GAMMAS:
        raise ValueError(f"colours of codes {primaries} and {transfer}, which are not supported")
    gamma = _GAMMAS[transfer]
    if primaries == _SRGB[0] and gamma is None:
        return None
    return profile(_PRIMARIES[primaries], gamma)


@lru_cache(maxsize=16)
def profile_of_chromaticities(numbers: Chromaticities, gamma: float) -> bytes | None:
    """The profile of PNG's cHRM and gAMA; None for sRGB's primaries, or impossible ones."""
    if np.allclose(numbers, _PRIMARIES[1], atol=0.005) or not 0 < gamma < 10:
        return None
    try:
        return profile(numbers, 1 / gamma)
    except (ValueError, ZeroDivisionError, OverflowError, struct.error):
        return None


def profile(numbers: Chromaticities, gamma: float | None) -> bytes:
    """An ICC profile of a display (ICC.1:2010).

    Args:
        numbers: Of white and primaries.
        gamma: Of all channels; None: sRGB's curve.

    Raises:
        ValueError: No display has these primaries.
    """
    white, *primaries = (
        np.array([x / y, 1, (1 - x - y) / y])
        for x, y in np.array(numbers, float).reshape(4, 2).tolist()
    )
    columns = np.stack(primaries, axis=1)
    columns = columns * np.linalg.solve(columns, white)
    scale = (_BRADFORD @ _D50) / (_BRADFORD @ white)
    colorants = np.linalg.inv(_BRADFORD) @ np.diag(scale) @ _BRADFORD @ columns
    if not (np.abs(colorants) < 4).all():
        raise ValueError("impossible primaries")
    curve = (
        b"para" + struct.pack(">IHH", 0, 3, 0) + _fixed(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92)
        + _fixed(0.04045)
        if gamma is None
        else b"para" + struct.pack(">IHH", 0, 0, 0) + _fixed(gamma)
    )  # fmt: skip
    elements = {
        b"desc": (b"desc" + struct.pack(">II", 0, 6) + b"named\0").ljust(96, b"\0"),
        b"cprt": b"text\0\0\0\0none\0\0\0\0",
        b"wtpt": b"XYZ \0\0\0\0" + _fixed(*_D50),
    }
    for letter, column in zip((b"r", b"g", b"b"), colorants.T, strict=True):
        elements[letter + b"XYZ"] = b"XYZ \0\0\0\0" + _fixed(*column)
        elements[letter + b"TRC"] = curve
    at, table, body = 132 + 12 * len(elements), struct.pack(">I", len(elements)), b""
    for tag, element in elements.items():
        table += tag + struct.pack(">II", at + len(body), len(element))
        body += element
    header = struct.pack(">I4sI", at + len(body), b"lcms", 0x04200000) + b"mntrRGB XYZ "
    header += struct.pack(">6H", 2010, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + _fixed(*_D50)
    return header.ljust(128, b"\0") + table + body


def _fixed(*values: float) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))
