"""Pictures over HTTP: raw, in forms, in JSON, one or many."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

import thriftnet
from channels import COLOURS, colour_classifier
from live_service import FORM, LiveService, form, live_service, plain
from own_pictures import encoded
from thriftnet.inference.classifier import Classifier


def test_one_picture_as_it_is(service: LiveService) -> None:
    answer = service.predict(plain(COLOURS["green"]))
    (found,) = answer.json["predictions"]
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert (found["name"], found["label"], found["index"]) == ("picture 1", "green", 1)
    assert list(found["probabilities"]) == ["green", "red", "blue"]
    assert found["probability"] == found["probabilities"]["green"]


@pytest.mark.parametrize("kind", ["image/jpeg", "application/octet-stream", "IMAGE/PNG; a=b", ""])
def test_content_decides_what_a_picture_is(service: LiveService, kind: str) -> None:
    assert service.predict(plain(), content_type=kind).status == 200


def test_a_body_of_unknown_length(service: LiveService) -> None:
    content = plain()

    def pieces() -> Iterator[bytes]:
        yield content[:20]
        yield content[20:]

    answer = service.predict(pieces())
    assert answer.json["predictions"][0]["label"] == "red"
    too_long = service.predict(iter([b"\0" * 2**18] * 8))
    assert too_long.status == 413
    assert too_long.json["status"] == 413


def test_many_pictures_in_a_form_and_in_json(service: LiveService) -> None:
    pictures = [(f"{name}.png", plain(colour)) for name, colour in COLOURS.items()]
    by_form = service.predict(form(*pictures), content_type=FORM)
    listed = [{"name": n, "data": base64.b64encode(c).decode()} for n, c in pictures]
    by_json = service.predict(
        json.dumps({"pictures": listed}).encode(), content_type="application/json"
    )
    assert by_form.json == by_json.json
    found = by_form.json["predictions"]
    assert [each["name"] for each in found] == ["red.png", "green.png", "blue.png"]
    assert [each["label"] for each in found] == ["red", "green", "blue"]


@pytest.mark.parametrize(
    ("picture", "label"),
    [
        (encoded(Image.new("CMYK", (40, 40), (0, 255, 255, 0)), "JPEG"), "red"),
        (encoded(Image.new("RGBA", (40, 40), (0, 250, 0, 200))), "green"),
        (encoded(Image.new("I;16", (40, 40), 40_000)), None),
        (plain(COLOURS["blue"], (1, 1)), "blue"),
        (plain(COLOURS["blue"], (20_000, 1)), "blue"),
        (plain(COLOURS["blue"], (1, 20_000)), "blue"),
    ],
    ids=["cmyk", "alpha", "16 bits", "1x1", "20000x1", "1x20000"],
)
def test_odd_pictures_are_pictures(service: LiveService, picture: bytes, label: str | None) -> None:
    answer = service.predict(picture)
    assert answer.status == 200, answer.content
    assert label in (None, answer.json["predictions"][0]["label"])


def test_many_clients_get_each_their_own_answer(service: LiveService) -> None:
    colours = [(number % 250, 250 - number % 250, 0) for number in range(64)]
    expected = [each.label for each in colour_classifier().predict([plain(c) for c in colours])]

    def ask(number: int) -> list[str]:
        some = [colours[(number + step) % 64] for step in range(5)]
        parts = [(f"{step}.png", plain(colour)) for step, colour in enumerate(some)]
        answer = service.predict(form(*parts), content_type=FORM)
        return [each["label"] for each in answer.json["predictions"]]

    with ThreadPoolExecutor(16) as pool:
        for number, labels in enumerate(pool.map(ask, range(64))):
            assert labels == [expected[(number + step) % 64] for step in range(5)]


@pytest.fixture(scope="module")
def quick() -> Classifier:
    return thriftnet.load_model("quick", precision="fp32")


def test_one_picture_one_answer(quick: Classifier, tmp_path: Path) -> None:
    """Through Python, the command and HTTP, alone and in company, at the same views."""
    from typer.testing import CliRunner

    from thriftnet.cli import app

    file = tmp_path / "photo.jpg"
    picture = Image.effect_mandelbrot((300, 200), (-2, -1, 1, 1), 60).convert("RGB")
    picture.save(file, quality=90)
    content = file.read_bytes()
    (by_python,) = quick.predict(file)
    output = (
        CliRunner()
        .invoke(app, ["predict", "quick", str(file), "--json", "--precision", "fp32"])
        .output
    )
    answers = [by_python.probabilities, json.loads(output)[0]["probabilities"]]
    with live_service(quick) as service:
        answers.append(service.predict(content).json["predictions"][0]["probabilities"])
        many = form(*[(f"{n}.png", plain((n, 99, 9))) for n in range(40)], ("a.jpg", content))
        answers.append(
            service.predict(many, content_type=FORM).json["predictions"][40]["probabilities"]
        )
        assert service.ask("GET", "/v1/model").json["preprocessing"]["tta"] == "flip_shift"
    for answer in answers:
        assert answer == pytest.approx(by_python.probabilities, abs=1e-4)


def test_activation_says_where(quick: Classifier) -> None:
    content = encoded(Image.effect_mandelbrot((64, 64), (-2, -1, 1, 1), 60).convert("RGB"))
    with live_service(quick) as service:
        found = service.predict(content, "/v1/predict?activation=true").json["predictions"][0]
        assert "activation" not in service.predict(content).json["predictions"][0]
        two = service.predict(
            form(("a", content), ("b", content)), "/v1/predict?activation=1", content_type=FORM
        )
        assert (two.status, two.json["detail"][:35]) == (
            400,
            "activation maps are for one picture",
        )
    grid, size = found["activation"]["grid"], found["activation"]["size"]
    assert [len(row) for row in grid] == [3, 3, 3]
    assert len(base64.b64decode(found["activation"]["pixels"])) == size * size * 3
