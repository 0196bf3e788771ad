"""The page of a study in a real browser, with the network off, wide and as narrow as a phone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from page_shown import words_outside_figures
from report_fixtures import Visit, visits
from thriftnet.report.build import Report

FIGURES = 13


@pytest.fixture(scope="module", params=[(1280, "light"), (360, "dark")], ids=["wide", "narrow"])
def page(request: pytest.FixtureRequest, browser: Browser, study_report: Report) -> Iterator[Page]:
    """Loaded once, for a second; only the theme is changed, by the last test."""
    width, theme = request.param
    with visits(browser) as visit:
        yield visit(study_report.page, width, theme)


def test_every_figure_is_seen_and_nothing_is_wider_than_the_window(page: Page):
    figures = page.locator("figure svg")
    assert figures.count() == FIGURES
    for figure in figures.all():
        box = figure.bounding_box()
        assert box is not None
        assert box["width"] > 200
        assert box["height"] > 90
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_no_words_of_a_figure_leave_it(page: Page):
    assert words_outside_figures(page) == []


def test_candidates_sort_by_accuracy_and_by_size(page: Page):
    table = page.locator("[aria-label='Candidates, table']")

    def column(title: str) -> list[str]:
        heads = [text.strip() for text in table.locator("th").all_text_contents()]
        return table.locator(f"td:nth-child({heads.index(title) + 1})").all_text_contents()

    for click in ("ascending", "descending"):
        table.get_by_role("button", name="parameters").click()
        counts = [int(text.replace(",", "")) for text in column("parameters")]
        assert counts == sorted(counts, reverse=click == "descending")
    table.get_by_role("button", name="epoch 8").click()
    shares = [float(text.rstrip("%")) for text in column("epoch 8") if text != "–"]
    assert len(shares) > 5
    assert shares == sorted(shares)


def test_the_theme_changes_figures_and_page(page: Page):
    look = "getComputedStyle(document.querySelector('{}')).{}"
    seen: set[tuple[str, str]] = set()
    for theme in ("light", "dark"):
        page.get_by_label("Theme").select_option(theme)
        words = page.evaluate(look.format("#figure-pareto-macs svg text", "fill"))
        seen.add((page.evaluate(look.format("body", "backgroundColor")), words))
    assert len({paper for paper, _ in seen}) == len({words for _, words in seen}) == 2


def test_a_printed_page_is_as_wide_as_its_paper(visit: Visit, study_report: Report):
    page = visit(study_report.page, 720, "light")  # A4 within margins
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 1.2 * 720, width  # a browser shrinks a little more to fit
