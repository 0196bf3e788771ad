"""The page in a browser, opened from disk with the network off."""

from __future__ import annotations

import base64
import gzip
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import matplotlib as mpl
import numpy as np
import onnxruntime
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from report_fixtures import visits
from support.browser import BYTES_OF, text_of
from thriftnet.data import read_image
from thriftnet.export.page.node import open_page
from thriftnet.models.saved import SavedModel
from waits import wait_until

Visit = Callable[[Path, int, str], Page]

_PHOTO = Path(mpl.get_data_path(), "sample_data", "grace_hopper.jpg")
_CLASSIFY = f"async (text) => {{ {BYTES_OF} return await thriftnet.classify(bytesOf(text)); }}"
_SEEN = """
(canvas) => [...canvas.getContext("2d").getImageData(0, 0, 32, 32).data]
"""
_GIVE = """
async ([kind, name, text]) => {
  const content = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([content], name));
  const event = kind === "drop"
    ? new DragEvent("drop", { dataTransfer: transfer, cancelable: true })
    : new ClipboardEvent("paste", { clipboardData: transfer, cancelable: true });
  dispatchEvent(event);
  return event.defaultPrevented;
}
"""
_LINES_OF = """
(element, text) => {
  element.textContent = text;
  const range = document.createRange();
  range.selectNodeContents(element);
  return new Set([...range.getClientRects()].map((line) => line.top)).size;
}
"""
_CLEAR_AT_THREE = """
() => {
  const observer = new MutationObserver(() => {
    if (place.results.children.length < 3) return;
    observer.disconnect();
    place.clear.click();
  });
  observer.observe(place.results, { childList: true });
}
"""
_FAKE_CAMERA = """
() => { navigator.mediaDevices.getUserMedia = async () => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [64, 48];
  const context = canvas.getContext("2d");
  window.showFrames = () => setInterval(() => {
    context.fillStyle = "#20c040";
    context.fillRect(0, 0, 64, 48);
  }, 20);
  return window.stream = canvas.captureStream();
}; }
"""
_SNAP_WHEN_SIZE_IS_KNOWN = """
(video) => video.addEventListener("resize", () => document.getElementById("snap").click())
"""


@pytest.fixture(scope="module")
def opened(browser: Browser, html: Path) -> Iterator[Page]:
    """The page, opened from disk once: its network and runtime take seconds of a processor."""
    with visits(browser) as visit:
        yield visit(html, 1280, "light")


@pytest.fixture
def page(opened: Page, tmp_path: Path) -> Iterator[Page]:
    """The same, cleared in the end: pictures of a test, some not loaded yet, go with its folder."""
    assert tmp_path.is_dir()
    yield ready(opened)
    clear = opened.get_by_role("button", name="Clear")
    if clear.is_visible():
        clear.click()


def ready(page: Page) -> Page:
    ready = "Ready. Give it a picture."
    expect(page.get_by_role("status")).to_have_text(ready)
    return page


def test_same_probabilities_as_onnx_runtime(page: Page, html: Path):
    packed = re.search(rb'id="embedded-model">([^<]*)<', html.read_bytes())
    assert packed
    session = onnxruntime.InferenceSession(gzip.decompress(base64.b64decode(packed[1])))
    images = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), dtype=np.uint8)
    expected = session.run(None, {"images": images})[0]
    found = [page.evaluate(_CLASSIFY, text_of(image)) for image in images]
    assert np.abs(np.array(found) - expected).max() < 1e-5
    run = open_page(html)  # as the export tries it
    for batch in (1, 7):
        assert np.abs(run(images[:batch]) - expected[:batch]).max() < 1e-5


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (400, "dark")])
def test_a_photograph(visit: Visit, html: Path, model: SavedModel, width: int, theme: str):
    page = ready(visit(html, width, theme))
    page.locator("#files").set_input_files(_PHOTO)
    result = page.locator("#results > li")
    expect(result).to_have_count(1)
    pixels = read_image(_PHOTO)
    seen = np.array(result.locator("canvas").evaluate(_SEEN)).reshape(32, 32, 4)[..., :3]
    assert np.abs(seen - pixels).max() <= 2
    probabilities = page.evaluate(_CLASSIFY, text_of(seen.astype(np.uint8)))
    best = model.classes[int(np.argmax(probabilities))]
    said = f"grace_hopper.jpg: {best}, {max(probabilities):.1%}"
    expect(page.get_by_role("status")).to_have_text(said)  # a live region
    bars = result.locator(".bars li")
    expect(bars).to_have_count(10)
    assert bars.first.inner_text().split() == [best, f"{max(probabilities):.1%}"]
    expect(result.get_by_role("img", name="What the network saw: 32×32 pixels")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    loaded = "[...document.images].every(i => i.complete && i.naturalWidth > 0)"
    wait_until(lambda: page.evaluate(loaded))  # the page's policy lets no function poll within it
    assert bars.first.locator(".name").evaluate(_LINES_OF, "automobile") == 1


def test_what_the_page_says(page: Page):
    assert page.title() == "small <net> · thriftnet"
    text = page.inner_text("main")
    for words in ("Parameters", "32×32 pixels", "Views of a picture\none", "fp32"):
        assert words in text
    page.get_by_text("Licence of onnxruntime-web").click()
    expect(page.get_by_text("Copyright (c) Microsoft Corporation")).to_be_visible()


def test_several_files_of_which_some_are_none(page: Page, tmp_path: Path):
    for number, colour in enumerate(("red", "green", "blue")):
        Image.new("RGB", (40, 30), colour).save(tmp_path / f"{number}.png")
    (tmp_path / "a.jpg").write_text("a text")
    (tmp_path / "<b>.png").write_bytes(b"")
    names = ["0.png", "a.jpg", "1.png", "<b>.png", "2.png"]
    page.locator("#files").set_input_files([tmp_path / name for name in names])
    expect(page.get_by_role("status")).to_have_text("3 of 5 pictures classified.")
    assert page.locator("#results h2").all_text_contents() == ["0.png", "1.png", "2.png"]
    assert page.get_by_role("alert").locator("li").all_text_contents() == [
        "a.jpg cannot be read as an image (an unsupported format); save it again as PNG",
        "<b>.png is empty; save it again",
    ]
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#results > li, #faults > li")).to_have_count(0)
    page.locator("#files").set_input_files(tmp_path / "2.png")  # nothing broke
    expect(page.locator("#results > li")).to_have_count(1)


def test_results_are_cleared_while_more_come(page: Page, tmp_path: Path):
    files = [tmp_path / f"{number}.png" for number in range(5)]
    for file in files:
        Image.new("RGB", (40, 30), "red").save(file)
    page.locator("#files").set_input_files(files[0])
    expect(page.locator("#results > li")).to_have_count(1)
    page.evaluate(_CLEAR_AT_THREE)
    page.locator("#files").set_input_files(files[1:])
    expect(page.get_by_role("status")).to_have_text("4 of 4 pictures classified.")
    assert page.locator("#results h2").all_text_contents() == ["3.png", "4.png"]
    expect(page.locator("#faults > li")).to_have_count(0)


@pytest.mark.parametrize("kind", ["drop", "paste"])
def test_drop_and_paste(page: Page, kind: str):
    assert page.evaluate(_GIVE, [kind, "given.jpg", text_of(_PHOTO.read_bytes())])
    expect(page.locator("#results h2")).to_have_text("given.jpg")


def test_keyboard(page: Page):
    page.once("filechooser", lambda chooser: chooser.set_files(_PHOTO))
    page.get_by_label("Theme").focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Choose pictures")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#results > li")).to_have_count(1)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#results > li")).to_have_count(0)
    expect(page.get_by_role("button", name="Choose pictures")).to_be_focused()


