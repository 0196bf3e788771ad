"""Places that the system refuses, wherever a command names one: a line, and nothing changed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from commands import Command
from own_pictures import put
from rights import content_of, stopped_by_modes
from tiny import space_file

COMMANDS = (
    "train PLACE.yaml",
    "train small.yaml --runs-dir PLACE",
    "train small.yaml --data PLACE",
    "train --resume PLACE",
    "evaluate PLACE",
    "evaluate runs/done --data PLACE",
    "predict PLACE picture.png",
    "predict runs/done PLACE",
    "predict runs/done PLACE.pkl",
    "predict runs/done picture.png -o PLACE",
    "report PLACE",
    "report runs/done PLACE",
    "report runs/done -o PLACE",
    "watch PLACE",
    "compare runs/done PLACE",
    "runs --runs-dir PLACE",
    "runs gc --runs-dir PLACE",
    "describe PLACE.yaml",
    "inspect PLACE",
    "inspect pictures -o PLACE",
    "search PLACE.yaml",
    "search tiny.yaml --study PLACE",
    "search status PLACE",
    "train small.yaml --init PLACE",
    "inspect pictures --set data.decisions=PLACE",
    "calibrate PLACE",
    "calibrate runs/done --data pictures -o PLACE",
    "calibrate runs/done --companion PLACE",
    "explain PLACE picture.png",
    "explain runs/done picture.png --nearest 0 --maps PLACE",
    "export PLACE --to folder",
    "export runs/done --to folder --calibration PLACE",
    "audit PLACE",
    "serve runs/done --token-file PLACE",
)


PLACES = {"too long": "a" * 300, "no right": "shut/inside", "pipe": "pipe", "loop": "loop"}


@pytest.fixture
def patience() -> Iterator[None]:
    """A command that waits for a pipe fails after a while."""

    def give_up(*_: object) -> None:
        pytest.fail("it waits for ever")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("patience")
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("words", COMMANDS)
def test_a_refused_place_is_one_line(
    thriftnet: Command, small_world: Path, words: str, place: str
) -> None:
    put(small_world / "pictures", {"cat": 6, "dog": 6})
    space_file(small_world)
    (small_world / "shut").mkdir()
    for ending in ("", ".yaml", ".pkl"):
        os.mkfifo(small_world / f"pipe{ending}")
        (small_world / f"loop{ending}").symlink_to(f"loop{ending}")
    before = content_of(small_world)
    (small_world / "shut").chmod(0)
    try:
        with stopped_by_modes():
            outcome = thriftnet(*words.replace("PLACE", PLACES[place]).split())
    finally:
        (small_world / "shut").chmod(0o755)
    assert outcome.code == 2, outcome.err
    assert outcome.error_line.startswith("thriftnet: ")
    assert "unexpected" not in outcome.err
    assert content_of(small_world) == before


OTHERS = {
    "pictures/cat/0.png": (  # of the input itself, or a stranger's
        "inspect pictures -o FILE",
        "inspect list.csv -o FILE",
        "predict runs/done pictures -o FILE",
        "explain runs/done picture.png -o FILE",
        "calibrate runs/done --data pictures -o FILE",
        "export runs/done --to torch-export -o FILE",
    ),
    "list.csv": (
        "inspect pictures -o FILE",
        "predict runs/done pictures -o FILE",
        "export runs/done --to torch-export -o FILE",
    ),
    "pictures/report.html": ("report runs/done -o pictures", "inspect pictures -o FILE"),
    "pictures/audit.html": ("audit pictures -o pictures",),
    "pictures/cat": (
        "explain runs/done pictures --maps FILE",
        "explain runs/done picture.png --maps FILE",
    ),
}


@pytest.mark.parametrize(
    ("file", "words"), [(file, words) for file, each in OTHERS.items() for words in each]
)
def test_what_is_no_earlier_output_is_not_replaced(
    thriftnet: Command, small_world: Path, file: str, words: str
) -> None:
    put(small_world / "pictures", {"cat": 6, "dog": 6})
    for name in ("report", "audit"):
        (small_world / "pictures" / f"{name}.html").write_text("<html>of mine</html>")
    rows = [f"pictures/{kind}/{n}.png,{kind}" for kind in ("cat", "dog") for n in range(6)]
    (small_world / "list.csv").write_text("\n".join(["file,label", *rows]))
    before = content_of(small_world)
    outcome = thriftnet(*words.replace("FILE", file).split())
    assert outcome.code == 2, outcome.err
    assert file in outcome.error_line
    assert content_of(small_world) == before


@pytest.mark.parametrize(
    "words",
    ["inspect pictures -o pictures/page.html", "predict runs/done pictures -o pictures/p.csv"],
)
def test_an_earlier_output_is_replaced_wherever_it_lies(
    thriftnet: Command, small_world: Path, words: str
) -> None:
    put(small_world / "pictures", {"cat": 6, "dog": 6})
    assert [thriftnet(*words.split()).code for _ in range(2)] == [0, 0]


@pytest.mark.parametrize("words", ["train --data {folder}", "predict best {folder}", "runs"])
def test_a_current_folder_that_was_removed(
    thriftnet: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    """MKL would end the process when it is loaded, with a message of its own."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    outcome = thriftnet(*words.format(folder=tmp_path).split())
    assert outcome.code == 2
    told = "thriftnet: error: the current folder was removed; change to another one with cd"
    assert outcome.error_line == told
