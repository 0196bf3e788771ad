"""Whatever state a run is in and whatever is asked of it: a remedy that is printed works.

Each command is run on a run of each state. Where it fails, the command in its message is run, and
what that says in its turn, until one succeeds; none may come twice.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from commands import Command, Outcome
from small import dataset, opened, small_recipe, use_images
from thriftnet.evaluation import images as tested
from thriftnet.report import single
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.lock import writing
from thriftnet.terminal.watch import follow
from thriftnet.training.progress import Quiet
from thriftnet.training.start import start_run

pytestmark = pytest.mark.usefixtures("undrawn")
MOST_STEPS = 4
SHORT = {"train": {"epochs": 2}}


@pytest.fixture(autouse=True)
def small_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few images, and a folder of one's own with a picture in it."""
    few = opened(dataset(), dataset(40, seed=1))
    use_images(monkeypatch, few)
    for module in (tested, single):
        monkeypatch.setattr(module, "open_data", lambda *_, **__: few)
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (40, 40), (200, 0, 0)).save("a picture.png")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run that was interrupted after an epoch, and a finished one."""
    folder = tmp_path_factory.mktemp("trained")
    made: dict[str, Path] = {}
    with pytest.MonkeyPatch.context() as patch:
        use_images(patch, opened(dataset(), dataset(40, seed=1)))
        for name, until in (("cut", 1), ("done", None)):
            options = {"name": name, "runs_dir": folder, "progress": Quiet(), "until": until}
            made[name] = start_run(small_recipe(**SHORT), **options).path
    return made


@pytest.fixture
def run(request: pytest.FixtureRequest, trained: dict[str, Path]) -> Iterator[RunFolder]:
    """`runs/my run`, in the state that the test names."""
    build = STATES[request.param]
    run = RunFolder(Path("runs") / "my run")
    shutil.copytree(trained["done" if build in OF_FINISHED else "cut"], run.path)
    ends = build(run)
    if ends is None:
        _age(run)  # or `watch` waits for what may still come
    yield run
    if ends:
        ends()


def _age(run: RunFolder) -> None:
    long_ago = time.time() - 3600
    for path in (*run.path.rglob("*"), run.path):
        if path.exists():
            os.utime(path, (long_ago, long_ago))


def brand_new(run: RunFolder) -> None:
    """Killed before its first line."""
    shutil.rmtree(run.path / "checkpoints")
    run.metrics_path.unlink()
    run.lock_path.unlink(missing_ok=True)


def no_checkpoint(run: RunFolder) -> None:
    shutil.rmtree(run.path / "checkpoints")
    run.metrics_path.write_text(run.metrics_path.read_text().splitlines(keepends=True)[0])


def interrupted(run: RunFolder) -> None:
    assert run.metrics()[-1]["kind"] == "interrupted"


def killed(run: RunFolder) -> None:
    """By the system, which leaves a status that tells of a training."""
    run.save_status({"epoch": 2})


def failed(run: RunFolder) -> None:
    run.append({"kind": "failed", "step": 6, "reason": "the loss became nan; lower optim.lr"})


def finished(run: RunFolder) -> None:
    assert run.finished


def no_model(run: RunFolder) -> None:
    run.model_path.unlink()


def no_model_and_no_checkpoint(run: RunFolder) -> None:
    run.model_path.unlink()
    shutil.rmtree(run.path / "checkpoints")


def damaged_predictions(run: RunFolder) -> None:
    run.predictions_path.write_bytes(b"torn")


def damaged_checkpoints(run: RunFolder) -> None:
    """Both, so that nothing is left to go on from."""
    for path in (run.last_path, run.saved.previous):
        path.write_bytes(b"torn")


def damaged_model(run: RunFolder) -> None:
    run.model_path.write_bytes(run.model_path.read_bytes()[:-9])


def moved(run: RunFolder) -> None:
    """There and back: what it says of its old place leads nowhere."""
    run.path.rename("elsewhere")
    run.path.parent.rmdir()
    run.path.parent.mkdir()
    Path("elsewhere").rename(run.path)


def live_elsewhere(run: RunFolder) -> Callable[[], None]:
    """A training that ends once somebody watches it."""
    over = threading.Event()
    begun = threading.Event()

    def train() -> None:
        with writing(run):
            begun.set()
            over.wait(300)

    thread = threading.Thread(target=train)
    thread.start()
    begun.wait()
    patch = pytest.MonkeyPatch()
    patch.setitem(follow.__kwdefaults__, "pause", lambda _: over.set())

    def end() -> None:
        over.set()
        thread.join()
        patch.undo()

    return end


STATES: dict[str, Callable[[RunFolder], Callable[[], None] | None]] = {
    build.__name__: build
    for build in (
        brand_new,
        no_checkpoint,
        interrupted,
        killed,
        failed,
        finished,
        no_model,
        no_model_and_no_checkpoint,
        damaged_predictions,
        damaged_checkpoints,
        damaged_model,
        moved,
        live_elsewhere,
    )
}
OF_FINISHED = (
    finished,
    no_model,
    no_model_and_no_checkpoint,
    damaged_predictions,
    damaged_model,
)
R = "runs/my run"
COMMANDS = {
    "train --resume": ["train", "--resume", R, "--quiet"],
    "train --name": ["train", "small.yaml", "--name", "my run", "--quiet"],
    "evaluate": ["evaluate", R],
    "predict": ["predict", R, "a picture.png"],
    "report": ["report", R],
    "watch": ["watch", R],
    "compare": ["compare", R, R],
    "runs": ["runs"],
    "runs gc": ["runs", "gc", "--yes"],
}
LIST_ONLY = {"runs", "runs gc"}
"""Succeed whatever there is."""


def remedies(outcome: Outcome) -> list[list[str]]:
    """The commands in what was said, as a shell would take them."""
    said = outcome.err + outcome.out
    found = re.findall(
        r"(?<!['\w/])thriftnet ((?:train|evaluate|predict|report|watch)\b[^\n;]*)", said
    )
    return [shlex.split(text) for text in found]


@pytest.mark.parametrize("command", COMMANDS, ids=str)
@pytest.mark.parametrize("run", STATES, indirect=True, ids=str)
def test_what_is_printed_leads_somewhere(thriftnet: Command, run: RunFolder, command: str) -> None:
    Path("small.yaml").write_text(small_recipe(**SHORT).to_yaml())
    words, tried = COMMANDS[command], list[list[str]]()
    for _ in range(MOST_STEPS):
        outcome = thriftnet(*words)
        assert "unexpected" not in outcome.err
        if outcome.code == 0:
            break
        assert outcome.code == 2, outcome.err
        assert command not in LIST_ONLY
        tried.append(words)
        offered = [each for each in remedies(outcome) if each not in tried]
        if "choose another --name" in outcome.err:
            offered.append(["train", "small.yaml", "--name", "another", "--quiet"])
        assert offered, f"{outcome.err!r} leads nowhere after {tried}"
        words = offered[0]
    else:
        pytest.fail(f"no end to {tried}")
    assert run.path.is_dir()


@pytest.mark.parametrize(
    ("run", "told"),
    [
        ("interrupted", "has no final model yet; finish it with: thriftnet train --resume"),
        ("killed", "has no final model yet; finish it with: thriftnet train --resume"),
        ("no_checkpoint", "has no final model yet; finish it with: thriftnet train --resume"),
        ("failed", "failed (the loss became nan); retrain it with a lower learning rate: "),
        ("live_elsewhere", "is being trained by process {own} on "),
    ],
    indirect=["run"],
    ids=str,
)
@pytest.mark.parametrize("command", ["evaluate", "predict"])
def test_what_is_said_of_a_run_without_a_model(
    thriftnet: Command, run: RunFolder, told: str, command: str
) -> None:
    told = told.format(own=os.getpid())
    assert f"{run.path} {told}" in thriftnet(*COMMANDS[command]).error_line


@pytest.mark.parametrize("run", ["brand_new", "no_checkpoint"], indirect=True)
def test_a_run_that_was_cut_before_its_first_checkpoint_ends_with_the_same_bits(
    thriftnet: Command, run: RunFolder, trained: dict[str, Path]
) -> None:
    assert thriftnet(*COMMANDS["train --resume"]).code == 0
    whole = RunFolder(trained["done"])
    assert run.model_path.read_bytes() == whole.model_path.read_bytes()
    kinds = [line["kind"] for line in run.metrics()]
    assert kinds == ["start", "resumed", "epoch", "epoch", "end", "test", "test"]


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize("run", ["interrupted"], indirect=True)
def test_a_folder_that_may_only_be_read_is_said_to_be_one(
    thriftnet: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As root, whom no permission stops, by a file system that refuses."""
    opened = os.open

    def refuse(path: str | Path, flags: int, *rest: int, **more: int | None) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR):
            raise OSError(30, os.strerror(30))
        return opened(path, flags, *rest, **more)

    monkeypatch.setattr(os, "open", refuse)
    assert "Read-only file system; choose a folder" in thriftnet("train", "--resume", R).error_line
    told = thriftnet("report", R).error_line
    assert f"Read-only file system; write it elsewhere: thriftnet report '{R}' -o DIR" in told
    monkeypatch.undo()


@pytest.mark.parametrize("run", ["interrupted"], indirect=True)
def test_of_two_that_go_on_with_a_run_the_second_is_refused(
    thriftnet: Command, run: RunFolder
) -> None:
    before = run.metrics_path.read_bytes()
    with writing(run):
        outcome = thriftnet(*COMMANDS["train --resume"])
        assert thriftnet("runs", "--columns", "state").out.split()[-1] == "starting"
    assert outcome.code == 2
    assert f"is being trained by process {os.getpid()} on " in outcome.error_line
    assert outcome.error_line.endswith(f"follow it with: thriftnet watch '{run.path}'")
    assert run.metrics_path.read_bytes() == before
