"""Following a run: its standing, what the terminal shows, and the page that keeps up with it."""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from playwright.sync_api import expect, sync_playwright

from commands import Command
from small import opened, small_recipe, use_images
from thriftnet.errors import RunError
from thriftnet.report.server import LiveServer
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.live import read_standing
from thriftnet.runs.new_run import create_run
from thriftnet.terminal.watch import follow, sparkline, standing_lines
from thriftnet.training.progress import Quiet, StepStats
from thriftnet.training.start import start_run

STATUS = {
    "epoch": 2,
    "epochs": 3,
    "share": 0.5,
    "loss": 1.25,
    "accuracy": 0.5,
    "learning_rate": 0.01,
    "images_per_second": 321.0,
    "seconds_left": 75.0,
}


def epoch_line(epoch: int, **figures: float | None) -> dict[str, Any]:
    told = {"train_loss": 2 / epoch, "train_accuracy": 0.2 * epoch, "val_loss": None}
    rates = {"learning_rate": 0.1 / epoch, "images_per_second": 300.0, "seconds": 20.0 * epoch}
    counts = {"epoch": epoch, "epochs": 3, "step": 10 * epoch}
    return {"kind": "epoch", **counts, **told, "val_accuracy": 0.3 * epoch, **rates, **figures}


@pytest.fixture
def going(tmp_path: Path) -> RunFolder:
    """A training in its second of three epochs."""
    run = create_run(tmp_path / "runs" / "going", small_recipe(), {})
    run.append({"kind": "start", "step": 0, "parameters": 3, "macs": 8, "train_images": 48,
                "val_images": 12, "steps": 9})  # fmt: skip
    run.append(epoch_line(1))
    run.save_status(STATUS)
    return run


def test_training_tells_where_it_stands_and_clears_that_at_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cifar10: Any
) -> None:
    use_images(monkeypatch, opened(*cifar10))
    seen: list[tuple[str, dict[str, Any]]] = []

    class Watcher(Quiet):
        def step(self, stats: StepStats) -> None:
            seen.append((read_standing(tmp_path / "one").state, vars(stats)))

    recipe = small_recipe(
        train={"epochs": 0.005}, schedule={"warmup_epochs": 0}, data={"val_ratio": 0}
    )
    run = start_run(recipe, name="one", runs_dir=tmp_path, progress=Watcher())
    states = [state for state, _ in seen]
    assert states[0] == "starting"  # the status is written after the other progress was told
    assert set(states[1:]) == {"running"}
    left = [stats["seconds_left"] for _, stats in seen]
    assert left[-1] == 0
    assert not RunFolder(run.path).status_path.exists()
    assert read_standing(run.path).state == "finished"


@pytest.mark.parametrize(
    ("lines", "age", "state"),
    [
        ([], None, "starting"),
        ([epoch_line(1)], 0.0, "running"),
        ([epoch_line(1)], 3600.0, "silent"),
        ([epoch_line(1)], None, "silent"),
        ([{"kind": "interrupted", "step": 4}], None, "interrupted"),
        ([{"kind": "failed", "step": 4, "reason": "the loss became nan"}], None, "failed"),
        ([{"kind": "interrupted", "step": 4}, epoch_line(1)], 0.0, "running"),
        ([{"kind": "interrupted", "step": 4}, {"kind": "resumed", "step": 4}], None, "starting"),
    ],
)
def test_state_of_a_run(
    tmp_path: Path, lines: list[dict[str, Any]], age: float | None, state: str
) -> None:
    run = create_run(tmp_path / "one", small_recipe(), {})
    run.append({"kind": "start", "step": 0})
    for line in lines:
        run.append(line)
    if age is not None:
        run.save_status(STATUS)
        then = time.time() - age
        os.utime(run.status_path, (then, then))
    standing = read_standing(run.path)
    assert standing.state == state
    assert standing.over == (state in {"interrupted", "failed"})


