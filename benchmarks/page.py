"""How large, how quick and how exact is a page that classifies offline?

    python benchmarks/page.py [--photos PICTURE...]

Exports `best` and `quick` as pages (int8, and `quick` in fp32), opens each from disk in Chromium
with the network off, and measures: bytes; the time until it is ready, the median of 5 openings; a
picture, from pixels to probabilities and from a file to the answer, medians of 50 on one thread;
the largest difference of a probability to ONNX Runtime's from the same pixels, over 200 training
images; requests that were made. Then ten photographs (those of --photos, three that come with
matplotlib and scikit-learn, and parts and other forms of these): how far the page's pixels are from
`read_image`'s, and whether the classes agree. Writes results/page.json.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import io
import re
import statistics
import tempfile
import time
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Page

from support.browser import BYTES_OF, bytes_of, chromium, text_of
from support.record import write_result
from thriftnet.data import load_cifar10, read_image
from thriftnet.export.pipeline import export_model

PAGES = (("best", "page"), ("quick", "page"), ("quick", "page-fp32"))
OPENINGS, REPEATS, COMPARED, PHOTOGRAPHS = 5, 50, 200, 10
_TIMES = f"""
async ([images, file, repeats]) => {{
  {BYTES_OF}
  const pixels = images.map(bytesOf);
  const given = new File([bytesOf(file)], "x.png");
  const times = {{ network: [], file: [] }};
  for (let i = 0; i < repeats; i++) {{
    let before = performance.now();
    await thriftnet.classify(pixels[i % pixels.length]);
    times.network.push(performance.now() - before);
    before = performance.now();
    await engine.classify(given);
    times.file.push(performance.now() - before);
  }}
  return times;
}}
"""
_CLASSIFY = f"""
async (images) => {{
  {BYTES_OF}
  const found = [];
  for (const image of images) found.push(await thriftnet.classify(bytesOf(image)));
  return found;
}}
"""
_PIXELS = f"""
async (content) => {{
  {BYTES_OF}
  return btoa(String.fromCharCode(...await thriftnet.pixels(new File([bytesOf(content)], "x"))));
}}
"""
_READY = """
() => performance.getEntriesByName("thriftnet-ready").map((mark) => mark.startTime)[0]
"""


def opened(browser: Browser, path: Path) -> tuple[Page, float, list[str]]:
    """A page that is ready, the milliseconds that this took, and what it asked the network for."""
    context = browser.new_context(offline=True)
    page, asked = context.new_page(), list[str]()
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    page.get_by_text("Ready. Give it a picture.").wait_for(timeout=60_000)
    others = [url for url in asked if url != path.as_uri() and not url.startswith("blob:")]
    return page, page.evaluate(_READY), others


def session_of(path: Path) -> Callable[[NDArray[np.uint8]], NDArray[np.float32]]:
    """The network in a page, in ONNX Runtime's ordinary build."""
    packed = re.search(rb'id="embedded-model">([^<]*)<', path.read_bytes())
    assert packed
    session = onnxruntime.InferenceSession(gzip.decompress(base64.b64decode(packed[1])))
    return lambda images: np.asarray(session.run(None, {"images": images})[0])


def measure(browser: Browser, path: Path, images: NDArray[np.uint8]) -> dict[str, Any]:
    """Size, times and differences of one page."""
    texts = [text_of(image) for image in images]
    page, milliseconds, asked = opened(browser, path)
    openings = [milliseconds]
    while len(openings) < OPENINGS:
        page.context.close()
        page, milliseconds, others = opened(browser, path)
        openings.append(milliseconds)
        asked += others
    picture = io.BytesIO()
    Image.fromarray(images[0]).save(picture, "PNG")
    times = page.evaluate(_TIMES, [texts[:REPEATS], text_of(picture.getvalue()), REPEATS])
    found = np.array(page.evaluate(_CLASSIFY, texts))
    expected = session_of(path)(images)
    page.context.close()
    return {
        "megabytes": round(path.stat().st_size / 1e6, 2),
        "ready_seconds": [round(value / 1000, 2) for value in openings],
        "ready_median_seconds": round(statistics.median(openings) / 1000, 2),
        "picture_milliseconds": round(statistics.median(times["network"]), 1),
        "small_file_milliseconds": round(statistics.median(times["file"]), 1),
        "largest_difference_to_onnx_runtime": float(np.abs(found - expected).max()),
        "equal_answers": float((found.argmax(1) == expected.argmax(1)).mean()),
        "requests": len(asked),
    }


