"""The page that follows a run: its server, and a browser that keeps up."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, expect

from commands import Command
from ongoing import STATUS, epoch_line
from thriftnet import commands as told
from thriftnet.errors import RunError
from thriftnet.report import server
from thriftnet.report.server import LiveServer
from thriftnet.runs.folder import RunFolder


def test_bad_paths_and_ports(command: Command, tmp_path: Path, going: RunFolder) -> None:
    outcome = command("watch", tmp_path / "none")
    assert (outcome.code, outcome.out) == (2, "")
    assert "there is no run folder" in outcome.err
    with LiveServer(going.path, port=0) as listening:
        taken = listening.server_address[1]
        outcome = command("watch", going.path, "--port", str(taken))
        assert outcome.code == 2
        assert f"port {taken} is in use by another program; choose another" in outcome.err
    with pytest.raises(RunError, match="there is no run folder"):
        LiveServer(tmp_path / "none", port=0)


@pytest.fixture
def served(copied: Path) -> Iterator[tuple[RunFolder, str]]:
    """A run whose page is served."""
    with LiveServer(copied, port=0) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield RunFolder(copied), listening.address
        listening.shutdown()


def test_server_answers_for_its_run_alone(served: tuple[RunFolder, str]) -> None:
    run, address = served
    assert address.startswith("http://127.0.0.1:")
    with urlopen(f"{address}status") as answer:
        assert json.load(answer)["state"] == "finished"
    with pytest.raises(HTTPError, match="404"):
        urlopen(f"{address}../recipe.yaml")
    shutil.rmtree(run.path)
    with pytest.raises(HTTPError, match="503") as fault:
        urlopen(f"{address}status")
    assert b"there is no run folder" in fault.value.read()


@pytest.mark.usefixtures("undrawn")
def test_a_page_that_cannot_be_drawn_says_why(
    served: tuple[RunFolder, str],
    browser: Browser,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """At the first look, and in a page that follows its run: not that watch has ended."""
    run, address = served
    page = browser.new_page()
    page.goto(address)

    def fail(*_: object, **__: object) -> NoReturn:
        raise ValueError("no bars\nat all")

    monkeypatch.setattr(server, "single_page", fail)
    run.append({"kind": "resumed", "step": 4})  # a change, so that the page is drawn again
    why = "the page cannot be drawn (ValueError: no bars at all); report it with the output of: "
    expect(page.locator("#live")).to_contain_text(why)
    with pytest.raises(HTTPError, match="500") as fault:
        urlopen(address)
    assert fault.value.read().decode() == f"{why}{told.command('report', run.path, '--debug')}\n"
    monkeypatch.setattr(server.LivePage, "version", lambda _: [].pop())
    with pytest.raises(HTTPError, match="500"):
        urlopen(f"{address}status")
    assert "Traceback" not in capsys.readouterr().err
    page.close()


def test_page_in_a_browser_keeps_up_with_the_run(
    served: tuple[RunFolder, str], browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However late a busy machine draws the page and asks for the status.
    monkeypatch.setattr("thriftnet.runs.state.SILENT_SECONDS", 3600)
    run, address = served
    run.save_status(STATUS)
    run.model_path.rename(run.path / "aside")
    page = browser.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(address)
    live = page.locator("#live")
    expect(live).to_have_text("running: epoch 2 of 3, 50%, loss 1.250, 321 images/s, 1:15 left")
    assert page.get_by_label("Progress of the run").get_attribute("value") == "0.5"
    page.get_by_text("Blocks", exact=True).click()
    page.get_by_role("group", name="Accuracy, figure").focus()
    rows = page.locator("[aria-label='Epochs, table'] tbody tr")
    before = rows.count()
    run.append(epoch_line(before + 1))
    expect(rows).to_have_count(before + 1)
    expect(page.locator("[aria-label='Blocks, table']")).to_be_visible()  # unfolded it stays
    expect(page.get_by_role("group", name="Accuracy, figure")).to_be_focused()
    assert said == []
    shutil.rmtree(run.path)
    expect(live).to_contain_text("there is no run folder")
    page.close()
