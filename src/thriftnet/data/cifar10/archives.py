"""Reads archives and folders into memory; nothing is unpacked to disk."""

import tarfile
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Self

from thriftnet.data.cifar10.formats import MEMBER_NAMES
from thriftnet.errors import DataError

# Twice the largest true member (a batch in the Python layout is 31 MB).
_MAX_MEMBER_BYTES = 64 * 2**20
# A member's extended header holds its name and may claim any length.
_MAX_HEADER_BYTES = 2**20
# Archives unpack to some 190 MB; a decompression bomb of a few kilobytes could take hours.
_MAX_UNPACKED_BYTES = 2**30
_MAX_MEMBERS = 10_000


class _Member(tarfile.TarInfo):
    """Refuses long headers before `tarfile` reads them into memory."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        member = super().frombuf(buf, encoding, errors)
        if member.type in _HEADER_TYPES and member.size > _MAX_HEADER_BYTES:
            raise DataError(f"a header of {member.size} bytes")
        return member


_HEADER_TYPES = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)


def read_archive(
    archive: Path | bytes,
    *,
    origin: str,
    names: frozenset[str] = MEMBER_NAMES,
    most: int = _MAX_MEMBER_BYTES,
) -> dict[str, bytes]:
    """Reads the batches in a tar archive, compressed or not, by their file names.

    Members are recognised by the last part of their name and read in memory, so a name such as
    `../../etc/passwd` has no meaning here.

    Args:
        archive: a path, or the whole archive.
        origin: where it came from, for the message.
        names: of the files that are read.
        most: bytes of one of them.

    Raises:
        DataError: the archive is truncated or no archive, or a member, a header or the whole is
            absurdly large.
    """
    found: dict[str, bytes] = {}
    try:
        source = BytesIO(archive) if isinstance(archive, bytes) else archive.open("rb")
        with source, tarfile.open(fileobj=source, tarinfo=_Member) as tar:
            for count, member in enumerate(tar, start=1):
                if member.offset_data + member.size > _MAX_UNPACKED_BYTES or count > _MAX_MEMBERS:
                    raise DataError("more than archives of CIFAR-10 do")
                name = PurePosixPath(member.name).name
                if name not in names or not member.isfile():
                    continue
                if member.size > most:
                    raise DataError(f"{name} of {member.size} bytes")
                stream = tar.extractfile(member)
                found[name] = stream.read() if stream else b""
    except DataError as fault:
        raise DataError(f"{origin} holds {fault}; get a fresh copy") from None
    # Besides its own errors, the reader lets others out of damaged headers (ValueError, KeyError).
    except Exception as fault:
        reason = str(fault).partition("\n")[0]  # tarfile adds a line for every compression it tried
        raise DataError(
            f"{origin} is truncated or not an archive ({reason.rstrip(':')}); get a fresh copy"
        ) from None
    return found


def read_folder_files(folder: Path) -> dict[str, bytes]:
    """Reads the batches that lie directly in a folder.

    Raises:
        DataError: a file cannot be read.
    """
    try:
        return {
            path.name: path.read_bytes()
            for path in sorted(folder.iterdir())
            if path.name in MEMBER_NAMES and path.is_file()
        }
    except OSError as fault:
        raise DataError(f"{fault.filename}: {fault.strerror}; give a folder you can read") from None