def test_torn_status_is_no_harm(going: RunFolder) -> None:
    going.status_path.write_text('{"epoch": 2, "sha')
    assert going.status()[0] == {}
    assert read_standing(going.path).epochs[0]["epoch"] == 1


def test_full_disk_does_not_stop_a_training_for_its_status(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "gone")
    run.save_status(STATUS)  # the folder is not there
    run.save_status(None)
    assert run.status() == ({}, 0.0)


@pytest.mark.parametrize(
    ("values", "bars"),
    [([], ""), ([3.0], "▁"), ([2.0, 2.0], "▁▁"), ([0.0, 3.5, 7.0], "▁▅█"), ([9, 0, 1, 2], "▁▅█")],
)
def test_sparkline(values: list[float], bars: str) -> None:
    assert sparkline(values, width=3) == bars


@pytest.mark.parametrize("width", [80, 50])
def test_lines_of_a_training_fit_the_terminal(going: RunFolder, width: int) -> None:
    for epoch in range(2, 200):
        going.append(epoch_line(epoch))
    going.save_status(STATUS)
    lines = standing_lines(read_standing(going.path), width=width)
    assert max(map(len, lines)) <= width
    assert lines[0].startswith("going  running  epoch 2/3 ━━━━━━╌╌╌╌╌╌")
    assert lines[0].endswith("1:15 left")
    words = {line.split("  ")[0]: line.split()[-2] for line in lines[1:]}
    assert words["train loss"] == "1.2500"
    assert words["images/s"] == "321"
    assert "val loss" not in words  # none was told


@pytest.mark.parametrize("share", [0.4, 0.04, None])
def test_other_work_is_shown_where_it_takes_much(going: RunFolder, share: float | None) -> None:
    going.append(epoch_line(2, cpu_contention=share))
    lines = standing_lines(read_standing(going.path), width=80)
    assert any(line.startswith("other work, CPU     40%") for line in lines) == (share == 0.4)


def test_what_to_do_stands_below(going: RunFolder) -> None:
    going.save_status(None)
    going.append({"kind": "interrupted", "step": 4})
    lines = standing_lines(read_standing(going.path), width=80)
    assert lines[-1] == f"interrupted; resume with: thriftnet train --resume {going.path}"


def test_follow_tells_each_epoch_once_and_ends_with_the_run(
    going: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    def pause(_: float) -> None:
        told = len(read_standing(going.path).epochs)
        if told < 3:
            going.append(epoch_line(told + 1))
        else:
            going.save_status(None)
            going.append({"kind": "failed", "step": 30, "reason": "the loss became nan"})

    follow(going.path, pause=pause)
    out = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in out if line.startswith("epoch ")] == ["1/3", "2/3", "3/3"]
    anew = f"thriftnet train {going.recipe_path} --set optim.lr=0.001"
    assert out[-1] == f"failed: the loss became nan; retrain it more slowly, as with: {anew}"


