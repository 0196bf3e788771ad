"""The page in a real browser, with the network off."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from report_fixtures import visits
from thriftnet.report.build import Report

FIGURES = 14
NEIGHBOURS = ("loss", "accuracy")


@pytest.fixture(scope="module", params=[(1280, "light"), (390, "dark")], ids=["wide", "narrow"])
def page(request: pytest.FixtureRequest, browser: Browser, report: Report) -> Iterator[Page]:
    """The report, opened from disk once, for a second; what a test sorts stays sorted."""
    width, theme = request.param
    with visits(browser) as visit:
        yield visit(report.page, width, theme)


def test_every_figure_is_seen(page: Page):
    figures = page.locator("figure")
    assert figures.count() == FIGURES
    for number in range(FIGURES):
        figure = figures.nth(number)
        for drawn in figure.locator("svg, img").all():
            box = drawn.bounding_box()
            assert box is not None
            assert box["width"] > 60
            assert box["height"] > 30
    # Pictures are there only when their bytes could be decoded.
    assert page.evaluate("[...document.images].every(i => i.complete && i.naturalWidth === 32)")


def test_nothing_is_wider_than_the_window(page: Page):
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def column(page: Page, title: str, at: int) -> list[str]:
    cells = page.locator(f"[aria-label='{title}, table'] tbody tr td:nth-child({at})")
    return cells.all_text_contents()


def test_tables_sort_by_number_and_by_word(page: Page):
    table = page.locator("[aria-label='Classes, table']")
    before = column(page, "Classes", 1)
    for click, ordered in (("ascending", lambda v: v), ("descending", lambda v: v[::-1])):
        table.locator("th").nth(1).get_by_role("button", name="recall").click()
        shares = [float(text.rstrip("%")) for text in column(page, "Classes", 2)]
        assert ordered(shares) == sorted(shares)
        assert table.locator("th").nth(1).get_attribute("aria-sort") == click
    assert column(page, "Classes", 1) != before
    table.get_by_role("button", name="class").press("Enter")
    assert column(page, "Classes", 1) == sorted(before)
    assert table.locator("th").nth(1).get_attribute("aria-sort") == "none"


def test_numbers_sort_as_numbers_where_some_are_missing(page: Page):
    page.get_by_text("Epochs", exact=True).click()
    page.locator("[aria-label='Epochs, table']").get_by_role("button", name="step").click()
    assert column(page, "Epochs", 2) == ["4", "8", "12"]


def test_theme_follows_the_system_until_one_is_chosen(page: Page):
    def colours() -> tuple[str, str]:
        look = "getComputedStyle(document.querySelector('{}')).{}"
        return (
            page.evaluate(look.format("body", "backgroundColor")),
            page.evaluate(look.format("#figure-loss svg text", "fill")),
        )

    white, black = "rgb(255, 255, 255)", "rgb(27, 27, 27)"
    light = page.evaluate("matchMedia('(prefers-color-scheme: light)').matches")
    assert (colours() == (white, black)) == light
    select = page.get_by_label("Theme")
    select.select_option("dark")
    assert white not in colours()
    assert black not in colours()
    select.select_option("light")
    assert colours() == (white, black)
    page.reload()  # the choice is remembered
    assert colours() == (white, black)
    select.select_option("system")
    assert (colours() == (white, black)) == light


def test_print_is_light_and_folds_are_open(page: Page):
    page.get_by_label("Theme").select_option("dark")
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("[...document.querySelectorAll('details')].every(fold => fold.open)")
    assert not page.get_by_label("Theme").is_visible()
    # Two charts beside each other, though paper is as narrow as a small window.
    top = "(figure) => figure.getBoundingClientRect().top"
    assert len({page.locator(f"#figure-{name}").evaluate(top) for name in NEIGHBOURS}) == 1
    page.emulate_media(media="screen")
