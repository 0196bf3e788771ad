"""Every kind of picture that Pillow opens, as a person sees it or refused by name."""

import io
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from support.picture_made import made_cases
from support.picture_saved import saved_cases
from support.picture_scene import Case
from thriftnet.data import read_image
from thriftnet.data.decode import Decoded, decode_image, decode_picture
from thriftnet.errors import ImageError
from thriftnet.runtime.silence import silent_pillow


def wrong(cases: Iterable[Case], folder: Path) -> list[str]:
    """What is not read as it shows, or not refused for its reason."""
    found: list[str] = []
    for case in cases:
        path = folder / case.name
        path.write_bytes(case.content)
        try:
            shown = read_image(path, size=None)
        except ImageError as fault:
            if not isinstance(case.expected, str) or case.expected not in str(fault):
                found.append(f"{case.name}: {fault}")
            continue
        if isinstance(case.expected, str):
            found.append(f"{case.name} is read, and should not be")
        elif shown.shape != case.expected.shape:
            found.append(f"{case.name} is {shown.shape}, not {case.expected.shape}")
        elif (off := np.abs(shown - case.expected).mean()) > case.tolerance:
            found.append(f"{case.name} is off by {off:.1f}")
    return found


def test_files_made_by_hand_are_read_as_they_show(tmp_path: Path) -> None:
    cases = list(made_cases())
    assert len(cases) > 140
    assert wrong(cases, tmp_path) == []


def test_what_pillow_saves_is_read_as_it_shows(tmp_path: Path) -> None:
    cases = list(saved_cases())
    assert len(cases) > 140
    assert {case.name.rsplit(".", 1)[-1] for case in cases} >= {
        "avif", "bmp", "dds", "gif", "ico", "jp2", "jpg", "mpo", "pcx", "png", "qoi", "tga", "tif",
        "webp",
    }  # fmt: skip
    assert wrong(cases, tmp_path) == []


def test_pictures_that_pillow_opened_are_read_as_their_files() -> None:
    """Also what only the file's header tells, as how many bits its transparent colour has."""

    def outcome(read: Callable[..., Decoded], what: object, name: str) -> object:
        try:
            return read(what, name=name, size=16, fit="crop").pixels.tolist()
        except ImageError as fault:
            return str(fault)

    compared = 0
    with silent_pillow():
        for case in [*made_cases(), *saved_cases()]:
            name, content = case.name, case.content
            if name.startswith("frames."):
                continue
            try:
                picture = Image.open(io.BytesIO(content))
            except (UnidentifiedImageError, OSError, ValueError):
                continue
            file, opened = (
                outcome(decode_image, content, name),
                outcome(decode_picture, picture, name),
            )
            assert opened == file, name
            compared += 1
    assert compared > 300


def test_a_torn_file_is_never_read_as_another_picture() -> None:
    """Cut by a byte, twenty, or a part: it is refused, or nothing that shows is missing."""

    def read(content: bytes, name: str) -> Decoded | None:
        try:
            return decode_image(content, name=name, size=16, fit="squash")
        except ImageError:
            return None

    found: list[str] = []
    with silent_pillow():
        for case in [*made_cases(), *saved_cases()]:
            whole, length = read(case.content, case.name), len(case.content)
            for kept in (length - 1, length - 20, length * 3 // 4) if whole else ():
                torn = read(case.content[:kept], case.name)
                if torn and np.abs(torn.pixels.astype(int) - whole.pixels).mean() > 1:
                    found.append(f"{case.name} without {length - kept} bytes")
    assert found == []