def test_follow_waits_for_the_test_figures_of_a_run_that_has_just_ended(
    copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`train` evaluates after the last weights are written."""
    run = RunFolder(copied)
    lines = run.metrics()
    run.metrics_path.unlink()
    for line in lines:
        if line["kind"] != "test":
            run.append(line)
    run.model_path.touch()
    waited: list[float] = []

    def pause(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 3:
            for line in lines:
                if line["kind"] == "test":
                    run.append(line)

    follow(copied, pause=pause)
    assert len(waited) == 3
    assert "\ntest accuracy" in capsys.readouterr().out
    for line in lines:
        if line["kind"] == "start":
            run.metrics_path.unlink()
            run.append(line)
    os.utime(run.model_path, (0, 0))  # and nobody evaluates a trial of a search
    follow(copied, pause=pause)
    assert len(waited) == 3


def test_a_status_is_never_seen_half_written(going: RunFolder) -> None:
    going.save_status(STATUS)
    before = going.status_path.stat().st_ino
    with going.status_path.open("rb") as reader:  # opened before it is written anew
        going.save_status({**STATUS, "epoch": 3})
        assert json.loads(reader.read())["epoch"] == STATUS["epoch"]
    assert going.status_path.stat().st_ino != before
    assert going.status()[0]["epoch"] == 3


def test_watch_of_a_finished_run_shows_it_and_ends(command: Command, copied: Path) -> None:
    outcome = command("watch", copied)
    assert outcome.code == 0
    assert outcome.out.count("\nepoch ") == 2  # after the first of three
    assert "small-run  finished  epoch 3/3" in outcome.out
    assert "\ntest accuracy" in outcome.out


def test_test_accuracy_is_that_of_the_recipes_own_reading(going: RunFolder) -> None:
    tta = going.recipe().evaluate.tta
    for name, accuracy in ((tta, 0.91), ("none", 0.9)):
        going.append({"kind": "test", "tta": name, "accuracy": accuracy})
    assert standing_lines(read_standing(going.path), width=80)[-1].split()[-1] == "91.00%"


def test_line_that_lost_a_figure_is_passed_over(going: RunFolder) -> None:
    going.append({"kind": "epoch", "epoch": 2, "train_loss": 1.0})
    assert [line["epoch"] for line in read_standing(going.path).epochs] == [1]
    assert standing_lines(read_standing(going.path), width=80)[0].startswith("going  running")


def test_bad_paths_and_ports(command: Command, tmp_path: Path, going: RunFolder) -> None:
    outcome = command("watch", tmp_path / "none")
    assert (outcome.code, outcome.out) == (2, "")
    assert "there is no run folder" in outcome.err
    with LiveServer(going.path, port=0) as server:
        taken = server.server_address[1]
        outcome = command("watch", going.path, "--port", str(taken))
        assert outcome.code == 2
        assert f"port {taken} is in use by another program; choose another" in outcome.err
    with pytest.raises(RunError, match="there is no run folder"):
        LiveServer(tmp_path / "none", port=0)


@pytest.fixture
def served(copied: Path) -> Iterator[tuple[RunFolder, str]]:
    """A run whose page is served."""
    with LiveServer(copied, port=0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield RunFolder(copied), server.address
        server.shutdown()


def test_server_answers_for_its_run_alone(served: tuple[RunFolder, str]) -> None:
    run, address = served
    assert address.startswith("http://127.0.0.1:")
    with urlopen(f"{address}standing") as answer:
        assert json.load(answer)["state"] == "finished"
    with pytest.raises(HTTPError, match="404"):
        urlopen(f"{address}../recipe.yaml")
    shutil.rmtree(run.path)
    with pytest.raises(HTTPError, match="503") as fault:
        urlopen(f"{address}standing")
    assert b"there is no run folder" in fault.value.read()


def test_page_in_a_browser_keeps_up_with_the_run(served: tuple[RunFolder, str]) -> None:
    run, address = served
    run.save_status(STATUS)
    run.model_path.rename(run.path / "aside")
    with sync_playwright() as playwright:
        program = shutil.which("chromium") or shutil.which("chromium-browser")
        assert program, "there is no chromium; install it with: apt-get install -y chromium"
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(address)
        live = page.locator("#live")
        expect(live).to_have_text(
            "running: epoch 2 of 3, 50%, loss 1.250, 321 images/s, 1:15 left", timeout=20_000
        )
        assert page.get_by_label("Progress of the run").get_attribute("value") == "0.5"
        page.get_by_text("Blocks", exact=True).click()
        rows = page.locator("[aria-label='Epochs, table'] tbody tr")
        before = rows.count()
        run.append(epoch_line(before + 1))
        expect(rows).to_have_count(before + 1, timeout=30_000)
        expect(page.locator("[aria-label='Blocks, table']")).to_be_visible()  # unfolded it stays
        assert said == []
        shutil.rmtree(run.path)
        expect(live).to_contain_text("there is no run folder", timeout=20_000)
        browser.close()