def photographs(given: list[Path], folder: Path) -> list[Path]:
    """Ten photographs: those given, then three of installed packages, and forms of these."""
    shown = [
        Path(mpl.get_data_path(), "sample_data", "grace_hopper.jpg"),
        *(Path(str(resources.files("sklearn")), "datasets", "images", f"{name}.jpg")
          for name in ("china", "flower")),
    ]  # fmt: skip
    person, house, flower = map(Image.open, shown)
    exif = Image.Exif()
    exif[274] = 6
    made: list[tuple[str, Image.Image, dict[str, Any]]] = [
        ("part.jpg", person.crop((60, 20, 450, 330)), {"quality": 90}),
        ("progressive.jpg", house, {"progressive": True, "quality": 85}),
        ("turned.jpg", flower, {"exif": exif, "quality": 92}),
        ("large.jpg", house.resize((2560, 1708), Image.Resampling.BICUBIC), {"quality": 90}),
        ("large.png", flower.resize((1920, 1281), Image.Resampling.BICUBIC), {}),
        ("grey.jpg", person.convert("L"), {}),
        ("full-chroma.jpg", flower, {"subsampling": 0, "quality": 95}),
    ]
    for name, picture, options in made:
        picture.save(folder / name, **options)
    found = [*given, *shown, *(folder / name for name, *_ in made)]
    return found[: max(PHOTOGRAPHS, len(given))]


def compare(browser: Browser, path: Path, pictures: list[Path]) -> list[dict[str, Any]]:
    """Each picture's pixels and class, by the page and by `read_image` with ONNX Runtime."""
    page, _, _ = opened(browser, path)
    run, rows = session_of(path), list[dict[str, Any]]()
    for file in pictures:
        text = page.evaluate(_PIXELS, text_of(file.read_bytes()))
        ours = bytes_of(text, 32, 32, 3)
        theirs = read_image(file)
        off = np.abs(ours.astype(int) - theirs)
        answers = run(np.stack([ours, theirs]))
        rows.append(
            {
                "picture": file.name,
                "pixels": list(Image.open(file).size),
                "largest_levels": int(off.max()),
                "mean_levels": round(float(off.mean()), 3),
                "same_class": bool(answers[0].argmax() == answers[1].argmax()),
                "largest_probability_difference": float(np.abs(answers[0] - answers[1]).max()),
            }
        )
    page.context.close()
    return rows


def large_photograph(browser: Browser, path: Path, folder: Path) -> float:
    """Seconds from a JPEG of 12 megapixels to its answer, the median of 5."""
    photo = Image.open(Path(mpl.get_data_path(), "sample_data", "grace_hopper.jpg"))
    photo.resize((3000, 4000), Image.Resampling.BICUBIC).save(folder / "12.jpg", quality=90)
    page, _, _ = opened(browser, path)
    times: list[float] = []
    for _ in range(OPENINGS):
        page.locator("#clear").evaluate("button => button.click()")
        before = time.perf_counter()
        page.locator("#files").set_input_files(folder / "12.jpg")
        page.locator("#results > li").wait_for()
        times.append(time.perf_counter() - before)
    page.context.close()
    return round(statistics.median(times), 2)


def main() -> None:
    """Export, measure, compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--photos", type=Path, nargs="*", default=[], help="pictures to compare")
    given = parser.parse_args().photos
    train, _ = load_cifar10()
    images = np.array(train.images[:COMPARED])
    with tempfile.TemporaryDirectory() as place, chromium() as browser:
        folder, pages = Path(place), dict[str, Any]()
        paths = {
            (n, to): export_model(n, to=to, output=folder / f"{n}.{to}.html") for n, to in PAGES
        }
        for (name, to), exported in paths.items():
            pages[f"{name}, {to}"] = {
                **measure(browser, exported.path, images),
                "check": exported.check.to_json(),
            }
        best = paths["best", "page"].path
        rows = compare(browser, best, photographs(given, folder))
        seconds = large_photograph(browser, best, folder)
        version = browser.version
    write_result(
        "page",
        {
            "chromium": version,
            "onnxruntime": onnxruntime.__version__,
            "pages": pages,
            "twelve_megapixels_seconds": seconds,
            "photographs": rows,
        },
    )


if __name__ == "__main__":
    main()
