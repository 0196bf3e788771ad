"""The page of a service in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import matplotlib as mpl
import pytest
from playwright.sync_api import Browser, Page, expect

import thriftnet
from live_service import LiveService, live_service
from support.browser import BYTES_OF, text_of
from thriftnet.inference.classifier import Classifier

PHOTO = Path(mpl.get_data_path(), "sample_data", "grace_hopper.jpg")
_CLASSIFY = f"""
async (text) => {{
  {BYTES_OF}
  return (await engine.classify(new File([bytesOf(text)], "x"))).probabilities;
}}
"""
_GREYS = """
(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const count = (grey) => Array.from({ length: data.length / 4 }, (_, at) => 4 * at)
    .filter((at) => [0, 1, 2].every((c) => data[at + c] === grey)).length;
  return { light: count(255), dark: count(27) };
}
"""
TOKEN = "0123456789abcdef0123"


@pytest.fixture(scope="module")
def quick() -> Classifier:
    return thriftnet.load_model("quick", precision="fp32")


@pytest.fixture(scope="module")
def quick_service(quick: Classifier) -> Iterator[LiveService]:
    with live_service(quick) as found:
        yield found


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    page.close()
    assert errors == []


def test_the_page_says_what_python_says(
    page: Page, quick_service: LiveService, quick: Classifier
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(quick_service.url)
    expect(page.get_by_role("status")).to_have_text("Ready. Give it a picture.")
    page.locator("#files").set_input_files(PHOTO)
    card = page.locator("li.result")
    (expected,) = quick.predict(PHOTO)
    expect(card.locator(".verdict")).to_have_text(
        f"{expected.label} {100 * expected.probability:.1f}%"
    )
    captions = card.locator("figcaption").all_inner_texts()
    assert captions == [
        "Your picture",
        "What the network saw",
        f"Class activation: {expected.label}",
    ]
    greys = page.get_by_role("img", name="Class activation").evaluate(_GREYS)
    assert greys["light"] > 50  # an outline, for whoever sees no colours
    assert greys["dark"] > 50
    shares = page.evaluate(_CLASSIFY, text_of(PHOTO.read_bytes()))
    wanted = [expected.probabilities[name] for name in quick.classes]
    assert shares == pytest.approx(wanted, abs=1e-4)
    assert {url for url in asked if not url.startswith((quick_service.url, "blob:"))} == set()


def test_a_file_that_is_no_picture(page: Page, quick_service: LiveService, tmp_path: Path) -> None:
    (tmp_path / "notes.png").write_text("no picture")
    page.goto(quick_service.url)
    page.locator("#files").set_input_files(tmp_path / "notes.png")
    expect(page.locator("#faults li")).to_have_text(
        "notes.png cannot be read as an image (an unsupported format); save it again as PNG"
    )


def test_a_token_is_asked_for_once(page: Page, quick: Classifier) -> None:
    page.on("dialog", lambda dialog: dialog.accept(TOKEN))
    with live_service(quick, token=TOKEN) as service:
        page.goto(service.url)
        expect(page.get_by_role("status")).to_have_text("Ready. Give it a picture.")
        page.locator("#files").set_input_files(PHOTO)
        expect(page.locator("li.result .verdict")).to_be_visible()
