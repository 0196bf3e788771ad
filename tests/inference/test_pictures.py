"""Pictures of any kind, mixed, by one thread or several."""

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import thriftnet
from channels import COLOURS, colour_classifier
from own_pictures import encoded
from thriftnet.errors import ImageError
from thriftnet.inference.classifier import Classifier


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return colour_classifier()


def photograph(turned: bool = False) -> Image.Image:
    """80x60 pixels, red on the left and blue on the right, with a little of everything."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 60, (60, 80, 3), np.uint8)
    pixels[:, :40, 0] += 150
    pixels[:, 40:, 2] += 120
    picture = Image.fromarray(pixels)
    if turned:
        exif = Image.Exif()
        exif[0x0112] = 6
        picture.info["exif"] = exif.tobytes()
    return picture


def test_the_same_picture_in_any_form_has_the_same_answer(
    classifier: Classifier, tmp_path: Path
) -> None:
    picture = photograph()
    content, pixels = encoded(picture), np.asarray(picture)
    path = tmp_path / "a.png"
    path.write_bytes(content)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "b.png").write_bytes(content)
    chw = torch.from_numpy(pixels.copy()).permute(2, 0, 1)
    forms = [path, str(path), tmp_path / "folder", content, bytearray(content)]
    forms += [memoryview(content), picture, Image.open(path), pixels, pixels[:, ::-1][:, ::-1]]
    forms += [chw, chw.permute(1, 2, 0), chw.contiguous()]
    found = classifier.predict(forms)
    assert len(found) == len(forms)
    assert [each.probabilities for each in found] == [found[0].probabilities] * len(forms)
    assert [each.file for each in found[:4]] == [path, path, tmp_path / "folder" / "b.png", None]
    for form in forms:
        (alone,) = classifier.predict(form)
        assert alone.probabilities == pytest.approx(found[0].probabilities)
    grey = np.asarray(picture.convert("L"))
    assert classifier.predict(grey) == classifier.predict([Image.fromarray(grey)])


def test_pillows_pictures_are_read_as_their_files_are(classifier: Classifier, tmp_path: Path):
    """Turned by EXIF, of other modes, transparent: and the picture stays as it was."""
    turned, path = photograph(turned=True), tmp_path / "turned.jpg"
    turned.save(path, quality=95, exif=turned.info["exif"])
    clear = Image.new("RGBA", (40, 40), (255, 0, 0, 0))
    deep = Image.fromarray(np.full((40, 40), 40_000, np.uint16))
    for number, picture in enumerate([clear, deep, photograph().convert("P")]):
        picture.save(tmp_path / f"{number}.png")
    for file in sorted(tmp_path.iterdir()):
        with Image.open(file) as picture:
            before = picture.size, picture.mode
            ((found,), (expected,)) = classifier.predict(picture), classifier.predict(file)
            assert found.probabilities == expected.probabilities, file
            assert (picture.size, picture.mode) == before


def test_images_as_an_array_and_as_a_tensor(classifier: Classifier) -> None:
    images = np.random.default_rng(1).integers(0, 256, (5, 32, 32, 3), np.uint8)
    found = classifier.predict(torch.from_numpy(images).permute(0, 3, 1, 2))
    assert found == classifier.predict(images) == classifier.predict(list(images))
    assert thriftnet.predict(classifier, iter(images)) == found
    with pytest.raises(ValueError, match=r"images must be \(N, 3, H, W\) uint8, not \(5, 3, 32"):
        classifier.predict(torch.zeros(5, 3, 32, 32))
    with pytest.raises(ValueError, match="uint8; give pictures of other sizes as a list"):
        classifier.predict(images[:, :30, :30])
    with pytest.raises(ImageError, match=r"picture 1 is \(5, 32, 32\) uint8; give \(H, W, 3\)"):
        classifier.predict(images[..., 0])


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (torch.zeros(3, 8, 8), r"picture 2 is \(3, 8, 8\) torch.float32; give \(H, W, 3\) uint8"),
        (torch.zeros(3, 8, 8, dtype=torch.bfloat16), "torch.bfloat16"),
        (np.zeros((8, 8, 5), np.uint8), r"picture 2 is \(8, 8, 5\) uint8"),
        (np.zeros((0, 8, 3), np.uint8), r"picture 2 is \(0, 8, 3\) uint8"),
        (np.zeros((2, 8, 8, 3), np.uint8), r"picture 2 is \(2, 8, 8, 3\) uint8"),
        (17, "picture 2 is a int; give a path, bytes, a Pillow image or uint8 pixels"),
        (None, "picture 2 is a NoneType"),
        (b"", "picture 2 is an empty file"),
        (b"no picture", "picture 2 cannot be read as an image"),
        (Image.new("F", (8, 8)), "picture 2 has values of unknown range"),
        (Path("nowhere.png"), "nowhere.png does not exist"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else type(value).__name__,
)
def test_what_is_no_picture_is_named(classifier: Classifier, wrong: Any, told: str) -> None:
    with pytest.raises(ImageError, match=told):
        classifier.predict([photograph(), wrong])
    good, bad = classifier.stream([photograph(), wrong])
    assert good.prediction
    assert bad.prediction is None
    assert bad.error


def test_several_threads_use_one_network(classifier: Classifier) -> None:
    contents = [encoded(Image.new("RGB", (50, 50), colour), "JPEG") for colour in COLOURS.values()]
    together = threading.Barrier(8)

    def some(_: int) -> list[str]:
        together.wait()
        return [each.label for each in classifier.predict(contents * 5)]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(some, range(8))) == [list(COLOURS) * 5] * 8


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_one_pillow_picture_is_used_by_several_threads(classifier: Classifier, kind: str) -> None:
    """Pillow reads its file at the first use, which is that of several threads at once."""
    pixels = np.random.default_rng(2).integers(0, 256, (500, 700, 3), np.uint8)
    content = encoded(Image.fromarray(pixels), kind)
    with ThreadPoolExecutor(6) as pool:
        for _ in range(4):
            picture = Image.open(io.BytesIO(content))
            listed = classifier.predict([picture] * 6)
            assert listed == [listed[0]] * 6
            picture = Image.open(io.BytesIO(content))
            apart = list(pool.map(classifier.predict, [picture] * 6))
            assert apart == [apart[0]] * 6
