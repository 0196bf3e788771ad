"""Runs to report on: small trainings, dressed as what the commands leave."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect

from commands import Command, in_this_process
from made_results import Write, made_results, write_file
from once import made_once
from small import sitting, small_recipe
from support.browser import chromium
from support.made_study import made_study
from thriftnet.api import write_report
from thriftnet.data import Dataset
from thriftnet.evaluation.results import read_logits
from thriftnet.report.build import Report
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.predictions import Predictions
from waits import PATIENCE_SECONDS

MakeRun = Callable[..., Path]
Visit = Callable[[Path, int, str], Page]
Opened = TypeVar("Opened", BrowserContext, Page)

_PATIENCE = 1000 * PATIENCE_SECONDS
"""Milliseconds."""


def dress(run: RunFolder, test_set: Dataset, *, seed: int = 0) -> None:
    """The line of the start, test figures and predictions: 80% right, sure of it or not."""
    rng = np.random.default_rng(seed)
    recipe = run.recipe()
    logits = rng.normal(size=(len(test_set), 10)).astype(np.float32)
    right = rng.random(len(test_set)) < 0.8
    logits[right, test_set.labels[right]] += 5
    reading = read_logits(
        torch.from_numpy(logits),
        torch.from_numpy(test_set.labels.copy()),
        classes=test_set.classes,
        tta=recipe.evaluate.tta,
    )
    run.append({"kind": "start", "step": 0, "parameters": 3_000, "macs": 800_000,
                "train_images": 50, "val_images": 10, "steps": 12})  # fmt: skip
    run.append({"kind": "test", "precision": "fp32", "tta": reading.tta, **reading.summary()})
    run.save_predictions(Predictions(np.array(test_set.labels), {reading.tta: logits}))
    environment = {"commit": "0" * 40, "command": ["thriftnet", "train", "small"], "torch": "2"}
    run.environment_path.write_text(json.dumps(environment))


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, cifar10: tuple[Dataset, Dataset]) -> Path:
    """Three epochs of 50 images, with validation; not to be changed."""

    def make(folder: Path) -> None:
        _, run = sitting(small_recipe(), folder / "small-run")
        dress(run, cifar10[1])

    return made_once(tmp_path_factory, "trained", make) / "small-run"


def _written_once(path: Path, factory: pytest.TempPathFactory, name: str) -> Report:
    """The report of a run or study, in a folder of its own."""

    def make(folder: Path) -> None:
        report = write_report(path, output=folder)
        facts = {"figures": [each.name for each in report.figures], "missing": report.missing}
        (folder / "facts.json").write_text(json.dumps(facts))

    folder = made_once(factory, name, make)
    facts = json.loads((folder / "facts.json").read_text())
    figures = tuple(folder / "figures" / each for each in facts["figures"])
    return Report(folder / "report.html", figures, tuple(facts["missing"]))


@pytest.fixture(scope="session")
def report(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Report:
    return _written_once(trained, tmp_path_factory, "report")


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study of the shipped space, made up; not to be changed."""

    def make(folder: Path) -> None:
        made_study(folder / "small").storage.close()

    return made_once(tmp_path_factory, "studies", make) / "small"


@pytest.fixture(scope="session")
def study_report(study: Path, tmp_path_factory: pytest.TempPathFactory) -> Report:
    return _written_once(study, tmp_path_factory, "study-report")


@pytest.fixture
def svg_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are drawn for the page and not again for their PNG files, which takes as long."""
    monkeypatch.setattr("thriftnet.report.drawing.png_of", lambda _: b"")


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are made and not drawn, for what a report says; drawing them takes a second."""
    monkeypatch.setattr("thriftnet.report.drawing.png_of", lambda _: b"")
    monkeypatch.setattr("thriftnet.report.drawing.svg_of", lambda _: "<svg />")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium; what a page does within a second is waited for as long as a busy machine takes."""
    with chromium(shell=True) as started, pytest.MonkeyPatch.context() as patch:
        patch.setattr(started, "new_context", _patient(started.new_context))
        patch.setattr(started, "new_page", _patient(started.new_page))
        expect.set_options(timeout=_PATIENCE)
        yield started
        expect.set_options(timeout=None)


def _patient(new: Callable[..., Opened]) -> Callable[..., Opened]:
    def opened(**options: Any) -> Opened:
        made = new(**options)
        made.set_default_timeout(_PATIENCE)
        return made

    return opened


@contextmanager
def visits(browser: Browser) -> Iterator[Visit]:
    """Open pages from disk, network off; any request or message of the console is a failure."""
    contexts: list[BrowserContext] = []
    asked: set[str] = set()
    wanted: set[str] = set()
    said: list[str] = []

    def note(request: Request) -> None:
        if not request.url.startswith(("data:", "blob:")):  # of the page itself
            asked.add(request.url)

    def go(page: Path, width: int, theme: Any) -> Page:
        contexts.append(
            browser.new_context(
                viewport={"width": width, "height": 800}, color_scheme=theme, offline=True
            )
        )
        opened = contexts[-1].new_page()
        opened.on("request", note)
        opened.on("console", lambda message: said.append(message.text))
        opened.on("pageerror", lambda error: said.append(str(error)))
        wanted.add(page.as_uri())
        opened.goto(page.as_uri())
        return opened

    yield go
    assert asked == wanted
    assert said == []
    for context in contexts:
        context.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Open a page for one test."""
    with visits(browser) as go:
        yield go


@pytest.fixture
def copied(trained: Path, tmp_path: Path) -> Path:
    """The same run, to be damaged."""
    return Path(shutil.copytree(trained, tmp_path / "runs" / "small-run"))


@pytest.fixture
def make_run(tmp_path: Path, cifar10: tuple[Dataset, Dataset]) -> MakeRun:
    """A run of small_recipe with sections changed: `make_run("a", seed=1)`."""

    def make(folder: str, *, dressed: bool = True, name: str = "small", **sections: object) -> Path:
        sections = {"train": {"epochs": 2}, "name": name, **sections}
        _, run = sitting(small_recipe(**sections), tmp_path / "runs" / folder)
        if dressed:
            dress(run, cifar10[1], seed=len(folder))
        return run.path

    return make


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command in this process: `command("report", run)`."""

    return in_this_process(monkeypatch, capsys)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A folder of results files, where no run of the paper was trained yet."""
    return made_results(tmp_path / "results")


@pytest.fixture
def write(results: Path) -> Write:
    """Write a results file there."""
    return partial(write_file, results)
