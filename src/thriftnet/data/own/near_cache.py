"""The cache of near-duplicates of decoded pictures."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thriftnet.data.near_duplicates.find import NearDuplicates, find_near_duplicates
from thriftnet.data.options import Fit
from thriftnet.data.own.decoded import DecodedPictures
from thriftnet.data.own.decoded_cache import Listed
from thriftnet.data.square import padded_off_centre
from thriftnet.digests import open_archive, seal_archive
from thriftnet.errors import DataError
from thriftnet.files import write_whole
from thriftnet.home import cache_folder
from thriftnet.phases import phase
from thriftnet.trust import for_this_user, why_distrusted

_VERSION = 2
"""Version of the search; a change invalidates the cache."""
_SIZE = 32
_WORTH_SAYING, _WORTH_KEEPING = 20_000, 1_000
"""Numbers of pictures from which the search is announced, and cached."""


def near_duplicate_groups(
    listed: Listed, pictures: DecodedPictures, *, fit: Fit, say: Callable[[str], None]
) -> NDArray[np.int64]:
    """(N,) group of near-duplicates of each decoded picture.

    The search always uses 32 pixels and the automatic fit, independent of the recipe, so that runs
    at different sizes have the same test split and are comparable.

    Args:
        listed: The pictures.
        pictures: As decoded for the recipe.
        fit: How they were made square.
        say: Called before long computations.
    """
    auto = listed.auto[0]
    if pictures.images.shape[1] == _SIZE and fit == auto:
        return cached_near_duplicates(pictures, fit=fit, say=say).groups
    path = _path("groups", auto, pictures)
    kept = _read(path, ("groups",), len(pictures.at))
    if kept is not None:
        return kept["groups"]
    small = listed.decoded(size=_SIZE, fit=auto, say=say)
    found = cached_near_duplicates(small, fit=auto, say=say)
    numbers = np.arange(len(listed.index.entries)) + len(small.at)  # own group if unreadable
    numbers[small.at] = found.groups
    groups = numbers[pictures.at]
    _save(path, {"groups": groups}, say)
    return groups


def cached_near_duplicates(
    pictures: DecodedPictures, *, fit: Fit, say: Callable[[str], None]
) -> NearDuplicates:
    """The near-duplicates among pictures, from the cache if possible.

    Args:
        pictures: Decoded pictures.
        fit: How they were made square.
        say: Called before a long search.
    """
    count = len(pictures.images)
    path = _path("pairs", fit, pictures)
    names = tuple(each.name for each in fields(NearDuplicates))
    kept = _read(path, names, count)
    if kept is not None:
        return NearDuplicates(**kept)
    if count >= _WORTH_SAYING:
        say(f"looking for near-duplicates among {count:,} pictures, once")
    with phase("comparing each picture with the others"):
        off_centre = None
        if fit == "pad":
            off_centre = padded_off_centre(pictures.sizes, pictures.images.shape[1])
        found = find_near_duplicates(pictures.images, off_centre=off_centre)
    _save(path, {name: getattr(found, name) for name in names}, say)
    return found


def _path(kind: str, fit: Fit, pictures: DecodedPictures) -> Path | None:
    """Path of the cached result; None if it is not worth caching, or not safe."""
    if len(pictures.at) < _WORTH_KEEPING:
        return None
    key = hashlib.sha256(f"{_VERSION} {kind} {fit} {pictures.images.shape[1:]}".encode())
    key.update(pictures.digests.tobytes())
    path = cache_folder() / "near_duplicates" / f"{key.hexdigest()[:32]}.npz"
    return None if why_distrusted(path, cache_folder()) else path


def _read(path: Path | None, names: tuple[str, ...], count: int) -> dict[str, Any] | None:
    """The cached arrays; None if there are none or they are damaged."""
    try:
        if path is not None:
            content = io.BytesIO(open_archive(path.read_bytes()))
            with np.load(content, allow_pickle=False) as archive:
                found = {name: archive[name] for name in names}
            return found if len(found["groups"]) == count else None
    except (OSError, ValueError, KeyError):  # missing, damaged, or of another version
        pass
    return None


def _save(path: Path | None, arrays: dict[str, Any], say: Callable[[str], None]) -> None:
    if path is None:
        return
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    try:
        with for_this_user():
            write_whole(path, seal_archive(content.getvalue()), error=DataError)
    except DataError as fault:
        say(f"near-duplicates are not cached: {fault}")
