"""Ctrl-C, a request to end and a closed terminal in the middle of a command: one end for all."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import forked
import thriftnet as api
from commands import NARROW, Command
from forked import ForkedProgram
from own_pictures import put
from rights import content_of
from thriftnet.inference.row_formats import CsvRows

PICTURES = 200
"""More than are decoded ahead of those that are classified."""


@pytest.fixture(params=["SIGINT", "SIGTERM", "SIGHUP"])
def stop(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., None]]:
    """Have a function of a module send the signal when it is called for the nth time."""
    number_of = signal.Signals[request.param]
    usual = signal.default_int_handler if request.param == "SIGINT" else signal.SIG_DFL
    inherited = signal.signal(number_of, usual)  # nohup and background shells ignore some

    def at_call(place: str, number: int = 1) -> None:
        module, _, name = place.rpartition(".")
        function = getattr(__import__(module, fromlist=[name]), name)
        calls = 0

        def stopping(*arguments: Any, **options: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == number:
                signal.raise_signal(number_of)
            return function(*arguments, **options)

        monkeypatch.setattr(place, stopping)

    yield at_call
    signal.signal(number_of, inherited)


@pytest.mark.parametrize(
    ("words", "place"),
    [
        ("evaluate runs/done", "thriftnet.evaluation.evaluate.read_logits"),
        ("report runs/done", "thriftnet.report.build.single_page"),
        ("inspect pictures -o page.html", "thriftnet.report.inspection.inspection_page"),
        ("compare runs/done runs/done", "thriftnet.comparison.compare.compare"),
        ("runs", "thriftnet.runs.listing.read_run"),
        ("describe smoke", "thriftnet.models.summary.summarise"),
    ],
)
def test_it_ends_with_a_word_and_changes_nothing(
    thriftnet: Command, small_world: Path, stop: Callable[..., None], words: str, place: str
) -> None:
    put(small_world / "pictures", {"cat": 6, "dog": 6})
    before = content_of(small_world)
    stop(place)
    outcome = thriftnet(*words.split())
    assert (outcome.code, outcome.err) == (130, "thriftnet: interrupted\n")
    assert content_of(small_world) == before


def test_predicted_rows_are_kept(
    thriftnet: Command, small_world: Path, stop: Callable[..., None]
) -> None:
    put(small_world / "pictures", {"cat": PICTURES})
    earlier = CsvRows().header + b"of an earlier time"
    Path("rows.csv").write_bytes(earlier)
    stop("thriftnet.inference.pictures.read_image", PICTURES - 2)
    words = ("predict", "runs/done", "pictures", "-o", "rows.csv")
    outcome = thriftnet(*words)
    assert outcome.code == 130
    told, last = outcome.err.splitlines()
    assert last == "thriftnet: interrupted"
    found = re.search(r"the first (\d+) rows are kept in .*rows.csv.part; add --resume", told)
    assert found
    assert Path("rows.csv").read_bytes() == earlier
    kept, said = len(Path("rows.csv.part").read_text().splitlines()) - 1, int(found[1])
    assert 0 < said <= kept <= said + 1  # Ctrl-C may come between a row and its count
    assert thriftnet(*words, "--resume").code == 0
    assert len(Path("rows.csv").read_text().splitlines()) == 1 + PICTURES


def test_predicted_json_is_closed(
    thriftnet: Command, small_world: Path, stop: Callable[..., None]
) -> None:
    put(small_world / "pictures", {"cat": PICTURES})
    stop("thriftnet.inference.pictures.read_image", PICTURES - 2)
    outcome = thriftnet("predict", "runs/done", "pictures", "--json")
    assert outcome.code == 130
    assert 0 < len(json.loads(outcome.out)) < PICTURES


def test_a_training_writes_its_checkpoint(
    thriftnet: Command, small_world: Path, stop: Callable[..., None]
) -> None:
    stop("thriftnet.training.loop.train_step", 5)
    outcome = thriftnet("train", "small.yaml", "--name", "new", "--quiet")
    assert outcome.code == 130
    assert outcome.error_line == "interrupted; resume with: thriftnet train --resume runs/new"
    assert Path("runs/new/checkpoints/last.pt").is_file()
    assert thriftnet("train", "--resume", "runs/new", "--quiet").code == 0
    done, new = Path("runs/done/model.safetensors"), Path("runs/new/model.safetensors")
    assert new.read_bytes() == done.read_bytes()
    assert small_world.is_dir()


def test_ctrl_c_in_a_process_of_its_own_and_the_same_bits_in_the_end(tmp_path: Path) -> None:
    """A real signal: a checkpoint and a hint."""
    steps = ["data.fraction=0.01", "train.batch_size=25", "train.epochs=0.5", *NARROW[1::2]]
    api.train("smoke", overrides=steps, name="unbroken", runs_dir=tmp_path, quiet=True)

    words = ["train", "smoke", "--name", "cut", "--runs-dir", str(tmp_path)]
    words += [word for key in steps for word in ("--set", key)]
    told = ForkedProgram(forked.interrupted, "3", *words).ended()
    assert told.code == 130, told.err
    assert f"thriftnet train --resume {tmp_path / 'cut'}" in told.err
    assert not (tmp_path / "cut" / "model.safetensors").exists()

    assert api.train(resume=tmp_path / "cut", quiet=True).finished
    models = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("unbroken", "cut")]
    assert models[0] == models[1]


LOADING = """
import sys
class Stop:
    def find_spec(self, name, *_):
        if name == "typer":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Stop())
from thriftnet.__main__ import main
main()
"""


def test_ctrl_c_while_modules_load_is_one_line() -> None:
    done = subprocess.run([sys.executable, "-c", LOADING], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (130, "thriftnet: interrupted\n")
