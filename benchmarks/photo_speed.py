"""How long does a photograph take to be read, at a reduced scale and decoded whole?

    python benchmarks/photo_speed.py

Draws photographs of 12 and 200 megapixels, reads each as `predict` does, at three sizes, and the
smaller one also as it was done before: decoded whole, cut at whole pixels and resized. Says how far
the two are apart. Writes results/photo_speed.json.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from support.record import write_result
from thriftnet.data import read_image

SIZES = (32, 64, 128)
_TIMES = 7


def photograph(width: int, height: int) -> Image.Image:
    """Detail at every scale, as in a picture of the world."""
    rng = np.random.default_rng(0)
    whole = Image.new("RGB", (width, height), (128, 128, 128))
    for cell in (512, 64, 16):
        few = rng.integers(0, 256, (height // cell, width // cell, 3), dtype=np.uint8)
        layer = Image.fromarray(few).resize((width, height), Image.Resampling.BICUBIC)
        whole = Image.blend(whole, layer, 0.4)
    return whole


def decoded_whole(path: Path, size: int) -> NDArray[np.uint8]:
    """As before: every pixel is decoded."""
    with Image.open(path) as file:
        picture = file.convert("RGB")
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    square = picture.crop((left, top, left + side, top + side))
    return np.asarray(square.resize((size, size), Image.Resampling.LANCZOS))


def milliseconds(read: Callable[[], object]) -> float:
    """The median of some measurements."""
    taken: list[float] = []
    for _ in range(_TIMES):
        began = time.perf_counter()
        read()
        taken.append(1000 * (time.perf_counter() - began))
    return round(statistics.median(taken), 1)


def measure(path: Path, size: int) -> dict[str, Any]:
    """Both ways for one size."""
    apart = np.abs(read_image(path, size=size).astype(int) - decoded_whole(path, size))
    return {
        "size": size,
        "milliseconds": milliseconds(lambda: read_image(path, size=size)),
        "milliseconds_decoded_whole": milliseconds(lambda: decoded_whole(path, size)),
        "mean_levels_apart": round(float(apart.mean()), 3),
        "most_levels_apart": int(apart.max()),
    }


def measure_alone(path: Path, size: int) -> dict[str, Any]:
    """At a reduced scale, for a photograph too large to be decoded whole."""
    return {"size": size, "milliseconds": milliseconds(lambda: read_image(path, size=size))}


def main() -> None:
    """Measure, and write what was found."""
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder) / "12.jpg", Path(folder) / "200.jpg"
        photograph(4000, 3000).save(small, quality=90)
        photograph(16_384, 12_288).save(large, quality=90)
        figures = {
            "megapixels_12": [measure(small, size) for size in SIZES],
            "megapixels_200": [measure_alone(large, size) for size in SIZES],
        }
    write_result("photo_speed", figures)


if __name__ == "__main__":
    main()
