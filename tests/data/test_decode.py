import random
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from thriftnet.data import Dataset, read_image
from thriftnet.errors import ImageError


def noise(height: int, width: int, channels: int = 3) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (height, width, channels), dtype=np.uint8)


def failure_of(path: Path) -> str:
    """The message of reading this, which must be one line with the file's name."""
    with pytest.raises(ImageError) as caught:
        read_image(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    assert ";" in message  # the remedy follows
    return message


def test_image_of_the_right_size_is_untouched(
    cifar10: tuple[Dataset, Dataset], tmp_path: Path
) -> None:
    for row in range(5):
        Image.fromarray(cifar10[1].images[row]).save(tmp_path / "x.png")

        assert np.array_equal(read_image(tmp_path / "x.png"), cifar10[1].images[row])


def test_without_size_the_image_keeps_its_own(tmp_path: Path) -> None:
    Image.fromarray(noise(20, 50)).save(tmp_path / "x.png")

    assert np.array_equal(read_image(tmp_path / "x.png", size=None), noise(20, 50))


@pytest.mark.parametrize("shape", [(1, 1), (7, 300), (300, 7), (31, 33), (500, 400)])
def test_any_size_becomes_32(shape: tuple[int, int], tmp_path: Path) -> None:
    Image.fromarray(noise(*shape)).save(tmp_path / "x.png")
    image = read_image(tmp_path / "x.png")

    assert image.shape == (32, 32, 3)
    assert image.dtype == np.uint8
    assert image.flags.writeable


def test_central_square_is_what_remains(tmp_path: Path) -> None:
    wide = np.zeros((64, 192, 3), np.uint8)
    wide[:, :64], wide[:, 64:128], wide[:, 128:] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    Image.fromarray(wide).save(tmp_path / "wide.png")
    Image.fromarray(wide.swapaxes(0, 1)).save(tmp_path / "tall.png")

    for name in ("wide.png", "tall.png"):
        assert np.array_equal(
            read_image(tmp_path / name), np.full((32, 32, 3), (0, 255, 0), np.uint8)
        )


def test_shrinking_averages_instead_of_skipping(tmp_path: Path) -> None:
    """A fine chequerboard becomes even grey; taking every n-th pixel would give black or white."""
    board = (np.indices((320, 320)).sum(0) % 2 * 255).astype(np.uint8)
    Image.fromarray(board).save(tmp_path / "x.png")
    image = read_image(tmp_path / "x.png").astype(int)

    assert np.abs(image - 127.5).max() < 4


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    upright = Image.fromarray(noise(32, 32))
    turns = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    for orientation, turn in turns.items():
        stored = upright.transpose(turn) if turn is not None else upright
        exif = Image.Exif()
        exif[0x0112] = orientation
        stored.save(tmp_path / "x.png", exif=exif)

        assert np.array_equal(read_image(tmp_path / "x.png"), noise(32, 32)), orientation


def test_damaged_exif_is_no_reason_to_refuse(tmp_path: Path) -> None:
    Image.fromarray(noise(32, 32)).save(tmp_path / "x.png", exif=b"Exif\x00\x00II*\x00\xff\xff")

    assert np.array_equal(read_image(tmp_path / "x.png"), noise(32, 32))


def test_orientation_holds_where_another_entry_is_damaged(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "maker", 6
    # The maker's name under the number of another tag, which holds no text.
    damaged = exif.tobytes().replace(b"\x01\x0f\x00\x02", b"\x01\x28\x00\x02")
    assert damaged != exif.tobytes()
    turned = Image.fromarray(noise(32, 32)).transpose(Image.Transpose.ROTATE_90)
    turned.save(tmp_path / "x.png", exif=damaged)

    assert np.array_equal(read_image(tmp_path / "x.png"), noise(32, 32))


def test_grey_and_black_and_white(tmp_path: Path) -> None:
    grey = noise(32, 32, 1)[:, :, 0]
    Image.fromarray(grey).save(tmp_path / "grey.png")
    Image.fromarray(grey > 127).save(tmp_path / "bits.png")

    assert np.array_equal(read_image(tmp_path / "grey.png"), np.stack([grey] * 3, 2))
    assert np.array_equal(
        read_image(tmp_path / "bits.png"), np.stack([(grey > 127) * np.uint8(255)] * 3, 2)
    )


@pytest.mark.parametrize("suffix", [".png", ".tif", ".pgm"])
def test_16_bit_grey_is_scaled_not_clipped(suffix: str, tmp_path: Path) -> None:
    values = np.linspace(0, 65535, 1024).astype(np.uint16).reshape(32, 32)
    Image.fromarray(values).save(tmp_path / f"x{suffix}")

    expected = np.rint(values / 65535 * 255).astype(np.uint8)
    assert np.array_equal(read_image(tmp_path / f"x{suffix}"), np.stack([expected] * 3, 2))


def test_16_bit_colour_keeps_its_high_bytes(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 65536, (32, 32, 3), dtype=np.uint16)
    lines = b"".join(b"\x00" + line.astype(">u2").tobytes() for line in values)
    body = b""
    for kind, data in (
        (b"IHDR", struct.pack(">IIBBBBB", 32, 32, 16, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(lines)),
        (b"IEND", b""),
    ):
        body += struct.pack(">I", len(data)) + kind + data
        body += struct.pack(">I", zlib.crc32(kind + data))
    (tmp_path / "x.png").write_bytes(b"\x89PNG\r\n\x1a\n" + body)

    error = read_image(tmp_path / "x.png").astype(float) - values / 257
    assert np.abs(error).max() <= 1


def test_cmyk(tmp_path: Path) -> None:
    cmyk = Image.merge("CMYK", [Image.new("L", (32, 32), value) for value in (0, 255, 255, 0)])
    cmyk.save(tmp_path / "red.jpg", quality=100)
    cmyk.save(tmp_path / "red.tif")

    assert np.array_equal(
        read_image(tmp_path / "red.tif"), np.full((32, 32, 3), (255, 0, 0), np.uint8)
    )
    assert np.abs(read_image(tmp_path / "red.jpg").astype(int) - (255, 0, 0)).max() <= 3


def test_palette(tmp_path: Path) -> None:
    picture = Image.fromarray(noise(32, 32)).quantize(16)
    picture.save(tmp_path / "x.gif")

    assert np.array_equal(read_image(tmp_path / "x.gif"), np.asarray(picture.convert("RGB")))


def test_transparency_shows_white(tmp_path: Path) -> None:
    pixels = noise(32, 32, 4)
    Image.fromarray(pixels).save(tmp_path / "x.png")
    alpha = pixels[:, :, 3:] / 255
    expected = pixels[:, :, :3] * alpha + 255 * (1 - alpha)

    assert np.abs(read_image(tmp_path / "x.png") - expected).max() <= 1


def test_transparent_grey_and_palette_show_white(tmp_path: Path) -> None:
    Image.new("LA", (32, 32), (0, 0)).save(tmp_path / "grey.png")
    Image.new("P", (32, 32), 0).save(tmp_path / "palette.png", transparency=0)

    for name in ("grey.png", "palette.png"):
        assert (read_image(tmp_path / name) == 255).all()


def test_photograph_with_a_preview_after_it_is_one_image(tmp_path: Path) -> None:
    """What telephones write under the name of .jpg."""
    photograph, preview = Image.fromarray(noise(64, 64)), Image.new("RGB", (16, 16))
    photograph.save(tmp_path / "x.jpg", "MPO", save_all=True, append_images=[preview])

    assert read_image(tmp_path / "x.jpg", size=None).shape == (64, 64, 3)


@pytest.mark.parametrize("name", ["x.gif", "x.png", "x.webp", "x.tif"])
def test_animation_is_refused(name: str, tmp_path: Path) -> None:
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "green", "blue")]
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])

    assert "has more than one frame; save the one you mean as PNG" in failure_of(tmp_path / name)


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    assert failure_of(tmp_path / "a.png").endswith("a.png is an empty file; give an image")


