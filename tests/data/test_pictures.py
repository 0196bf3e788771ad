"""Which files of a folder are pictures."""

import errno
import os
from pathlib import Path

import pytest
from PIL import Image

from thriftnet.data import image_files
from thriftnet.errors import DataError

HEIC = b"\0\0\0\x1cftypheic\0\0\0\0mif1heicmiaf"


def names_in(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in image_files(folder)]


def test_files_of_a_folder_in_natural_order(tmp_path: Path) -> None:
    names = ["10.png", "2.PNG", "b/1.jpg", "a/20.gif", "a/3.webp", "1.tiff"]
    others = [".hidden.png", "notes.txt", "a/._3.webp", "noextension"]
    for name in names + others:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    assert names_in(tmp_path) == ["1.tiff", "2.PNG", "10.png", "a/3.webp", "a/20.gif", "b/1.jpg"]


def test_pictures_that_cannot_be_read_are_not_left_out(tmp_path: Path) -> None:
    names = ["1.HEIC", "2.heif", "3.dng", "4.CR2", "5.psd", "6.svg", "7.pdf", "8.jxl", "9.avif"]
    for name in [*names, "clip.mov", "notes.txt", "IMG_1.AAE", "Thumbs.db", "table.csv"]:
        (tmp_path / name).touch()

    assert names_in(tmp_path) == names


def test_a_picture_is_told_by_its_bytes_too(tmp_path: Path) -> None:
    picture = Image.new("RGB", (8, 8))
    kinds = ["AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "TIFF", "WEBP", "DDS", "QOI"]
    for kind in kinds:
        picture.save(tmp_path / f"{kind}.part", kind)
    (tmp_path / "phone").write_bytes(HEIC)
    texts = {"words.txt": b"BMW, GIF and II* are words", "page.html": b"<html><svg></svg></html>"}
    for name, content in {**texts, "film.mp4": b"\0\0\0\x20ftypisom", "empty": b""}.items():
        (tmp_path / name).write_bytes(content)

    assert set(names_in(tmp_path)) == {"phone", *(f"{kind}.part" for kind in kinds)}


@pytest.mark.parametrize(
    "folder",
    [".ipynb_checkpoints", ".Trash-1000", ".thumbnails", ".git", "$RECYCLE.BIN", "@eaDir",
     "__MACOSX", "#recycle", "lost+found"],
)  # fmt: skip
def test_what_nobody_put_there_is_left_out(folder: str, tmp_path: Path) -> None:
    for name in ("1.jpg", f"{folder}/1.jpg", f"{folder}/files/2.jpg", f"below/{folder}/1.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()

    assert names_in(tmp_path) == ["1.jpg"]
    assert names_in(tmp_path / folder) == ["1.jpg", "files/2.jpg"]  # as it was asked for


def test_a_pipe_in_a_folder_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "1.png").touch()
    os.mkfifo(tmp_path / "2.png")
    os.mkfifo(tmp_path / "pipe")

    assert names_in(tmp_path) == ["1.png", "2.png"]  # whose reading says what it is


def test_a_folder_that_cannot_be_read_is_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its pictures would be missing from the answer without a word."""
    (tmp_path / "1.png").touch()
    (tmp_path / "locked").mkdir()
    scan = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("locked"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(DataError, match="locked: Permission denied; make it readable or move"):
        image_files(tmp_path)


def test_linked_folders_are_walked_once(tmp_path: Path) -> None:
    (tmp_path / "set" / "cats").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "1.png").touch()
    (tmp_path / "set" / "cats" / "round").symlink_to(tmp_path / "set")
    (tmp_path / "set" / "dogs").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "set" / "hounds").symlink_to(tmp_path / "elsewhere")

    assert image_files(tmp_path / "set") == [tmp_path / "set" / "dogs" / "1.png"]


def test_a_pipe_is_no_image(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(DataError, match="pipe is a pipe, socket or device; give an image"):
        image_files(tmp_path / "pipe")


def test_a_file_stands_for_itself_whatever_its_name(tmp_path: Path) -> None:
    (tmp_path / "picture").touch()

    assert image_files(str(tmp_path / "picture")) == [tmp_path / "picture"]


def test_folder_without_images(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()

    with pytest.raises(DataError, match="holds no images; give a folder"):
        image_files(tmp_path)


def test_path_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="absent does not exist; give an image"):
        image_files(tmp_path / "absent")
