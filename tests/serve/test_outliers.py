"""The test for outliers over HTTP: the verdicts of `predict`, and its words."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from calibrated_models import model
from commands import in_this_process
from live_service import FORM, LiveService, form, live_service
from outlier_models import grey, save_fitted, smooth
from own_pictures import encoded
from thriftnet.inference.classifier import Classifier, load_model
from thriftnet.models.saved import save_model

PIXELS = np.concatenate([smooth(60, seed=2), grey(20)])
PICTURES = [(f"{at}.png", encoded(Image.fromarray(each))) for at, each in enumerate(PIXELS)]


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_fitted(tmp_path_factory.mktemp("models") / "m.safetensors")


@pytest.fixture(scope="module")
def tested(fitted: Path) -> Classifier:
    return load_model(fitted, device="cpu", precision="fp32", reject_outliers=0.05)


@pytest.fixture(scope="module")
def testing(tested: Classifier) -> Iterator[LiveService]:
    with live_service(tested) as found:
        yield found


def test_verdicts_are_those_of_predict(tested: Classifier, testing: LiveService) -> None:
    """Alone, in company, and from several clients at once."""
    expected = [each.to_json() for each in tested.predict([content for _, content in PICTURES])]
    verdicts = [each["outlier"] for each in expected]
    assert 20 <= sum(verdicts) < 30
    together = testing.predict(form(*PICTURES), content_type=FORM).json["predictions"]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(testing.predict, (content for _, content in PICTURES)))
    alone = [each.json["predictions"][0] for each in answers]
    for found in (together, alone):
        for name in ("outlier", "label", "index"):
            assert [each[name] for each in found] == [each[name] for each in expected]
    assert {each["label"] for each in together if each["outlier"]} == {None}
    assert testing.ask("GET", "/v1/model").json["reject_outliers"] == 0.05


def test_without_the_test_nothing_is_said_of_outliers(service: LiveService) -> None:
    assert "outlier" not in service.predict(PICTURES[-1][1]).json["predictions"][0]
    assert service.ask("GET", "/v1/model").json["reject_outliers"] is None


def test_it_is_refused_by_the_line_of_predict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    thriftnet = in_this_process(monkeypatch, capsys)
    path, picture = tmp_path / "plain.safetensors", tmp_path / "p.png"
    save_model(path, model())
    picture.write_bytes(PICTURES[0][1])
    remedies = {"0.05": "run thriftnet calibrate", "2": "is not between 0 and 1; give 0.05"}
    for share, remedy in remedies.items():
        served = thriftnet("serve", path, "--port", "0", "--reject-outliers", share)
        asked = thriftnet("predict", path, picture, "--reject-outliers", share)
        assert (served.code, served.error_line) == (asked.code, asked.error_line)
        assert served.code == 2
        assert remedy in served.error_line


def test_the_page_says_outlier(browser: Browser, testing: LiveService, tmp_path: Path) -> None:
    picture = tmp_path / "grey.png"
    picture.write_bytes(PICTURES[-1][1])
    page = browser.new_page()
    try:
        page.goto(testing.url)
        page.locator("#files").set_input_files(picture)
        expect(page.locator(".verdict")).to_contain_text("Outlier; most probable: ")
        expect(page.get_by_role("status")).to_contain_text("grey.png: outlier; most probable: ")
        expect(page.get_by_text("are rejected as outliers")).to_contain_text("5% of the others")
    finally:
        page.close()