def test_camera(page: Page):
    page.evaluate(_FAKE_CAMERA)
    page.evaluate("taken = 0")  # whatever was taken in another test
    page.locator("video").evaluate(_SNAP_WHEN_SIZE_IS_KNOWN)  # it cannot be drawn yet
    for number in (1, 2):
        page.get_by_role("button", name="Use the camera").click()
        expect(page.get_by_role("dialog", name="Camera")).to_be_visible()
        page.keyboard.press("Enter")  # before the first frame, which it waits for
        page.evaluate("showFrames()")
        expect(page.locator("#results h2")).to_have_text([f"camera {number}.png"])
        expect(page.get_by_role("dialog", name="Camera")).to_be_hidden()
        assert page.evaluate("stream.getTracks().every((track) => track.readyState === 'ended')")
        seen = page.locator("#results canvas").evaluate(_SEEN)
        assert np.abs(np.array(seen[:3]) - (0x20, 0xC0, 0x40)).max() <= 3
        page.get_by_role("button", name="Clear").click()


def test_camera_closed_before_its_first_picture(page: Page):
    page.evaluate(_FAKE_CAMERA)
    page.get_by_role("button", name="Use the camera").click()
    expect(page.get_by_role("dialog", name="Camera")).to_be_visible()
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Camera")).to_be_hidden()
    ended = "stream.getTracks().every((track) => track.readyState === 'ended')"
    wait_until(lambda: page.evaluate(ended))
    expect(page.locator("#results > li, #faults > li")).to_have_count(0)


def test_without_a_camera(page: Page):
    page.evaluate(
        "() => { navigator.mediaDevices.getUserMedia = async () => {"
        "throw new DOMException('no', 'NotFoundError'); }; }"
    )
    page.get_by_role("button", name="Use the camera").click()
    expect(page.get_by_role("alert")).to_have_text("The camera cannot be used: there is none.")


def test_below_the_threshold_it_is_not_sure(visit: Visit, html: Path, tmp_path: Path):
    content = html.read_bytes().replace(b'"threshold": null', b'"threshold": 1.0')
    (tmp_path / "x.html").write_bytes(content)
    page = ready(visit(tmp_path / "x.html", 1280, "light"))
    page.locator("#files").set_input_files(_PHOTO)
    expect(page.get_by_role("status")).to_contain_text("not sure; most probable: ")
    expect(page.locator(".verdict")).to_contain_text("Not sure; most probable: ")


_NOISE = """
const read = CanvasRenderingContext2D.prototype.getImageData;
CanvasRenderingContext2D.prototype.getImageData = function (...where) {
  const found = read.apply(this, where);
  found.data[0] ^= 1;
  return found;
};
"""


@pytest.mark.parametrize(
    ("script", "line"),
    [
        ("delete window.DecompressionStream", "This browser has no DecompressionStream; open"),
        ("delete window.WebAssembly", "This browser has no WebAssembly; open"),
        (_NOISE, "This browser alters the pixels that a page reads"),
        ("WebAssembly.instantiate = async () => { throw Error('no memory'); }", "no memory"),
    ],
)
def test_browser_that_cannot(browser: Browser, html: Path, script: str, line: str):
    page = browser.new_page()
    page.add_init_script(script)
    page.goto(html.as_uri())
    expect(page.get_by_role("status")).to_contain_text(line)
    page.locator("#files").set_input_files(_PHOTO)
    expect(page.locator("#results > li")).to_have_count(0)
    expect(page.get_by_role("status")).to_contain_text(line)  # still
    page.close()
