"""One picture, one answer: Python, the command, HTTP, two runtimes of ONNX, and the page."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib as mpl
import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from commands import Command
from live_service import FORM, form, live_service, plain
from support.browser import BYTES_OF, text_of
from thriftnet.export import pictures as choosing
from thriftnet.inference.classifier import load_model

PHOTO = Path(mpl.get_data_path(), "sample_data", "grace_hopper.jpg")
ASK = f"""
async (text) => {{
  {BYTES_OF}
  return (await engine.classify(new File([bytesOf(text)], "x"))).probabilities;
}}
"""
MOST = 1e-4


@pytest.mark.usefixtures("traced_once")
def test_every_surface_gives_the_same_probabilities_at_the_recipes_views(
    thriftnet: Command,
    finished_run: Path,
    browser: Browser,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(choosing, "COMPARED", 20)
    file = tmp_path / "photo.png"  # of a JPEG, browsers make pixels that are a level or two off
    Image.open(PHOTO).save(file)
    classifier = load_model(finished_run, precision="fp32")
    assert classifier.tta == "flip"
    (by_python,) = classifier.predict(file)
    expected = [by_python.probabilities[name] for name in classifier.classes]
    found: dict[str, list[float]] = {}

    def by_command(model: Path, *options: str) -> list[float]:
        done = thriftnet("predict", model, file, "--json", *options)
        assert done.code == 0, done.err
        return [json.loads(done.out)[0]["probabilities"][name] for name in classifier.classes]

    def by_page(address: str) -> list[float]:
        page = browser.new_page()
        page.goto(address)
        expect(page.get_by_role("status")).to_have_text("Ready. Give it a picture.")
        shares = page.evaluate(ASK, text_of(file.read_bytes()))
        page.close()
        return shares

    found["command"] = by_command(finished_run, "--precision", "fp32")
    for kind, name in (("onnx", "x.onnx"), ("page-fp32", "x.html")):
        path = tmp_path / name
        done = thriftnet("export", finished_run, "--to", kind, "--tta", "-o", path)
        assert done.code == 0, done.err
    found["ONNX Runtime"] = by_command(tmp_path / "x.onnx")
    found["OpenVINO"] = by_command(tmp_path / "x.onnx", "--runtime", "openvino")
    found["page from disk"] = by_page((tmp_path / "x.html").as_uri())
    with live_service(classifier) as service:
        content = file.read_bytes()
        many = form(*[(f"{n}.png", plain((n, 99, 9))) for n in range(40)], ("a.png", content))
        answers = {
            "HTTP": service.predict(content).json["predictions"][0],
            "HTTP in company": service.predict(many, content_type=FORM).json["predictions"][40],
        }
        for name, each in answers.items():
            found[name] = [each["probabilities"][label] for label in classifier.classes]
        found["page of the service"] = by_page(service.url)
    for surface, shares in found.items():
        assert shares == pytest.approx(expected, abs=MOST), surface
