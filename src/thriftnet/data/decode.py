"""Any image file as RGB bytes, or one line saying why not."""

import os
import re
import struct
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from thriftnet.errors import DataError, ImageError

_MAX_PIXELS = 64_000_000
_MAX_SIDE = 65_535
# Formats that hold pixels. EPS, for one, is absent: Pillow runs an outside program to read it.
_FORMATS = (
    "AVIF",
    "BMP",
    "GIF",
    "ICO",
    "JPEG",
    "JPEG2000",
    "MPO",
    "PNG",
    "PPM",
    "TGA",
    "TIFF",
    "WEBP",
)
_BACKGROUND = (255, 255, 255)
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes an image upright, by the value of EXIF's tag Orientation."""
# What Pillow's reader lets out of damaged EXIF and XMP data; anything else is told as a fault.
_DAMAGED_EXIF = (SyntaxError, struct.error, ValueError, TypeError, LookupError, OSError)


def read_image(path: Path | str, *, size: int | None = 32) -> NDArray[np.uint8]:
    """Reads one image file of any size and any common colour mode.

    The EXIF orientation is applied. Transparent parts show white behind them. Grey of 16 bits is
    scaled to 8, CMYK and palettes are converted. A picture that is not square loses what exceeds
    the central square, which is then resized with Lanczos filtering over the whole area each new
    pixel covers; a picture that has the wanted size already comes through untouched.

    Args:
        path: the file.
        size: height and width to return, in pixels; None keeps those of the file.

    Returns:
        (size, size, 3) uint8, RGB; (H, W, 3) when `size` is None.

    Raises:
        ImageError: the file is missing, unreadable, truncated, animated, larger than 64
            megapixels, or of 32-bit values, whose range is unknown.
    """
    path = Path(path)
    # Pillow warns of bombs and oddities; the first are refused below, the others are harmless.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with path.open("rb") as file, Image.open(file, formats=_formats()) as picture:
                _refuse_unusable(picture, path)
                picture.load()
                rgb = _to_rgb(_upright(picture), path)
        except ImageError:
            raise
        except (Image.DecompressionBombWarning, Image.DecompressionBombError):
            raise _too_large(path) from None
        except FileNotFoundError:
            raise ImageError(f"{path} does not exist; give the path of an image") from None
        # Damaged bytes can make a decoder raise nearly anything.
        except Exception as fault:
            raise ImageError(
                f"{path} cannot be read as an image ({_reason(fault)}); save it again as PNG"
            ) from None
    return np.array(rgb if size is None else _square(rgb, size))


def image_files(path: Path | str) -> list[Path]:
    """Returns the image files a path stands for.

    Args:
        path: a file, returned as it is; or a folder, walked to the bottom, through links too.
            Files whose names begin with a dot, or do not end like an image's, are left out.

    Returns:
        Paths in natural order: `2.png` before `10.png`.

    Raises:
        DataError: the path does not exist or is neither, or a folder holds no images or cannot be
            read.
    """
    path = Path(path)
    if path.is_file():
        return [path]
    if not path.is_dir():
        what = "is neither a file nor a folder" if path.exists() else "does not exist"
        raise DataError(f"{path} {what}; give an image or a folder of images")
    suffixes = {end for end, name in Image.registered_extensions().items() if name in _FORMATS}
    found = [
        file
        for file in _walk(path)
        if file.suffix.lower() in suffixes and not file.name.startswith(".")
    ]
    if not found:
        raise DataError(f"{path} holds no images; give a folder with PNG, JPEG or similar files")
    return sorted(found, key=lambda file: [_natural(part) for part in file.parts])


def _walk(path: Path) -> Iterator[Path]:
    """All files under a folder; each folder once, however many links lead to it."""

    def refuse(fault: OSError) -> None:
        raise DataError(f"{fault.filename}: {fault.strerror}; make it readable or move it away")

    seen: set[tuple[int, int]] = set()
    for folder, below, names in os.walk(path, onerror=refuse, followlinks=True):
        found = Path(folder).stat()
        if (found.st_dev, found.st_ino) in seen:
            below.clear()
            continue
        seen.add((found.st_dev, found.st_ino))
        below.sort()
        yield from (Path(folder) / name for name in names)


def _natural(text: str) -> list[tuple[bool, int, str]]:
    """Sorts digits by the number they make, before letters, and letters without regard to case."""
    pieces = re.findall(r"[0-9]+|[^0-9]+", text)
    return [
        (False, int(piece), piece) if piece[0] in "0123456789" else (True, 0, piece.casefold())
        for piece in pieces
    ]


def _formats() -> list[str]:
    """Those of our formats that this build of Pillow has."""
    Image.init()
    return [name for name in _FORMATS if name in Image.OPEN]


def _refuse_unusable(picture: Image.Image, path: Path) -> None:
    """Judges by the header, before anything is decoded."""
    if picture.width * picture.height > _MAX_PIXELS:
        raise _too_large(path)
    if max(picture.size) > _MAX_SIDE:  # Pillow keeps two pointers a row: 64M rows take a gigabyte
        raise ImageError(f"{path} has a side of {max(picture.size):,} pixels; make it smaller")
    # A telephone's MPO file is a photograph with a preview after it, not an animation.
    if picture.format != "MPO" and getattr(picture, "n_frames", 1) > 1:
        raise ImageError(f"{path} has more than one frame; save the one you mean as PNG")
    if picture.mode in ("I", "F") and picture.format != "PPM":  # whose values go to 65,535
        raise ImageError(
            f"{path} has 32-bit values of unknown range; save it with 8 or 16 bits a channel"
        )


def _too_large(path: Path) -> ImageError:
    return ImageError(
        f"{path} has more than {_MAX_PIXELS // 1_000_000} megapixels; make it smaller first"
    )


def _upright(picture: Image.Image) -> Image.Image:
    """Applies the EXIF orientation; damaged EXIF data count as none."""
    try:
        turn = _TURNS.get(picture.getexif().get(ExifTags.Base.Orientation, 1))
    except _DAMAGED_EXIF:
        return picture
    # `ImageOps.exif_transpose` also writes the EXIF data anew, which can fail where this does not.
    return picture if turn is None else picture.transpose(turn)


def _to_rgb(picture: Image.Image, path: Path) -> Image.Image:
    if picture.mode.startswith("I"):
        grey = np.asarray(picture).astype(np.uint32)
        # round(value * 255 / 65535); Pillow's own conversion clips at 255
        return Image.fromarray(((grey + 128) // 257).astype(np.uint8)).convert("RGB")
    if picture.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in picture.info:
        overlay = picture.convert("RGBA")
        background = Image.new("RGBA", overlay.size, (*_BACKGROUND, 255))
        return Image.alpha_composite(background, overlay).convert("RGB")
    try:
        return picture.convert("RGB")
    except ValueError:
        raise ImageError(f"{path} has colour mode {picture.mode}; save it as RGB") from None


def _square(picture: Image.Image, size: int) -> Image.Image:
    """Cuts first: `resize(box=…)` would let the filter look beyond the square."""
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    central = picture.crop((left, top, left + side, top + side))
    return central.resize((size, size), Image.Resampling.LANCZOS)


def _reason(fault: Exception) -> str:
    if isinstance(fault, Image.UnidentifiedImageError):
        return "not a format known here"
    if isinstance(fault, OSError) and fault.strerror:
        return fault.strerror
    return " ".join(str(fault).split())[:100] or type(fault).__name__
