"""What does it take to open 100,000 pictures of one's own, the first time and after that?

    python benchmarks/own_data_scale.py

Makes 100,000 JPEG pictures of 160 x 160 pixels in ten class folders, one in a hundred of them
another one saved again, smaller and more compressed. Then, each in a process of its own: decodes
them all and keeps nothing, which bounds what follows; opens them as a data set with an empty cache
(list, decode, write, search for near-duplicates, split); and opens them again, five times. Memory
is the largest resident size of the process less the mapped cache, and without the tensors that a
training makes of its split. Takes some five minutes on two cores, and 1.5 GB of disk. Writes
results/own_data_scale.json.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

CLASSES, SIDE, SMALLER, SIZE, REPEATS, COPY_EVERY = 10, 160, 120, 32, 5, 100


def make_pictures(folder: Path, count: int) -> None:
    """Class folders of JPEG pictures that differ, and copies of some."""
    for label in range(CLASSES):
        (folder / f"class {label}").mkdir(parents=True)
    parts = range(0, count, 1000)
    with ProcessPoolExecutor() as pool:
        list(pool.map(_make_some, [folder] * len(parts), parts, [count] * len(parts)))


def _make_some(folder: Path, start: int, count: int) -> None:
    import numpy as np
    from PIL import Image

    def picture(number: int) -> Image.Image:
        coarse = np.random.default_rng(number).integers(0, 256, (9, 9, 3), np.uint8)
        return Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BICUBIC)

    for number in range(start, min(start + 1000, count)):
        place = folder / f"class {number % CLASSES}" / f"{number}.jpg"
        if number % COPY_EVERY == COPY_EVERY - 1:
            saved = io.BytesIO()
            picture(number - CLASSES).resize((SMALLER, SMALLER)).save(saved, "JPEG", quality=60)
            place.write_bytes(saved.getvalue())
        else:
            picture(number).save(place, "JPEG", quality=85)


def decode_alone(folder: Path) -> dict[str, Any]:
    """Decode every picture and keep none."""
    from thriftnet.data.options import DatasetSpec
    from thriftnet.data.own.decoding import decode_all
    from thriftnet.data.own.open import list_pictures

    index = list_pictures(folder, DatasetSpec(source=folder, image_size=SIZE))
    began = time.perf_counter()
    decoded = sum(
        not isinstance(found, str)
        for found in decode_all(index, size=SIZE, fit="crop", say=lambda _: None)
    )
    return {"seconds": time.perf_counter() - began, "pictures": decoded}


def open_once(folder: Path) -> dict[str, Any]:
    """Open the data set in this process, and say what that took."""
    import numpy as np

    from thriftnet.data.options import DatasetSpec
    from thriftnet.data.registry import open_dataset
    from thriftnet.home import cache_folder

    said: list[tuple[float, str]] = []
    began, used = time.perf_counter(), time.process_time()
    data = open_dataset(
        DatasetSpec(source=folder, image_size=SIZE),
        say=lambda line: said.append((time.perf_counter() - began, line)),
    )
    seconds, processor = time.perf_counter() - began, time.process_time() - used
    assert data.whole is not None
    groups = data.whole().groups
    assert groups is not None
    mapped = sum(file.stat().st_size for file in (cache_folder() / "pictures").glob("*/images.bin"))
    resident = _peak_bytes()
    return {
        "seconds": seconds,
        "processor_seconds": processor,
        "said_at_seconds": {
            word: at
            for at, line in said
            for word in ("decoding", "looking")
            if line[:8] == word[:8]
        },
        "pictures": len(groups),
        "in_groups": int((np.bincount(groups)[groups] > 1).sum()),
        "resident_mb": resident / 1e6,
        "mapped_mb": mapped / 1e6,
        "over_mapping_mb": (resident - mapped) / 1e6,
    }


def _peak_bytes() -> int:
    """The largest resident size of this process; that of getrusage is its parent's too."""
    status = Path("/proc/self/status").read_text("utf-8")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def _child(what: str, folder: Path, cache: Path) -> dict[str, Any]:
    """One of the measurements in a process of its own, and how long that lived."""
    environment = {**os.environ, "THRIFTNET_CACHE": str(cache)}
    command = [sys.executable, __file__, "--measure", what, "--folder", str(folder)]
    began = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    found: dict[str, Any] = json.loads(done.stdout)
    print(f"{what}: {found['seconds']:.2f} s")
    return {**found, "process_seconds": time.perf_counter() - began}


def measure(folder: Path, cache: Path) -> dict[str, Any]:
    """All measurements."""
    alone = _child("decode", folder, cache)
    first = _child("open", folder, cache)
    later = [_child("open", folder, cache) for _ in range(REPEATS)]
    middle = statistics.median(each["seconds"] for each in later)
    return {
        "decoding_alone": alone,
        "first_start": first,
        "first_start_per_decoding": first["seconds"] / alone["seconds"],
        "second_start": {
            "repeats": REPEATS,
            "seconds": min(each["seconds"] for each in later),
            "seconds_median": middle,
            "processor_seconds": min(each["processor_seconds"] for each in later),
            "process_seconds_median": statistics.median(e["process_seconds"] for e in later),
            "over_mapping_mb": max(each["over_mapping_mb"] for each in later),
        },
    }


def main() -> None:
    """Make the pictures, measure, write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--measure", choices=("decode", "open"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        found = {"decode": decode_alone, "open": open_once}[given.measure](given.folder)
        print(json.dumps(found))
        return
    from support.record import write_result

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "pictures"
        began = time.perf_counter()
        make_pictures(folder, given.pictures)
        print(f"made {given.pictures:,} pictures in {time.perf_counter() - began:.0f} s")
        figures = measure(folder, Path(place) / "cache")
    made = {"pictures": given.pictures, "classes": CLASSES, "side": SIDE, "decoded_to": SIZE}
    copies = given.pictures // COPY_EVERY
    name = "own_data_scale" if given.pictures == 100_000 else "own_data_scale_trial"
    write_result(name, {**made, "planted_near_duplicates": copies, **figures})


if __name__ == "__main__":
    main()
