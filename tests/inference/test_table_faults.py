"""Predictions whose rows a kill, another process or a stranger left in an odd state."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from channels import colour_classifier
from commands import Command, in_this_process
from cut_tables import run, written_by_another
from thriftnet.errors import RunError
from thriftnet.inference.classifier import Classifier
from thriftnet.inference.table import is_table


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return colour_classifier(classes=("red", "green", "blue"))


@pytest.fixture
def thriftnet(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return in_this_process(monkeypatch, capsys)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twelve pictures."""
    monkeypatch.chdir(tmp_path)
    folder = Path("pictures")
    folder.mkdir()
    for number in range(12):
        Image.new("RGB", (40, 50), (20 * number, 100, 0)).save(folder / f"{number}.png")
    return folder


@pytest.mark.parametrize("size", [0, 1, 10, 22])
def test_a_kill_before_the_first_row_is_a_start(
    classifier: Classifier, folder: Path, size: int
) -> None:
    """The header is not there, or torn: no zeros take its place."""
    run(Path("whole.csv"), classifier, folder)
    run(Path("out.csv"), classifier, folder, cut=1)
    part = Path("out.csv.part")
    part.write_bytes(part.read_bytes()[:size])
    progress, _ = run(Path("out.csv"), classifier, folder, resume=True)
    assert progress.rows == 12
    assert Path("out.csv").read_bytes() == Path("whole.csv").read_bytes()


def test_a_second_writer_leaves_the_record_of_the_first_alone(
    classifier: Classifier, folder: Path
) -> None:
    """Else the rows of one network would be gone on with by another."""
    run(Path("out.csv"), classifier, folder, cut=5)
    state = Path("out.csv.part.json").read_bytes()
    views = Classifier(classifier.model, tta="flip", device="cpu", precision="fp32")
    with (
        written_by_another(Path("out.csv.part")),
        pytest.raises(RunError, match="is being written by another process"),
    ):
        run(Path("out.csv"), views, folder)
    assert Path("out.csv.part.json").read_bytes() == state
    run(Path("out.csv"), classifier, folder, resume=True)


def test_a_file_of_the_users_where_rows_come_together_is_left_alone(
    classifier: Classifier, folder: Path
) -> None:
    Path("out.parquet.jsonl").write_text("mine")
    for resume in (False, True):
        with pytest.raises(RunError, match=r"out\.parquet\.jsonl exists, and .* choose another"):
            run(Path("out.parquet"), classifier, folder, resume=resume)
    assert Path("out.parquet.jsonl").read_text() == "mine"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")
def test_a_pipe_in_place_of_the_rows_is_not_waited_for(
    classifier: Classifier, folder: Path
) -> None:
    run(Path("out.csv"), classifier, folder, cut=5)
    Path("out.csv.part").unlink()
    os.mkfifo("out.csv.part")
    with pytest.raises(RunError, match="out.csv.part is damaged .*a pipe"):
        run(Path("out.csv"), classifier, folder, resume=True)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ('{"a": ' * 50_000, "nested too deeply"),
        ('{"file": 5, "error": "x"}', "is not a prediction"),
        ('{"file": "pictures/0.png"}', "is not a prediction"),
        ('{"file": "pictures/0.png", "label": [], "probabilities": {}}', "is not a prediction"),
    ],
)
def test_an_odd_row_is_one_line(classifier: Classifier, folder: Path, row: str, said: str) -> None:
    run(Path("out.jsonl"), classifier, folder, cut=3)
    part = Path("out.jsonl.part")
    lines = part.read_text().splitlines()
    part.write_text("".join(f"{line}\n" for line in (row, *lines[1:])))
    with pytest.raises(RunError, match=f"is damaged .*{said}.*; leave out --resume to start again"):
        run(Path("out.jsonl"), classifier, folder, resume=True)
    Path("other.jsonl").write_text(f"{row}\n")
    assert not is_table(Path("other.jsonl"))


def test_a_row_without_a_class_makes_no_parquet_file(classifier: Classifier, folder: Path) -> None:
    pytest.importorskip("pyarrow")
    run(Path("out.parquet"), classifier, folder, cut=3)
    part = Path("out.parquet.jsonl.part")
    part.write_text(part.read_text().replace('"green"', '"grey"'))
    with pytest.raises(RunError, match="is damaged .*green.*; leave out --resume"):
        run(Path("out.parquet"), classifier, folder, resume=True)
    assert not Path("out.parquet").exists()


@pytest.mark.parametrize("name", ["out.JSONL", "out.NdJson", "out.Parquet", "out.CSV"])
def test_capitals_of_a_suffix_do_not_count(classifier: Classifier, folder: Path, name: str) -> None:
    run(Path(name), classifier, folder)
    begin = Path(name).read_bytes()[:4]
    assert (
        begin
        == {".jsonl": b'{"fi', ".ndjson": b'{"fi', ".parquet": b"PAR1", ".csv": b"file"}[
            Path(name).suffix.lower()
        ]
    )
    assert is_table(Path(name))


@pytest.mark.parametrize(("name", "near"), [("a.json", "a.jsonl"), ("b.c.XLSX", "b.c.csv")])
def test_a_format_that_is_not_written_is_refused(
    thriftnet: Command, folder: Path, name: str, near: str
) -> None:
    outcome = thriftnet("predict", "quick", folder, "-o", name)
    assert (outcome.code, Path(name).exists()) == (2, False)
    assert outcome.error_line.endswith(
        f"are not written as {Path(name).suffix.lower()}; name it {near}"
    )
