"""Encoders of picture files that Pillow reads and mostly cannot write."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[Any]
_TIFF_TYPES = {1: "B", 3: "H", 4: "I"}


def png(samples: Pixels, *, bits: int, colour: int, chunks: bytes = b"") -> bytes:
    """Encode a PNG file.

    Args:
        samples: (H, W) or (H, W, C), integers below 2 ** bits.
        bits: Of a sample.
        colour: PNG's colour type: 0 grey, 2 RGB, 3 palette, 4 grey with alpha, 6 RGBA.
        chunks: Chunks before the pixels, made by `chunk`.
    """
    height, width = samples.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row for row in packed(samples, bits)))
    begin = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    return begin + chunks + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def chunk(kind: bytes, content: bytes) -> bytes:
    """One chunk of a PNG file."""
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checksum


def packed(samples: Pixels, bits: int, *, order: str = ">") -> list[bytes]:
    """Pack each row of samples into whole bytes."""
    rows = samples.reshape(len(samples), -1)
    if bits % 8 == 0:
        return [row.astype(f"{order}u{bits // 8}").tobytes() for row in rows]
    digits = [(rows >> shift) & 1 for shift in range(bits - 1, -1, -1)]
    return [row.tobytes() for row in np.packbits(np.stack(digits, 2).reshape(len(rows), -1), 1)]


def tiff(
    samples: Pixels,
    *,
    bits: int,
    photometric: int,
    order: str = "<",
    planes: bool = False,
    tags: Mapping[int, tuple[int, Sequence[int]]] | None = None,
) -> bytes:
    """Encode an uncompressed TIFF file.

    Args:
        samples: (H, W, C), integers below 2 ** bits.
        bits: Of a sample.
        photometric: Their meaning: 0 grey from white, 1 from black, 2 RGB, 3 palette, 5 CMYK,
            6 YCbCr, 8 Lab.
        order: Byte order: `<` or `>`.
        planes: Whether channels are stored separately.
        tags: Additional tags by number: type and values.
    """
    height, width, channels = samples.shape
    parts = [samples[..., [c]] for c in range(channels)] if planes else [samples]
    strips = [b"".join(packed(part, bits, order=order)) for part in parts]
    strips = [strip + bytes(len(strip) % 2) for strip in strips]
    starts = [8 + sum(map(len, strips[:at])) for at in range(len(strips))]
    entries: dict[int, tuple[int, Sequence[int]]] = {
        256: (4, [width]),
        257: (4, [height]),
        258: (3, [bits] * channels),
        259: (3, [1]),
        262: (3, [photometric]),
        273: (4, starts),
        277: (3, [channels]),
        278: (4, [height]),
        279: (4, [len(strip) for strip in strips]),
        284: (3, [2 if planes else 1]),
        **(tags or {}),
    }
    at = 8 + sum(map(len, strips))
    beyond = at + 2 + 12 * len(entries) + 4
    directory, rest = struct.pack(f"{order}H", len(entries)), b""
    for tag, (kind, values) in sorted(entries.items()):
        value = struct.pack(f"{order}{len(values)}{_TIFF_TYPES[kind]}", *values)
        if len(value) > 4:
            rest += (moved := value + bytes(len(value) % 2))
            value = struct.pack(f"{order}I", beyond + len(rest) - len(moved))
        directory += struct.pack(f"{order}HHI", tag, kind, len(values)) + value.ljust(4, b"\0")
    magic = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, at)
    return magic + b"".join(strips) + directory + bytes(4) + rest


def bmp(
    header: bytes, rows: Sequence[bytes], *, palette: bytes = b"", padded: bool = True
) -> bytes:
    """Encode a BMP file with a header of any version; rows in file order, mostly bottom-up."""
    body = b"".join(row + bytes(-len(row) % 4 if padded else 0) for row in rows)
    start = 14 + len(header) + len(palette)
    return b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start) + header + palette + body


def bmp_header(
    width: int,
    height: int,
    bits: int,
    *,
    compression: int = 0,
    colours: int = 0,
    masks: Sequence[int] = (),
    size: int = 40,
) -> bytes:
    """Encode the header of a BMP file.

    Args:
        width: In pixels.
        height: In pixels; negative: rows are top-down.
        bits: Bits per pixel.
        compression: 0 without, 1 RLE8, 2 RLE4, 3 by masks.
        colours: Number of colours of the palette.
        masks: Bits of red, green, blue and perhaps alpha.
        size: 40, 108 (version 4) or 124 (version 5) bytes; beyond 40, masks follow it.
    """
    begin = struct.pack(
        "<IiiHHIIiiII", size, width, height, 1, bits, compression, 0, 0, 0, colours, 0
    )
    begin += struct.pack(f"<{len(masks)}I", *masks)
    return begin if size == 40 else (begin.ljust(56, b"\0") + b"BGRs").ljust(size, b"\0")


def icon(rgb: Pixels, mask: Pixels) -> bytes:
    """Encode an ICO file of one 24-bit picture: (H, W, 3) colours and (H, W), 1 if transparent."""
    height, width = mask.shape
    rows = [row + bytes(-len(row) % 4) for row in packed(rgb[::-1, :, ::-1], 8)]
    rows += [row + bytes(-len(row) % 4) for row in packed(mask[::-1], 1)]
    body = bmp_header(width, 2 * height, 24) + b"".join(rows)
    entry = struct.pack("<BBBBHHII", width, height, 0, 0, 1, 24, len(body), 22)
    return struct.pack("<HHH", 0, 1, 1) + entry + body


def targa(rows: bytes, width: int, height: int, *, bits: int, descriptor: int) -> bytes:
    """Encode an uncompressed TGA file; descriptor: alpha bits, 16 right to left, 32 top-down."""
    return (
        struct.pack("<BBBHHBHHHHBB", 0, 0, 2, 0, 0, 0, 0, 0, width, height, bits, descriptor) + rows
    )


def matrix_profile(colorants: Sequence[Sequence[float]], gamma: float) -> bytes:
    """Encode an ICC profile of a display.

    Args:
        colorants: 3x3, from linear RGB to XYZ under D50.
        gamma: Gamma of all channels.
    """

    def fixed(*values: float) -> bytes:
        return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))

    white = fixed(0.9642, 1, 0.8249)
    curve = b"curv" + struct.pack(">IIHH", 0, 1, round(gamma * 256), 0)
    name = (b"desc" + struct.pack(">II", 0, 5) + b"made\0").ljust(92, b"\0")
    elements = {
        b"desc": name,
        b"cprt": b"text\0\0\0\0none\0\0\0\0",
        b"wtpt": b"XYZ \0\0\0\0" + white,
        **{
            letter + b"XYZ": b"XYZ \0\0\0\0" + fixed(*(row[at] for row in colorants))
            for at, letter in enumerate((b"r", b"g", b"b"))
        },
        **{letter + b"TRC": curve for letter in (b"r", b"g", b"b")},
    }
    at, table, body = 132 + 12 * len(elements), struct.pack(">I", len(elements)), b""
    for tag, element in elements.items():
        table += tag + struct.pack(">II", at + len(body), len(element))
        body += element
    header = struct.pack(">I4sI", at + len(body), b"lcms", 0x02100000) + b"mntrRGB XYZ "
    header += struct.pack(">6H", 2020, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + white
    return header.ljust(128, b"\0") + table + body
