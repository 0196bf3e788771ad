"""Cases that Pillow opens and mostly cannot write, with their expected pixels.

A picture to refuse has the reason instead of pixels.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np
from PIL import Image

from support.picture_files import bmp, bmp_header, chunk, icon, packed, png, targa, tiff
from support.picture_saved import quantised, saved
from support.picture_scene import (
    ADOBE_RGB,
    ALPHA,
    BITS,
    DISPLAY_P3,
    GREY,
    GREY_16,
    HEIGHT,
    INDEX,
    PALETTE,
    RGB,
    RGB_16,
    WIDTH,
    XYZ_TO_SRGB,
    Case,
    Shown,
    encoded,
    grey,
    of_depth,
    of_lab,
    on_white,
    stored,
    ycbcr,
)


def made_cases() -> Iterator[Case]:
    """All of them."""
    for some in (_pngs, _tiffs, _bmps, _other_files):
        yield from some()


def _pngs() -> Iterator[Case]:
    for bits in (1, 2, 4, 8, 16):
        top = 2**bits - 1
        values = GREY_16 if bits == 16 else np.rint(GREY / 255 * top).astype(np.int64)
        yield Case(f"grey-{bits}.png", png(values, bits=bits, colour=0), grey(values, top))
        key = int(values[3, 5])
        clear = chunk(b"tRNS", struct.pack(">H", key))
        expected = np.where((values == key)[..., None], 255, grey(values, top))
        yield Case(
            f"grey-{bits}-clear.png", png(values, bits=bits, colour=0, chunks=clear), expected
        )
    for bits in (8, 16):
        rgb, values, alpha = of_depth(bits)
        scale = 255 / (2**bits - 1)
        yield Case(f"rgb-{bits}.png", png(rgb, bits=bits, colour=2), rgb * scale)
        both = png(np.dstack([rgb, alpha]), bits=bits, colour=6)
        yield Case(f"rgba-{bits}.png", both, on_white(rgb * scale, ALPHA))
        both = png(np.dstack([values, alpha]), bits=bits, colour=4)
        yield Case(f"la-{bits}.png", both, on_white(grey(values) * scale, ALPHA))
        key = rgb[3, 5]
        clear = chunk(b"tRNS", struct.pack(">HHH", *key))
        content = png(rgb, bits=bits, colour=2, chunks=clear)
        expected = np.where((rgb == key).all(2, keepdims=True), 255, rgb * scale)
        reason = "marks one colour of 16 bits as transparent"
        yield Case(f"rgb-{bits}-clear.png", content, expected if bits == 8 else reason)
    for bits in (1, 2, 4, 8):
        used, index = PALETTE[: 2**bits], INDEX % 2**bits
        colours = chunk(b"PLTE", used.astype(np.uint8).tobytes())
        yield Case(
            f"palette-{bits}.png", png(index, bits=bits, colour=3, chunks=colours), used[index]
        )
        faint = np.linspace(0, 200, 2 ** (bits - 1)).astype(np.uint8)
        colours += chunk(b"tRNS", faint.tobytes())
        alpha = np.concatenate([faint, np.full(len(used) - len(faint), 255)])[index]
        expected = on_white(used[index], alpha)
        yield Case(
            f"palette-{bits}-clear.png", png(index, bits=bits, colour=3, chunks=colours), expected
        )
    nothing = np.dstack([RGB, np.zeros_like(GREY)])
    yield Case("all-clear.png", png(nothing, bits=8, colour=6), np.full(RGB.shape, 255.0))
    yield from _numbered()
    for gamma in (0.45455, 0.55556, 1.0):
        told = chunk(b"gAMA", struct.pack(">I", round(gamma * 100_000)))
        expected = RGB if gamma < 0.5 else encoded((RGB / 255) ** (1 / gamma))
        yield Case(f"gamma-{gamma}.png", png(RGB, bits=8, colour=2, chunks=told), expected)


def _numbered() -> Iterator[Case]:
    """Colours given as numbers, and not by a profile."""
    for name, colorants in (("p3", DISPLAY_P3), ("adobe", ADOBE_RGB)):
        gamma = 1.0 if name == "p3" else 2.2
        xyz = (RGB / 255) ** gamma @ np.array(colorants).T
        shown = encoded(np.clip(xyz @ XYZ_TO_SRGB.T, 0, 1))
        if name == "p3":
            chunks = chunk(b"cICP", bytes([12, 8, 0, 1]))  # linear
        else:
            white_and_primaries = (0.3127, 0.329, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
            numbers = [round(each * 100_000) for each in white_and_primaries]
            chunks = chunk(b"gAMA", struct.pack(">I", 45455))
            chunks += chunk(b"cHRM", struct.pack(">8I", *numbers))
        yield Case(f"{name}-numbers.png", png(RGB, bits=8, colour=2, chunks=chunks), shown, 1)
    linear = encoded(RGB / 255)
    for name, codes, shown in (("srgb", (1, 13), RGB), ("unspecified", (2, 2), linear)):
        chunks = chunk(b"cICP", bytes([*codes, 0, 1])) + chunk(b"gAMA", struct.pack(">I", 100_000))
        yield Case(f"{name}-codes.png", png(RGB, bits=8, colour=2, chunks=chunks), shown)
    for name, transfer in (("pq", 16), ("hlg", 18)):
        chunks = chunk(b"cICP", bytes([9, transfer, 0, 1]))
        yield Case(f"{name}.png", png(RGB, bits=8, colour=2, chunks=chunks), "is an HDR picture")


def _tiffs() -> Iterator[Case]:
    for order, letters in (("<", "ii"), (">", "mm")):
        for bits in (1, 2, 4, 8, 16):
            top = 2**bits - 1
            values = GREY_16 if bits == 16 else np.rint(GREY / 255 * top).astype(np.int64)
            expected: Shown | str = grey(values, top)
            content = tiff(values[..., None], bits=bits, photometric=1, order=order)
            yield Case(f"{letters}-grey-{bits}.tif", content, expected)
            content = tiff(top - values[..., None], bits=bits, photometric=0, order=order)
            if (bits, order) == (16, ">"):
                expected = "cannot be read as an image"
            yield Case(f"{letters}-white-is-0-{bits}.tif", content, expected)
        if order == "<":
            few = np.rint(GREY / 255 * 4095).astype(np.int64)
            content = tiff(few[..., None], bits=12, photometric=1, order=order)
            yield Case("grey-12.tif", content, grey(few, 4095))
        for bits in (1, 2, 4, 8):
            used, index = PALETTE[: 2**bits], INDEX % 2**bits
            tags = {320: (3, (used * 257).T.ravel().tolist())}
            content = tiff(index[..., None], bits=bits, photometric=3, order=order, tags=tags)
            yield Case(f"{letters}-palette-{bits}.tif", content, used[index])
            tags = {320: (3, used.T.ravel().tolist())}
            content = tiff(index[..., None], bits=bits, photometric=3, order=order, tags=tags)
            yield Case(f"{letters}-palette-{bits}-of-8.tif", content, used[index])
        for bits in (8, 16):
            yield from _colour_tiffs(bits, order, letters)
        for orientation in range(2, 9):
            tags = {274: (3, [orientation])}
            content = tiff(stored(RGB, orientation), bits=8, photometric=2, order=order, tags=tags)
            yield Case(f"{letters}-turned-{orientation}.tif", content, RGB)
        content = tiff(ycbcr(), bits=8, photometric=6, order=order, tags={530: (3, [1, 1])})
        yield Case(f"{letters}-ycbcr.tif", content, RGB, tolerance=1.5)
    for name, bits, kind in (
        ("signed", 8, 2),
        ("signed", 16, 2),
        ("float", 32, 3),
        ("whole", 32, 1),
    ):
        content = tiff(GREY[..., None], bits=bits, photometric=1, tags={339: (3, [kind])})
        yield Case(f"{name}-{bits}.tif", content, "save it with 8 or 16 bits per channel, unsigned")
    content = tiff(RGB, bits=8, photometric=2, tags={50706: (1, [1, 4, 0, 0])})
    yield Case("digital-negative.tif", content, "is a camera's raw data")
    lightness = np.broadcast_to(np.linspace(20, 240, WIDTH), (HEIGHT, WIDTH)).round()
    b = np.broadcast_to(np.linspace(-60, 60, HEIGHT)[:, None], (HEIGHT, WIDTH)).round()
    lab = np.dstack([lightness, np.full_like(b, 40), b]).astype(np.int64)
    content = tiff(lab % 256, bits=8, photometric=8)
    yield Case("lab.tif", content, of_lab(lab * (100 / 255, 1, 1)), tolerance=2)


def _colour_tiffs(bits: int, order: str, letters: str) -> Iterator[Case]:
    rgb, values, alpha = of_depth(bits)
    top = 2**bits - 1
    scale, name = 255 / top, f"{letters}-{{}}-{bits}.tif"
    yield Case(name.format("rgb"), tiff(rgb, bits=bits, photometric=2, order=order), rgb * scale)
    content = tiff(rgb, bits=bits, photometric=2, order=order, planes=True)
    apart: Shown | str = rgb * scale if bits == 8 else "stores its 16-bit channels separately"
    yield Case(name.format("planes"), content, apart)
    faint = (rgb * (alpha / top)[..., None]).round().astype(np.int64)
    shown = on_white(rgb * scale, ALPHA)
    for kind, colours, expected in ((0, rgb, rgb * scale), (1, faint, shown), (2, rgb, shown)):
        content = tiff(
            np.dstack([colours, alpha]),
            bits=bits,
            photometric=2,
            order=order,
            tags={338: (3, [kind])},
        )
        yield Case(name.format(f"rgb-extra-{kind}"), content, expected, tolerance=1.5)
    content = tiff(
        np.dstack([values, alpha]), bits=bits, photometric=1, order=order, tags={338: (3, [2])}
    )
    shown = on_white(grey(values) * scale, ALPHA)
    yield Case(name.format("la"), content, shown if bits == 8 else "cannot be read as an image")
    black = np.full_like(values, top // 8)
    content = tiff(np.dstack([top - rgb, black]), bits=bits, photometric=5, order=order)
    yield Case(name.format("cmyk"), content, rgb * scale * (1 - (top // 8) / top), tolerance=1.5)


def _bmps() -> Iterator[Case]:
    flat = bmp_header
    up = packed(RGB[::-1, :, ::-1], 8)
    yield Case("24.bmp", bmp(flat(WIDTH, HEIGHT, 24), up), RGB)
    yield Case("from-above.bmp", bmp(flat(WIDTH, -HEIGHT, 24), up[::-1]), RGB)
    yield Case("os2.bmp", bmp(struct.pack("<IHHHH", 12, WIDTH, HEIGHT, 1, 24), up), RGB)
    unused = packed(np.dstack([RGB[..., ::-1], np.zeros_like(GREY)])[::-1], 8)
    filled = packed(np.dstack([RGB[..., ::-1], ALPHA])[::-1], 8)
    yield Case("32-unused.bmp", bmp(flat(WIDTH, HEIGHT, 32), unused), RGB)
    yield Case("32-filled.bmp", bmp(flat(WIDTH, HEIGHT, 32), filled), RGB)
    masks = (0xFF0000, 0xFF00, 0xFF)
    for version, size in ((4, 108), (5, 124)):
        options = {"compression": 3, "size": size}
        head = flat(WIDTH, HEIGHT, 32, masks=(*masks, 0xFF000000), **options)
        yield Case(f"v{version}-alpha.bmp", bmp(head, filled), on_white(RGB, ALPHA))
        yield Case(f"v{version}-alpha-unused.bmp", bmp(head, unused), RGB)
        head = flat(WIDTH, HEIGHT, 32, masks=(*masks, 0), **options)
        yield Case(f"v{version}-no-alpha.bmp", bmp(head, filled), RGB)
    for bits, widths in ((15, (5, 5, 5)), (16, (5, 6, 5))):
        levels = [RGB[..., at] >> (8 - width) for at, width in enumerate(widths)]
        values = (levels[0] << (widths[1] + widths[2])) | (levels[1] << widths[2]) | levels[2]
        masks = (0xF800, 0x7E0, 0x1F) if bits == 16 else ()
        head = flat(WIDTH, HEIGHT, 16, compression=3 if masks else 0, masks=masks)
        shown = np.dstack([v * (255 / (2**w - 1)) for v, w in zip(levels, widths, strict=True)])
        yield Case(f"{bits}.bmp", bmp(head, packed(values[::-1], 16, order="<")), shown, 1.5)
    head = flat(WIDTH, HEIGHT, 16, compression=3, size=108, masks=(0x7C00, 0x3E0, 0x1F, 0x8000))
    yield Case("15-alpha.bmp", bmp(head, packed(GREY[::-1], 16, order="<")), "has transparency in")
    head = flat(WIDTH, HEIGHT, 16, compression=3, masks=(0xF00, 0xF0, 0xF))
    yield Case("12.bmp", bmp(head, packed(GREY[::-1], 16, order="<")), "cannot be read as an image")
    for bits in (1, 4, 8):
        used, index = PALETTE[: 2**bits], INDEX % 2**bits
        palette = b"".join(bytes([*map(int, entry), 0]) for entry in used[:, ::-1])
        head = flat(WIDTH, HEIGHT, bits, colours=len(used))
        yield Case(
            f"palette-{bits}.bmp",
            bmp(head, packed(index[::-1], bits), palette=palette),
            used[index],
        )
        if bits == 1:
            continue
        head = flat(WIDTH, HEIGHT, bits, compression=1 if bits == 8 else 2, colours=len(used))
        pairs = index[::-1] if bits == 8 else index[::-1, ::2] * 16 + index[::-1, 1::2]
        runs = [b"".join(bytes([8 // bits, int(v)]) for v in row) + b"\0\0" for row in pairs]
        content = bmp(head, [*runs, b"\0\1"], palette=palette, padded=False)
        yield Case(f"rle-{bits}.bmp", content, used[index])


def _other_files() -> Iterator[Case]:
    mask = (ALPHA < 40).astype(np.int64)
    yield Case("mask.ico", icon(RGB, mask), np.where(mask[..., None], 255, RGB))
    size = (WIDTH, HEIGHT)
    plain, top = RGB[..., ::-1].astype(np.uint8), 32
    yield Case("24.tga", targa(plain.tobytes(), *size, bits=24, descriptor=top), RGB)
    yield Case("from-below.tga", targa(plain[::-1].tobytes(), *size, bits=24, descriptor=0), RGB)
    mirrored = targa(plain[:, ::-1].tobytes(), *size, bits=24, descriptor=top + 16)
    yield Case("from-right.tga", mirrored, RGB)
    for name, alpha, expected in (
        ("alpha", ALPHA, on_white(RGB, ALPHA)),
        ("unused", ALPHA * 0, RGB),
    ):
        rows = np.dstack([plain, alpha]).astype(np.uint8).tobytes()
        yield Case(f"32-{name}.tga", targa(rows, *size, bits=32, descriptor=top + 8), expected)
    levels = RGB >> 3
    values = (levels[..., 0] << 10) | (levels[..., 1] << 5) | levels[..., 2]
    for descriptor, bit in ((top, 0), (top + 1, 0x8000)):
        rows = b"".join(packed(values | bit, 16, order="<"))
        content = targa(rows, *size, bits=16, descriptor=descriptor)
        yield Case(f"15-{bit}.tga", content, levels * (255 / 31), tolerance=1.5)
    for letter, samples, top in (
        ("5", GREY, 255),
        ("6", RGB, 255),
        ("5", GREY_16, 65535),
        ("6", RGB_16, 65535),
    ):
        head = f"P{letter} {WIDTH} {HEIGHT} {top}\n".encode()
        rows = b"".join(packed(samples, 8 if top == 255 else 16))
        shown = samples * (255 / top) if letter == "6" else grey(samples, top)
        yield Case(f"{letter}-{top}.ppm", head + rows, shown)
    few = np.rint(GREY / 255 * 1000).astype(np.int64)
    head = f"P5 {WIDTH} {HEIGHT} 1000\n".encode()
    yield Case("1000.pgm", head + b"".join(packed(few, 16)), grey(few, 1000), tolerance=1)
    text = f"P3 {WIDTH} {HEIGHT} 255\n" + " ".join(map(str, RGB.ravel()))
    yield Case("text.ppm", text.encode(), RGB)
    text = f"P1 {WIDTH} {HEIGHT}\n" + " ".join(map(str, (~BITS).astype(int).ravel()))
    yield Case("text.pbm", text.encode(), grey(BITS, 1))
    floats = f"Pf {WIDTH} {HEIGHT} -1.0\n".encode() + (GREY / 255).astype("<f4").tobytes()
    yield Case("float.pfm", floats, "save it with 8 or 16 bits per channel, unsigned")
    small = saved(Image.fromarray(RGB[:10, :12].astype(np.uint8)).quantize(8), "GIF")
    at = small.index(b"\x2c", 13 + 3 * 8)  # the picture's place on a larger canvas
    moved = small[:6] + struct.pack("<HH", *size) + small[10 : at + 1]
    moved += struct.pack("<HH", 20, 9) + small[at + 5 :]
    shown = np.full(RGB.shape, 255.0)
    shown[9:19, 20:32] = quantised(RGB[:10, :12], 8)
    yield Case("small-frame.gif", moved, shown)
