"""The page of an audit in a real browser, with the network off and by keyboard."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page

from thriftnet.audit.page import AuditCard, audit_page
from thriftnet.data.own.decisions import COLUMNS, read_decisions

CLASSES = ("cat", "dog", "<b>emu", 'a "quoted", class')
Visit = Callable[[Path, int, str], Page]


def cards(count: int = 6) -> list[AuditCard]:
    pixels = np.random.default_rng(0).integers(0, 256, (count, 32, 32, 3), np.uint8)
    return [
        AuditCard(
            picture=f"cat/</script>, {at}.png\u202e",
            digest=f"32:{at:016x}",
            pixels=pixels[at],
            label="cat",
            suggested="dog",
            score=0.1,
            similarity=0.87,
            reasons=("label", "unlike other pictures"),
        )
        for at in range(count)
    ]


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "audit.html"
    path.write_bytes(audit_page("photos", CLASSES, cards(), columns=COLUMNS, file="decisions.csv"))
    return path


@pytest.mark.parametrize(("width", "theme"), [(1000, "light"), (390, "dark")])
def test_it_is_used_by_keyboard(
    written: Path, tmp_path: Path, width: int, theme: str, visit: Visit
):
    page = visit(written, width, theme)
    assert page.locator("article").count() == 6
    assert "similarity to the nearest pictures 0.87" in page.locator(".why").nth(0).inner_text()
    assert "unlike other pictures" in page.locator(".why").nth(0).inner_text()
    assert page.evaluate("[...document.images].every(i => i.complete && i.naturalWidth === 32)")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("r")  # relabel as suggested, and on
    page.keyboard.press("d")
    page.keyboard.press("c")
    page.locator("article select").nth(2).select_option(CLASSES[3])
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("k")
    page.keyboard.press("k")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("u")
    assert page.locator("#done").text_content() == "4 decided"
    with page.expect_download() as download:
        page.keyboard.press("s")
    path = tmp_path / "decisions.csv"
    download.value.save_as(path)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["picture"] for row in rows] == [card.picture for card in cards()]
    assert [row["decision"] for row in rows] == ["relabel", "drop", "relabel", "keep", "", ""]
    assert [row["new_label"] for row in rows[:3]] == ["dog", "", CLASSES[3]]
    decisions, _ = read_decisions(path)
    assert [each.decision for each in decisions] == ["relabel", "drop", "relabel", "keep"]


def test_buttons_do_the_same_and_decisions_outlast_a_reload(written: Path, visit: Visit):
    page = visit(written, 1000, "light")
    second = page.locator("article").nth(1)
    second.get_by_role("button", name="Relabel").click()
    assert second.locator("output").text_content() == "relabelled dog"
    page.locator("article").nth(2).get_by_role("button", name="Drop").click()
    page.locator("article").nth(2).get_by_role("button", name="Undo").click()
    page.reload()
    assert page.locator("#done").text_content() == "1 decided"
    assert page.locator("article").nth(1).get_attribute("data-decision") == "relabel"


def test_the_theme_is_that_of_all_pages(written: Path, visit: Visit):
    page = visit(written, 1000, "light")
    page.locator("#theme").select_option("dark")
    assert page.locator("html").get_attribute("data-theme") == "dark"
    page.locator("#theme").press("Enter")  # is no class of a picture
    page.locator("article").nth(0).focus()
    page.keyboard.press("k")
    assert page.locator("#done").text_content() == "1 decided"


def test_a_class_is_chosen_by_its_place_and_not_by_what_is_shown(tmp_path: Path, visit: Visit):
    """A browser shows neither two spaces nor what has no width, and no spreadsheet runs a name."""
    classes = ("cat", "a\u200bb", "=1+1", "dog")
    path = tmp_path / "audit.html"
    path.write_bytes(audit_page("p", classes, cards(3), columns=COLUMNS, file="decisions.csv"))
    page = visit(path, 1000, "light")
    for at in range(3):
        page.locator("article select").nth(at).select_option(index=at)
    page.reload()
    with page.expect_download() as download:
        page.keyboard.press("s")
    download.value.save_as(tmp_path / "decisions.csv")
    decisions, _ = read_decisions(tmp_path / "decisions.csv")
    assert [each.new_label for each in decisions] == ["cat", "a\u200bb", "'=1+1"]
