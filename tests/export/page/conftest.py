"""A whole page, and one with the scripts that decode and resize and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page

from support.browser import BYTES_OF, bytes_of, text_of
from thriftnet.export.job import ExportJob
from thriftnet.export.page.target import PAGE_FP32
from thriftnet.export.page.template import DECODING, script_facts
from thriftnet.models.preprocessing import Preprocessing
from thriftnet.models.saved import SavedModel, read_model
from thriftnet.runs.paths import model_file

PixelsOf = Callable[..., NDArray[np.uint8] | str]

_PIXELS = """
async ([content, name, facts]) => {
  try {
    const found = await decodePicture(new File([bytesOf(content)], name), facts);
    return [btoa(String.fromCharCode(...found.pixels)), found.note];
  } catch (fault) {
    if (!(fault instanceof PictureError)) throw fault;
    return `${name} ${fault.message}`;
  }
}
"""


@pytest.fixture(scope="session")
def model(trained: Path) -> SavedModel:
    return read_model(model_file(trained))


@pytest.fixture(scope="session")
def html(
    model: SavedModel, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Path:
    """Its page, in fp32."""
    request.getfixturevalue("traced_once")
    path = tmp_path_factory.mktemp("page") / "small.html"
    preprocessing = model.preprocessing.model_copy(update={"tta": "none"})
    PAGE_FP32.write(ExportJob(model, "small <net>", "page-fp32", preprocessing), path)
    return path


@pytest.fixture(scope="module")
def scripts(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    folder = resources.files("thriftnet.export.page") / "assets"
    for name in ("contract.js", *DECODING):
        page.add_script_tag(content=(folder / name).read_text("utf-8"))
    page.add_script_tag(content=BYTES_OF)
    yield page
    page.close()


@pytest.fixture
def pixels_of(scripts: Page) -> PixelsOf:
    """What the page makes of a file's content: pixels and a note, or the line that refuses it."""

    def pixels(content: bytes, name: str = "x", *, size: int = 32, **changes: Any) -> Any:
        contract = Preprocessing(
            classes=("a", "b"), image_size=size, mean=(0, 0, 0), std=(1, 1, 1), tta="none"
        )
        facts = {**script_facts(contract), **changes}
        found = scripts.evaluate(_PIXELS, [text_of(content), name, facts])
        return found if isinstance(found, str) else (bytes_of(found[0], size, size, 3), found[1])

    return pixels
