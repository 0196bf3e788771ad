"""Predictions as CSV, JSON lines and Parquet, whole or from where they were cut."""

import csv
import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from channels import colour_classifier
from commands import in_this_process
from cut_tables import run, written_by_another
from thriftnet.errors import DataError, RunError
from thriftnet.inference import inputs, stream
from thriftnet.inference.classifier import Classifier
from thriftnet.inference.inputs import find_pictures
from thriftnet.inference.table import PredictionTable

FORMATS = ["csv", "jsonl", "parquet"]
ODD = ["=1+1.png", 'a "b", c.png', "new\nline.png", "re\rturn.png", "caf\udce9.png"]


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return colour_classifier(classes=("=red", "green", "blue"))


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "BATCH", 3)
    monkeypatch.setattr(inputs, "BATCH", 3)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twelve pictures, five of them with odd names, and two that are none."""
    monkeypatch.chdir(tmp_path)
    folder = Path("pictures")
    folder.mkdir()
    for number, name in enumerate([*ODD, *(f"{n}.png" for n in range(7))]):
        colour = [0, 0, 0]
        colour[number % 3] = 250 - number
        Image.new("RGB", (40, 50), tuple(colour)).save(folder / name, "PNG")
    (folder / "3b.png").write_bytes(b"torn")
    (folder / "8.jpg").write_text("no picture")
    return folder


def content(path: Path) -> Any:
    return pq.read_table(path).to_pylist() if path.suffix == ".parquet" else path.read_bytes()


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("cut", [1, 4, 7, 13, 14])
def test_a_table_that_was_cut_goes_on_and_is_the_same(
    classifier: Classifier, folder: Path, ending: str, cut: int
) -> None:
    whole, path = Path(f"whole.{ending}"), Path(f"out.{ending}")
    run(whole, classifier, folder)
    run(path, classifier, folder, cut=cut)
    assert not path.exists()
    progress, missed = run(path, classifier, folder, resume=True)
    assert (progress.done, progress.failed) == (14, 2)
    assert content(path) == content(whole)
    assert {Path(each).name for each in missed} <= {"3b.png", "8.jpg"}
    left = {each.name for each in Path().iterdir()}
    assert left == {path.name, "pictures", whole.name}


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_any_cut_of_the_last_bytes_costs_the_torn_row_alone(
    classifier: Classifier, folder: Path, ending: str
) -> None:
    whole, path = Path(f"whole.{ending}"), Path(f"out.{ending}")
    run(whole, classifier, folder)
    run(path, classifier, folder, cut=12)
    part = Path(f"out.{ending}.part")
    kept, state = part.read_bytes(), Path(f"out.{ending}.part.json").read_bytes()
    assert whole.read_bytes().startswith(kept)
    header = b"file,label,probability\n" if ending == "csv" else b""
    for size in {*range(len(header), len(kept), len(kept) // 11), len(kept) - 1}:
        part.write_bytes(kept[:size])
        Path(f"out.{ending}.part.json").write_bytes(state)
        run(path, classifier, folder, resume=True)
        assert path.read_bytes() == whole.read_bytes(), size


def test_csv_is_read_back_with_every_name(classifier: Classifier, folder: Path) -> None:
    run(Path("out.csv"), classifier, folder)
    with Path("out.csv").open(newline="", errors="surrogateescape") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["file", "label", "probability"]
    assert {Path(row[0]).name for row in rows[1:]} >= set(ODD)
    assert {row[1] for row in rows[1:]} == {"'=red", "green", "blue"}


def test_json_lines_and_parquet_have_every_class_and_every_error(
    classifier: Classifier, folder: Path
) -> None:
    run(Path("out.ndjson"), classifier, folder)
    run(Path("out.parquet"), classifier, folder)
    lines = [json.loads(line) for line in Path("out.ndjson").read_text().splitlines()]
    table = pq.read_table("out.parquet")
    assert json.loads(table.schema.metadata[b"classes"]) == ["=red", "green", "blue"]
    assert len(lines) == len(table) == 14
    for line, row in zip(lines, table.to_pylist(), strict=True):
        assert row["error"] == line.get("error")
        assert (row["label"], row["index"]) == (line.get("label"), line.get("index"))
        if row["error"] is None:
            shares = [line["probabilities"][name] for name in classifier.classes]
            assert row["probabilities"] == pytest.approx(shares)
    assert "pictures/caf\\xe9.png" in table["file"].to_pylist()


def test_rows_of_others_are_not_taken_for_ours(classifier: Classifier, folder: Path) -> None:
    path = Path("out.csv")
    run(path, classifier, folder, cut=5)
    other = colour_classifier(classes=("=red", "green", "cyan"))
    views = Classifier(classifier.model, tta="flip", device="cpu", precision="fp32")
    kept = Path("out.csv.part").read_bytes()
    for wrong, told in ((other, "differs in: preprocessing"), (views, "differs in: prepro")):
        with pytest.raises(RunError, match=f"out.csv.part {told}.*; leave out --resume to start"):
            run(path, wrong, folder, resume=True)
    heavier = colour_classifier(classes=("=red", "green", "blue"))
    heavier.model = replace(heavier.model, weights_sha256="0" * 64)
    with pytest.raises(RunError, match="differs in: network"):
        run(path, heavier, folder, resume=True)
    Image.new("RGB", (9, 9)).save(folder / "0a.png")
    with pytest.raises(RunError, match="is for other pictures, or they have changed since"):
        run(path, classifier, folder, resume=True)
    (folder / "0a.png").unlink()
    assert Path("out.csv.part").read_bytes() == kept
    Path("out.csv.part.json").write_text("{}")
    with pytest.raises(RunError, match="differs in: rows of, network"):
        run(path, classifier, folder, resume=True)
    Path("out.csv.part.json").unlink()
    with pytest.raises(RunError, match="has no complete record of its network"):
        run(path, classifier, folder, resume=True)


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_a_row_that_was_changed_is_found_or_made_again(
    classifier: Classifier, folder: Path, ending: str
) -> None:
    path, part = Path(f"out.{ending}"), Path(f"out.{ending}.part")
    run(path, classifier, folder)
    whole = path.read_bytes()
    run(path, classifier, folder, cut=9)
    lines = part.read_bytes().splitlines(keepends=True)
    for damage in (b"x\n", lines[5]):
        part.write_bytes(b"".join([*lines[:3], damage, *lines[4:]]))
        with pytest.raises(RunError, match="(is damaged|has a row of)"):
            run(path, classifier, folder, resume=True)
    if ending == "csv":  # a quote that opens and never ends looks like a row that was torn
        part.write_bytes(b"".join([*lines[:3], b'"x\n', *lines[4:]]))
        run(path, classifier, folder, resume=True)
        assert path.read_bytes() == whole


def test_nothing_to_resume_is_a_start(classifier: Classifier, folder: Path) -> None:
    progress, missed = run(Path("out.csv"), classifier, folder, resume=True)
    assert (progress.rows, progress.done, missed) == (12, 14, [])


def test_a_table_that_another_process_writes_is_left_alone(
    classifier: Classifier, folder: Path
) -> None:
    run(Path("out.csv"), classifier, folder, cut=5)
    with (
        written_by_another(Path("out.csv.part")),
        pytest.raises(RunError, match="is being written by another process"),
    ):
        run(Path("out.csv"), classifier, folder, resume=True)


def test_parquet_without_pyarrow_is_said_at_once(
    classifier: Classifier, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(DataError, match=r"out.parquet needs .* pip install 'thriftnet\[data\]'"):
        PredictionTable(Path("out.parquet"), classifier, find_pictures([folder]))


KILLED = """
import os, signal
from thriftnet.inference import table

predict_pictures = table.predict_pictures

def killed(*arguments, **options):
    for number, result in enumerate(predict_pictures(*arguments, **options)):
        if number == 100:
            os.kill(os.getpid(), signal.SIGKILL)
        yield result

table.predict_pictures = killed
from thriftnet.cli import main
main()
"""


def test_a_killed_command_loses_no_written_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """SIGKILL in the middle, and the same command with --resume."""
    rng = np.random.default_rng(0)
    (tmp_path / "pictures").mkdir()
    for number in range(150):
        pixels = rng.integers(0, 256, (64, 64, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "pictures" / f"{number}.png")
    words = ("predict", "quick", "pictures", "-o", "out.csv")
    monkeypatch.chdir(tmp_path)
    killed = subprocess.run([sys.executable, "-c", KILLED, *words], stdout=subprocess.DEVNULL)
    assert killed.returncode == -signal.SIGKILL
    kept = Path("out.csv.part").read_bytes()
    assert len(kept.splitlines()) == 101
    done = in_this_process(monkeypatch, capsys)(*words, "--resume")
    assert done.code == 0, done.err
    assert "rows are complete" in done.err
    written = Path("out.csv").read_bytes()
    assert written.startswith(kept)
    assert len(written.splitlines()) == 151
