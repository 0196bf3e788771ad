"""Archives and folders as file names and bytes; nothing is ever unpacked to disk."""

import lzma
import tarfile
import zlib
from io import BytesIO
from pathlib import Path, PurePosixPath

from thriftnet.data.cifar10.formats import MEMBER_NAMES
from thriftnet.errors import DataError

# Twice the largest true member (a batch in the Python layout is 31 MB).
_MAX_MEMBER_BYTES = 64 * 2**20


def read_archive(archive: Path | bytes, *, origin: str) -> dict[str, bytes]:
    """Reads the batches in a tar archive, compressed or not, by their file names.

    Members are recognised by the last part of their name and read in memory, so a name such as
    `../../etc/passwd` has no meaning here.

    Args:
        archive: a path, or the whole archive.
        origin: where it came from, for the message.

    Raises:
        DataError: the archive is truncated or no archive, or a member is absurdly large.
    """
    found: dict[str, bytes] = {}
    try:
        source = BytesIO(archive) if isinstance(archive, bytes) else archive.open("rb")
        with source, tarfile.open(fileobj=source) as tar:
            for member in tar:
                name = PurePosixPath(member.name).name
                if name not in MEMBER_NAMES or not member.isfile():
                    continue
                if member.size > _MAX_MEMBER_BYTES:
                    raise DataError(f"{origin}: {name} is {member.size} bytes; get a fresh copy")
                stream = tar.extractfile(member)
                found[name] = stream.read() if stream else b""
    except (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, OSError) as fault:
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
