"""Charts in a browser: read off and zoomed by pointer and by keys; the same without script."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page

from page_shown import words_outside_figures
from report_fixtures import Visit, visits
from thriftnet.report.build import Report
from thriftnet.runs.folder import RunFolder


@pytest.fixture(scope="module", params=[(1280, "light"), (400, "dark")], ids=["wide", "narrow"])
def loaded(request: pytest.FixtureRequest, browser: Browser, report: Report) -> Iterator[Page]:
    """The report of each width, loaded once, which takes a second."""
    width, theme = request.param
    with visits(browser) as visit:
        yield visit(report.page, width, theme)


@pytest.fixture
def page(loaded: Page) -> Iterator[Page]:
    """The same page for the next test, with nothing read and the pointer away from the charts."""
    yield loaded
    loaded.keyboard.press("Escape")
    loaded.mouse.move(0, 0)
    loaded.emulate_media(media="screen")


def chart(page: Page, name: str) -> Locator:
    return page.locator(f"#figure-{name} [data-chart]")


def place(holder: Locator, name: str, number: int) -> tuple[float, float]:
    """Where a point of a series lies in the window."""
    found = holder.evaluate(
        """(holder, [name, number]) => {
            const told = JSON.parse(holder.dataset.chart)[0];
            const series = told.series.find((each) => each.name === name);
            const share = (axis, value) =>
                (value - axis.limits[0]) / (axis.limits[1] - axis.limits[0]);
            const [left, top, right, bottom] = told.box;
            const at = new DOMPoint(
                left + share(told.x, series.x[number]) * (right - left),
                bottom - share(told.y, series.y[number]) * (bottom - top),
            ).matrixTransform(holder.querySelector("svg").getScreenCTM());
            return [at.x, at.y];
        }""",
        [name, number],
    )
    return found[0], found[1]


def ticks_across(holder: Locator) -> list[str]:
    """Of the first axes."""
    return holder.evaluate(
        """(holder) => [...holder.querySelector('g[id$="axes_1"]').querySelectorAll(
            `g[id*="matplotlib.axis_1"] > g[id*="tick"] text, .ticks [text-anchor="middle"]`)]
            .filter((text) => text.getBoundingClientRect().width)
            .map((text) => text.textContent)"""
    )


def test_pointer_reads_what_the_metrics_say(page: Page, trained: Path):
    holder = chart(page, "accuracy")
    holder.scroll_into_view_if_needed()
    page.mouse.move(*place(holder, "validation", 1))
    told = page.locator(".reading").inner_text()
    lines = [line for line in RunFolder.open(trained).metrics() if line["kind"] == "epoch"]
    head, *rest = told.splitlines()
    assert head == "epoch: 2"
    read = {name: float(value) for name, value in (line.split(": ") for line in rest)}
    for name, key in (("training", "train_accuracy"), ("validation", "val_accuracy")):
        assert read[name] == pytest.approx(100 * lines[1][key], rel=1e-4)
    page.mouse.move(2, 2)
    assert not page.locator(".reading").is_visible()


def test_keys_read_zoom_and_go_back(page: Page):
    holder = chart(page, "steps")
    drawn = holder.inner_html()
    holder.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    reading = page.locator(".reading")
    assert reading.inner_text().splitlines()[0] == "step: 3"
    before = ticks_across(holder)
    for key in ("+", "+"):
        page.keyboard.press(key)
    assert ticks_across(holder) != before
    assert reading.inner_text().splitlines()[0] == "step: 3"
    page.keyboard.press("End")
    last = int(reading.inner_text().splitlines()[0].removeprefix("step: "))
    assert 3 < last < 12  # the last in view
    page.keyboard.press("ArrowDown")
    assert "gradient" not in reading.inner_text().splitlines()[0]
    page.keyboard.press("0")
    page.keyboard.press("Escape")
    assert ticks_across(holder) == before
    assert not reading.is_visible()
    # What was moved came back to where it was, to a hundredth.
    assert len(holder.inner_html()) == pytest.approx(len(drawn), rel=0.1)


def test_dragging_zooms_to_what_was_marked(page: Page):
    holder = chart(page, "loss")
    holder.scroll_into_view_if_needed()
    (x0, y0), (x1, _) = place(holder, "training", 1), place(holder, "training", 2)
    page.mouse.move(x0 - 4, y0)
    page.mouse.down()
    page.mouse.move(x1 + 4, y0 + 2, steps=4)
    page.mouse.up()
    assert ticks_across(holder) == ["2", "3"]
    curve = holder.locator("g[id$='axes_1'] > g[id*='line2d'] path[clip-path]").first
    box = curve.bounding_box()
    frame = holder.locator("svg").bounding_box()
    assert box is not None
    assert frame is not None
    assert box["width"] > frame["width"]  # the first epoch is out of view now
    page.locator("#figure-loss").get_by_role("button", name="Show all").click()
    assert {"1", "2", "3"} <= set(ticks_across(holder))


def test_points_of_classes_and_cells_have_names(page: Page):
    for name, parts in (
        ("confusion", ("prediction: ", "label: ", "of the label")),
        ("classes", ("recall", "95% ", "images")),
    ):
        holder = chart(page, name)
        holder.focus()
        page.keyboard.press("ArrowRight")
        told = page.locator(".reading").inner_text()
        for part in parts:
            assert part in told


def test_every_chart_with_numbers_can_be_zoomed_and_every_reading_fits_the_window(page: Page):
    holders = page.locator("[data-chart]").all()
    assert len(holders) >= 9
    width = page.evaluate("document.documentElement.clientWidth")
    for holder in holders:
        holder.focus()
        page.keyboard.press("ArrowRight")
        box = page.locator(".reading").bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        page.keyboard.press("Escape")
    assert page.locator(".zoom").count() == len(holders) - 1  # all but the confusion matrix


def test_no_words_of_a_figure_leave_it(page: Page):
    assert words_outside_figures(page) == []


def test_the_architecture_shows_its_counts_without_scrolling(page: Page):
    holder = page.locator("#figure-architecture .scroll")
    assert holder.evaluate("(box) => box.scrollWidth <= box.clientWidth")
    assert "parameters" in holder.inner_text()


def test_tables_that_scroll_show_that_there_is_more(page: Page):
    table = page.locator("[aria-label='Classes, table']")
    assert table.evaluate("(box) => getComputedStyle(box).backgroundImage").count("gradient") == 4


@pytest.fixture
def without_script(browser: Browser) -> Iterator[Callable[[Path], Page]]:
    context = browser.new_context(
        viewport={"width": 1280, "height": 800}, offline=True, java_script_enabled=False
    )

    def go(path: Path) -> Page:
        opened = context.new_page()
        opened.goto(path.as_uri())
        return opened

    yield go
    context.close()


def test_without_script_the_chart_is_the_same(
    without_script: Callable[[Path], Page], visit: Visit, report: Report
):
    still, live = without_script(report.page), visit(report.page, 1280, "light")
    for name in ("accuracy", "classes"):
        pictures = [
            page.locator(f"#figure-{name} svg").screenshot(animations="disabled")
            for page in (still, live)
        ]
        assert pictures[0] == pictures[1]
    assert still.locator(".zoom").count() == 0


def test_paper_shows_the_charts_without_their_buttons(page: Page):
    page.emulate_media(media="print")
    assert page.locator("#figure-loss svg").is_visible()
    assert not page.locator("#figure-loss .zoom").is_visible()


def test_a_page_without_charts_has_no_script_for_them(report: Report):
    text = report.page.read_text("utf-8")
    data = [part.split('"')[0] for part in text.split('data-chart="')[1:]]
    assert len(data) >= 9
    for each in data:
        panels = json.loads(each.replace("&#34;", '"').replace("&amp;", "&").replace("&#39;", "'"))
        assert all(len(s["x"]) == len(s["y"]) for panel in panels for s in panel["series"])
