"""Archives that would take the memory or the day."""

import gzip
import io
import tarfile
import tracemalloc
from pathlib import Path

import pytest

from thriftnet.data.cifar10.archives import read_archive
from thriftnet.errors import DataError


def header(name: str, size: int, kind: bytes) -> bytes:
    member = tarfile.TarInfo(name)
    member.size, member.type = size, kind
    return member.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize(
    "kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK]
)
def test_a_long_header_is_refused_before_it_is_read(tmp_path: Path, kind: bytes):
    path = tmp_path / "a.tar.gz"
    path.write_bytes(gzip.compress(header("x", 50_000_000, kind) + bytes(50_000_000), 1))
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="a.tar.gz holds a header of 50000000 bytes; get a"):
            read_archive(path, origin="a.tar.gz")
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_an_archive_that_unpacks_for_hours_is_refused_at_once(tmp_path: Path):
    path = tmp_path / "a.tar"
    path.write_bytes(header("x", 2**33 - 1, tarfile.REGTYPE) + bytes(1024))
    with pytest.raises(DataError, match="holds more than archives of CIFAR-10 do"):
        read_archive(path, origin="a.tar")


def test_long_names_are_read(tmp_path: Path):
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        member = tarfile.TarInfo("é" * 150 + "/data_batch_1")
        member.size = 3
        tar.addfile(member, io.BytesIO(b"abc"))
    assert read_archive(path, origin="a.tar") == {"data_batch_1": b"abc"}


@pytest.mark.parametrize("at", range(0, 512, 7))
def test_a_damaged_header_is_one_line(tmp_path: Path, at: int):
    content = bytearray(header("data_batch_1", 3, tarfile.XHDTYPE) + b"9 a=b\n".ljust(1024, b"\0"))
    content[at] ^= 0xFF
    path = tmp_path / "a.tar"
    path.write_bytes(bytes(content))
    try:
        assert read_archive(path, origin="a.tar") == {}
    except DataError as fault:
        assert "get a fresh copy" in str(fault)  # noqa: PT017