def test_truncated_file(tmp_path: Path) -> None:
    for name in ("x.jpg", "x.png", "x.webp", "x.gif", "x.bmp"):
        path = tmp_path / name
        Image.fromarray(noise(200, 200)).save(path)
        path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])

        assert "cannot be read as an image" in failure_of(path)


@pytest.mark.parametrize("content", [b"hello", bytes(1000), b"\x89PNG\r\n\x1a\n"])
def test_file_that_is_no_image(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(content)

    assert "cannot be read as an image" in failure_of(tmp_path / "x.png")


def test_postscript_is_not_run(tmp_path: Path) -> None:
    """Pillow would start Ghostscript for it."""
    Image.new("RGB", (32, 32)).save(tmp_path / "x.eps")

    assert "is a PostScript drawing, which cannot be read here" in failure_of(tmp_path / "x.eps")


@pytest.mark.parametrize(("width", "height"), [(8_001, 8_000), (20_000, 9_000), (60_000, 60_000)])
def test_huge_image_is_refused_by_its_header(width: int, height: int, tmp_path: Path) -> None:
    """Below Pillow's own warning, between it and its error, and beyond."""
    data = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    header = struct.pack(">I", 13) + b"IHDR" + data + struct.pack(">I", zlib.crc32(b"IHDR" + data))
    end = b"\x00\x00\x00\x08IDAT" + bytes(12)
    (tmp_path / "x.png").write_bytes(b"\x89PNG\r\n\x1a\n" + header + end)

    assert "has more than 64 megapixels; make it smaller first" in failure_of(tmp_path / "x.png")


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_values_of_unknown_range_are_refused(dtype: type, tmp_path: Path) -> None:
    Image.fromarray(np.zeros((32, 32), dtype)).save(tmp_path / "x.tif")

    assert "values of unknown range" in failure_of(tmp_path / "x.tif")


def test_missing_file_and_folder(tmp_path: Path) -> None:
    assert "does not exist" in failure_of(tmp_path / "absent.png")
    assert "Is a directory" in failure_of(tmp_path)


@given(seed=st.integers(0, 2**32), count=st.integers(1, 30), kind=st.sampled_from(["PNG", "JPEG"]))
@settings(max_examples=60)
def test_damaged_bytes_are_an_image_or_one_line(
    seed: int, count: int, kind: str, tmp_path: Path
) -> None:
    path = tmp_path / "x"
    Image.fromarray(noise(24, 24)).save(path, kind)
    content = bytearray(path.read_bytes())
    chance = random.Random(seed)
    for _ in range(count):
        content[chance.randrange(len(content))] = chance.randrange(256)
    path.write_bytes(content)
    try:
        assert read_image(path).shape == (32, 32, 3)
    except ImageError as fault:
        assert "\n" not in str(fault)  # noqa: PT017
