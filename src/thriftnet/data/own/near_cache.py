"""Near-duplicates of decoded pictures, found once."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from thriftnet.data.index import Index
from thriftnet.data.near_duplicates.find import NearDuplicates, find_near_duplicates
from thriftnet.data.options import Fit
from thriftnet.data.own.decoded import DecodedPictures
from thriftnet.data.own.decoded_cache import decoded
from thriftnet.data.own.fit import choose_fit, sample_sizes
from thriftnet.errors import DataError
from thriftnet.files import write_whole
from thriftnet.home import cache_folder
from thriftnet.trust import why_distrusted

_VERSION = 1
"""Of what counts as a near-duplicate; a change searches all anew."""
_SIZE = 32
_WORTH_SAYING, _WORTH_KEEPING = 20_000, 1_000
"""Pictures from which the search takes seconds, and a noticeable time."""


def near_duplicate_groups(
    index: Index, pictures: DecodedPictures, *, given: Path, say: Callable[[str], None]
) -> NDArray[np.int64]:
    """(N,) a number for each decoded picture; those that show the same have the same.

    The search is among the pictures at 32 pixels, cropped or padded as their aspect ratios suggest,
    whatever a recipe wants: two runs at two sizes have the same test split, and can be compared.

    Args:
        index: Of the pictures.
        pictures: As they were decoded for the recipe.
        given: The path that the user named.
        say: Told, a line at a time, what takes a while.
    """
    fit, _ = choose_fit(sample_sizes(index))
    small = decoded(index, size=_SIZE, fit=fit, given=given, say=say)
    found = cached_near_duplicates(small, fit=fit, say=say)
    numbers = np.arange(len(index.entries)) + len(small.at)  # each alone, if unreadable at 32
    numbers[small.at] = found.groups
    return numbers[pictures.at]


def cached_near_duplicates(
    pictures: DecodedPictures, *, fit: Fit, say: Callable[[str], None]
) -> NearDuplicates:
    """The near-duplicates among pictures, from the cache if they were searched before.

    Args:
        pictures: As they were decoded.
        fit: How they became square: other pixels have other near-duplicates.
        say: Told when the search takes a while.
    """
    count, folder = len(pictures.images), cache_folder() / "near_duplicates"
    if count < _WORTH_KEEPING or why_distrusted(folder, cache_folder()):
        return find_near_duplicates(pictures.images)
    key = hashlib.sha256(f"{_VERSION} {fit} {pictures.images.shape}".encode())
    key.update(pictures.digests.tobytes())
    path = folder / f"{key.hexdigest()[:32]}.npz"
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            found = NearDuplicates(**archive)
        if len(found.groups) == count:
            return found
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile):
        pass  # none yet, or damaged: searched anew
    if count >= _WORTH_SAYING:
        say(f"looking for near-duplicates among {count:,} pictures, once")
    found = find_near_duplicates(pictures.images)
    content = io.BytesIO()
    np.savez_compressed(content, **{each.name: getattr(found, each.name) for each in fields(found)})
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(path, content.getvalue(), error=DataError)
    except (OSError, DataError) as fault:
        say(f"near-duplicates are not kept: {fault}")
    return found
