"""Which test images of CIFAR-10 have a twin in training, and are the finds right?

    python benchmarks/near_duplicates.py                # writes results/near_duplicates.json
    python benchmarks/near_duplicates.py --sheets DIR   # draws the sampled pairs, to be looked at

Searches all 60,000 images. Of each test image that was found its most similar training image makes
a pair; a hundred of these pairs, drawn with a seed, were looked at one by one, and what was seen
stands in near_duplicates_seen.csv: `same` photograph (saved again, tinted, cut a little otherwise,
mirrored) or `other`. The thresholds were chosen from such sheets of all pairs, by training and test
images alike, and from no network's accuracy.
"""

from __future__ import annotations

import argparse
import csv
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from support.record import write_result
from thriftnet.data import load_cifar10
from thriftnet.data.near_duplicates.find import (
    MAX_BITS,
    MAX_REFUTED,
    MIN_SIMILARITY,
    SURE_SIMILARITY,
    NearDuplicates,
    pair_fingerprints,
)
from thriftnet.data.near_duplicates.fingerprints import fingerprints
from thriftnet.errors import DataError

SEEN = Path(__file__).with_name("near_duplicates_seen.csv")
_SAMPLE, _SEED = 100, 0
_TRAIN = 50_000


def nearest_training_images(found: NearDuplicates) -> NDArray[np.int64]:
    """(M, 3) for each test image with a twin: training image, test image, whether mirrored."""
    one, other = found.pairs.T
    across = np.flatnonzero((one < _TRAIN) & (other >= _TRAIN))
    best = across[np.lexsort((-found.similarity[across], other[across]))]
    _, first = np.unique(other[best], return_index=True)
    best = best[first]
    return np.stack(
        [one[best], other[best] - _TRAIN, found.mirrored[best].astype(np.int64)], axis=1
    )


def sampled(twins: NDArray[np.int64]) -> NDArray[np.int64]:
    """A hundred of the pairs, in the order of the test images."""
    chosen = np.random.default_rng(_SEED).permutation(len(twins))[:_SAMPLE]
    return twins[np.sort(chosen)]


def draw_sheets(
    pairs: NDArray[np.int64],
    train: NDArray[np.uint8],
    test: NDArray[np.uint8],
    folder: Path,
    *,
    columns: int = 5,
    side: int = 128,
) -> None:
    """Contact sheets of 25 pairs each: the training image, then the test image."""
    folder.mkdir(parents=True, exist_ok=True)
    per_sheet, height = columns * columns, side + 14
    for start in range(0, len(pairs), per_sheet):
        sheet = Image.new("RGB", (columns * (2 * side + 8), columns * height), "white")
        pen = ImageDraw.Draw(sheet)
        for place, (left, right, mirrored) in enumerate(pairs[start : start + per_sheet].tolist()):
            x, y = place % columns * (2 * side + 8), place // columns * height
            shown = test[right][:, ::-1] if mirrored else test[right]
            for offset, image in ((0, train[left]), (side + 2, shown)):
                large = Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC)
                sheet.paste(large, (x + offset, y))
            pen.text((x, y + side), f"{left} {right}{' mirrored' * mirrored}", fill="black")
        sheet.save(folder / f"pairs-{start:03}.png")


def judged(pairs: NDArray[np.int64]) -> dict[str, Any]:
    """What was seen on the sampled pairs.

    Raises:
        DataError: One of them was not looked at.
    """
    with SEEN.open(encoding="utf-8", newline="") as file:
        seen = {(int(row["train"]), int(row["test"])): row["seen"] for row in csv.DictReader(file)}
    keys = [(left, right) for left, right, _ in pairs.tolist()]
    unseen = [key for key in keys if key not in seen]
    if unseen:
        raise DataError(f"{len(unseen)} pairs are not in {SEEN.name}; draw them with --sheets DIR")
    right = sum(seen[key] == "same" for key in keys)
    return {
        "pairs": len(keys),
        "seed": _SEED,
        "same": right,
        "share": right / len(keys),
        "other": [list(key) for key in keys if seen[key] != "same"],
    }


def main() -> None:
    """Search, compare with what was seen, write."""
    options = argparse.ArgumentParser(description="CIFAR-10's near-duplicates")
    options.add_argument("--sheets", type=Path, metavar="DIR")
    sheets: Path | None = options.parse_args().sheets
    train, test = load_cifar10()
    images = np.concatenate([train.images, test.images])
    labels = np.concatenate([train.labels, test.labels])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    times = [time.process_time()]
    prints = fingerprints(images)
    times.append(time.process_time())
    found = pair_fingerprints(prints)
    times.append(time.process_time())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    twins = nearest_training_images(found)
    pairs = sampled(twins)
    if sheets:
        draw_sheets(pairs, train.images, test.images, sheets)
        print(f"drew {len(pairs)} pairs into {sheets}")
        return
    sizes = np.bincount(found.groups)
    one, other = found.pairs.T
    write_result(
        "near_duplicates",
        {
            "images": len(images),
            "thresholds": {
                "bits": MAX_BITS,
                "similarity": MIN_SIMILARITY,
                "similarity_where_refuted": SURE_SIMILARITY,
                "refuted_per_image": MAX_REFUTED,
            },
            "pairs": len(found.pairs),
            "mirrored": int(found.mirrored.sum()),
            "copies": int(found.copies.sum()),
            "pairs_of_one_class": int((labels[one] == labels[other]).sum()),
            "groups": int((sizes > 1).sum()),
            "largest_group": int(sizes.max()),
            "test_images_with_a_twin_in_training": len(twins),
            "of_one_class": int((train.labels[twins[:, 0]] == test.labels[twins[:, 1]]).sum()),
            "looked_at": judged(pairs),
            "cpu_seconds": {
                "fingerprints": round(times[1] - times[0], 2),
                "pairs": round(times[2] - times[1], 2),
            },
            "peak_megabytes_beyond_the_images": round((peak - before) / 1024, 1),
            "test_images": twins[:, 1].tolist(),
            "training_images": twins[:, 0].tolist(),
        },
    )


if __name__ == "__main__":
    try:
        main()
    except DataError as fault:
        sys.exit(str(fault))
