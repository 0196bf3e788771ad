"""Record a journey of docs/journeys.md: run its commands as they are written, keep what they print.

    python benchmarks/journeys.py pictures --folder runs/packages

The pictures are four kinds of Tux Paint's stamps, which apt-get fetches (nothing is installed)
unless they lie in --folder. Writes results/journey_NAME.json. Each takes about ten minutes on two
cores.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from documents.journey_blocks import JOURNEYS, commands, section
from support.package_data import stamps
from support.record import write_result

KINDS = ("animals", "food", "symbols", "town")


def prepare(folder: Path, name: str, pictures: Path) -> None:
    """Put what the commands name into a folder: pictures, a picture, a search space."""
    (folder / "photos").mkdir()
    for kind in KINDS:
        (folder / "photos" / kind).symlink_to(pictures / kind)
    first = next(iter(sorted((pictures / "animals").rglob("*.png"))))
    shown = Image.open(first).convert("RGBA")
    white = Image.new("RGBA", shown.size, "white")
    Image.alpha_composite(white, shown).convert("RGB").save(folder / "photo.jpg")
    spaces = re.findall(r"^```yaml\n(.*?)^```$", section(JOURNEYS[name]), re.DOTALL | re.MULTILINE)
    for space in spaces:
        (folder / "mine.yaml").write_text(space, "utf-8")


def run(line: str, folder: Path) -> tuple[str, float]:
    """What a command leaves on a terminal of 100 columns, and the seconds it took.

    Raises:
        SystemExit: It failed.
    """
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "thriftnet", *shlex.split(line)[1:]],
        cwd=folder,
        env={**os.environ, "COLUMNS": "100", "THRIFTNET_PROGRESS": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        sys.exit(f"{line} failed:\n{done.stdout}")
    return done.stdout.replace(str(folder), "."), time.monotonic() - began


def main() -> None:
    """Run the commands in a folder of their own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=JOURNEYS)
    parser.add_argument("--folder", type=Path, default=Path("runs/packages"))
    arguments = parser.parse_args()
    lines = commands(JOURNEYS[arguments.name])
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        prepare(folder, arguments.name, stamps(arguments.folder).resolve())
        told = [run(line, folder) for line in lines]
    write_result(
        f"journey_{arguments.name}",
        {
            "commands": list(lines),
            "outputs": [output for output, _ in told],
            "seconds": [seconds for _, seconds in told],
        },
    )


if __name__ == "__main__":
    main()
