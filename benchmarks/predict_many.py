"""Does `predict` classify 100,000 pictures in constant memory, and go on after a kill?

    python benchmarks/predict_many.py                    # 10 minutes; the machine may be busy
    python benchmarks/predict_many.py --pictures 2000

Makes a folder of small PNG files, 1,000 different ones under many names. For each format of output
`thriftnet predict quick FOLDER -o FILE --tta none` classifies them all, and its memory is read
after each tenth of the rows (in the last, the most of it); then again, with a SIGKILL after half
of them and `--resume`. The most memory is compared with that for a tenth of the pictures: a Parquet
file is written at the end, which takes more than the rows, however many there are. Writes
results/predict_many.json.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from service import pictures
from support.record import write_result

DIFFERENT, TENTHS = 1000, 10
FORMATS = {"CSV": "rows.csv", "JSON lines": "rows.jsonl", "Parquet": "rows.parquet"}
_FLAT = 1.05
"""Largest growth of the most memory with ten times the pictures."""


def make_folder(folder: Path, count: int) -> None:
    """Picture files under `count` names; hard links, as only their names are to be many."""
    first = folder / "0"
    first.mkdir(parents=True)
    for number, content in enumerate(pictures(min(DIFFERENT, count))):
        (first / f"{number}.png").write_bytes(content)
    for number in range(DIFFERENT, count):
        place = folder / str(number // DIFFERENT) / f"{number}.png"
        place.parent.mkdir(exist_ok=True)
        os.link(first / f"{number % DIFFERENT}.png", place)


class Command:
    """A running `thriftnet predict` that writes a table."""

    def __init__(self, folder: Path, output: Path, *options: str) -> None:
        parquet = output.suffix == ".parquet"
        self._rows = output.with_name(f"{output.name}{'.jsonl' if parquet else ''}.part")
        self._read, self._at = 0, 0
        command = [sys.executable, "-m", "thriftnet", "predict", "quick", str(folder)]
        command += ["-o", str(output), "--tta", "none", *options]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)

    def reaches(self, rows: int) -> bool:
        """Wait until so many rows are written; whether the command still runs then."""
        while self.process.poll() is None:
            if self._count() >= rows:
                return True
            time.sleep(0.02)
        return False

    def _count(self) -> int:
        if self._rows.exists():
            with self._rows.open("rb") as file:
                file.seek(self._at)
                more = file.read()
            self._at, self._read = self._at + len(more), self._read + more.count(b"\n")
        return self._read

    def memory(self) -> float:
        """Resident MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text("ascii")
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        return round(int(found[1]) / 1024, 1) if found else 0.0

    def end(self) -> float:
        """Wait for its end, which must be a good one; the most MB it held until then."""
        largest = 0.0
        while self.process.poll() is None:
            largest = max(largest, self.memory())
            time.sleep(0.02)
        assert self.process.returncode == 0
        return largest


def whole(folder: Path, output: Path, count: int) -> dict[str, Any]:
    """One run without interruption: seconds, and memory after each tenth of the rows."""
    began, command = time.perf_counter(), Command(folder, output)
    memory = [
        command.memory() for tenth in range(1, TENTHS) if command.reaches(tenth * count // TENTHS)
    ]
    memory.append(command.end())
    return {"seconds": time.perf_counter() - began, "megabytes_after_each_tenth": memory}


def killed(folder: Path, output: Path, count: int) -> None:
    """The same, killed after half of the rows and resumed."""
    command = Command(folder, output)
    assert command.reaches(count // 2)
    command.process.kill()
    command.process.wait()
    assert not output.exists()
    Command(folder, output, "--resume").end()


def main() -> None:
    """Classify, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=100_000)
    count = parser.parse_args().pictures
    runs: dict[str, dict[str, Any]] = {}
    same: dict[str, bool] = {}
    with tempfile.TemporaryDirectory() as place:
        folder, few = Path(place, "pictures"), Path(place, "few")
        make_folder(folder, count)
        make_folder(few, count // TENTHS)
        for kind, name in FORMATS.items():
            straight, cut = Path(place, name), Path(place, f"cut-{name}")
            runs[kind] = whole(folder, straight, count)
            tenth = whole(few, Path(place, f"few-{name}"), count // TENTHS)
            runs[kind]["most_megabytes_for_a_tenth"] = max(tenth["megabytes_after_each_tenth"])
            killed(folder, cut, count)
            same[kind] = straight.read_bytes() == cut.read_bytes()
            print(kind, runs[kind], same[kind])
    figures = {
        "pictures": count,
        **runs["CSV"],
        "formats": runs,
        "flat": all(
            max(run["megabytes_after_each_tenth"]) <= _FLAT * run["most_megabytes_for_a_tenth"]
            for run in runs.values()
        ),
        "same_after_a_kill": same,
    }
    write_result("predict_many", figures)


if __name__ == "__main__":
    main()
