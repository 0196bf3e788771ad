"""Fixtures of the data tests: the real data set in its various forms, and a cache to spoil."""

import contextlib
import hashlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local_mirror import Mirror
from official_layouts import BATCHES, Layouts, stored_png, write_tar
from thriftnet.data import CIFAR10_CLASSES, Dataset


@pytest.fixture(scope="session")
def layouts(cifar10: tuple[Dataset, Dataset]) -> Layouts:
    return Layouts(*cifar10)


@pytest.fixture(scope="session")
def big_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for whole data sets, emptied at the end: pytest would keep three of them."""
    folder = tmp_path_factory.mktemp("big")
    yield folder
    with contextlib.suppress(OSError):
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def archive(layouts: Layouts, big_folder: Path) -> Path:
    """`cifar-10-python.tar.gz` with the real content, though not the official compression."""
    files = layouts.files("py")
    return write_tar(big_folder / "cifar-10-python.tar.gz", files, folder="cifar-10-batches-py")


@pytest.fixture
def class_folder(layouts: Layouts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """DIR/train/frog/0_frog.png … as the usual exports have it, with 200 images a batch.

    The whole would be 60,000 files; so the size of a batch and the digests are made to fit.
    """
    digests: dict[str, str] = {}
    for number, batch in enumerate(BATCHES):
        images, labels = (part[:200] for part in layouts.batch(batch))
        digests[batch] = hashlib.md5(layouts.binary(batch)[: 200 * 3073]).hexdigest()
        split, start = ("test", 0) if batch == "test_batch" else ("train", 200 * number)
        for position, (image, label) in enumerate(zip(images, labels, strict=True), start=start):
            name = CIFAR10_CLASSES[label]
            path = tmp_path / "classes" / split / name / f"{position}_{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(stored_png(image))
    for module in ("official_folder", "verify"):
        monkeypatch.setattr(f"thriftnet.data.cifar10.{module}.BATCH_SIZE", 200)
        monkeypatch.setattr(f"thriftnet.data.cifar10.{module}.BATCH_MD5", digests)
    monkeypatch.setattr("thriftnet.data.cifar10.official_folder.TRAIN_SIZE", 1_000)
    monkeypatch.setattr("thriftnet.data.cifar10.official_folder.TEST_SIZE", 200)
    return tmp_path / "classes"


@pytest.fixture(autouse=True)
def leave_no_data_sets_behind(tmp_path: Path) -> Iterator[None]:
    """A whole data set is 184 MB, and pytest would keep those of three runs."""
    yield
    shutil.rmtree(tmp_path, ignore_errors=True)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the test's own; the place where its file will lie."""
    monkeypatch.setenv("THRIFTNET_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "cifar10" / "cifar10-v1.bin"


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """No mirrors and no npm."""
    monkeypatch.setattr("thriftnet.data.cifar10.facts.MIRRORS", ())
    monkeypatch.setattr("thriftnet.data.cifar10.load.npm_client", lambda: None)


@pytest.fixture
def said() -> list[str]:
    """What was said; pass `said.append` as `say`."""
    return []


@pytest.fixture
def serve() -> Iterator[Callable[..., Mirror]]:
    """Starts mirrors on this machine; arguments are those of `Mirror`."""
    mirrors: list[Mirror] = []

    def start(content: bytes, **faults: Any) -> Mirror:
        mirrors.append(Mirror(content, **faults))
        return mirrors[-1]

    yield start
    for mirror in mirrors:
        mirror.close()
