"""Run the commands of docs/your-pictures.md on Tux Paint's stamps, and keep what they print.

    python benchmarks/your_pictures.py

Takes about ten minutes. Fetches the stamps with apt-get (nothing is installed) unless they lie in
--folder. Writes results/your_pictures_COMMAND.txt, and results/your_pictures.json with what the
training with no option reached.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from documents.own_blocks import TUTORIAL
from support.package_data import stamps
from support.record import RESULTS, write_result
from thriftnet.evaluation.evaluate import evaluate
from without_recipe import LARGER_STAMPS


def run(words: Sequence[str], folder: Path) -> tuple[str, float]:
    """What a command of ours printed in a folder, and the seconds it took."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "thriftnet", *words],
        cwd=folder,
        env={**os.environ, "COLUMNS": "100"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        sys.exit(f"thriftnet {' '.join(words)} failed:\n{done.stdout}")
    return done.stdout, time.monotonic() - began


def main() -> None:
    """Run each, keep what it prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("runs/packages"))
    root = stamps(parser.parse_args().folder).resolve()
    seconds: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "stamps").symlink_to(root)
        for command in TUTORIAL:
            text, seconds[command.split()[1]] = run(command.split()[1:], folder)
            kept = text.replace(str(root), "stamps").replace(str(folder), ".")
            (RESULTS / f"your_pictures_{command.split()[1]}.txt").write_text(kept, "utf-8")
        with contextlib.chdir(folder):
            found = evaluate(Path("runs/mine"), say=lambda _: None)
    chosen = found.chosen
    totals = dict(zip(chosen.per_class, map(sum, chosen.confusion), strict=True))
    larger = sorted(totals, key=lambda label: -totals[label])[:LARGER_STAMPS]
    recall = [chosen.per_class[label] or 0.0 for label in larger]
    write_result(
        "your_pictures",
        {
            "commands": list(TUTORIAL),
            "seconds": seconds,
            "test_images": chosen.images,
            "accuracy": chosen.accuracy,
            "accuracy_interval": chosen.accuracy_interval,
            "balanced_accuracy": sum(recall) / len(recall),
            "balanced_over": larger,
            "parameters": found.parameters,
        },
    )


if __name__ == "__main__":
    main()
