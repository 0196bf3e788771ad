"""No flipped bit in the cache of pictures changes what is read, or ends the reading."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from own_pictures import picture, put
from thriftnet.data.options import DatasetSpec
from thriftnet.data.own import decoded_cache, near_cache
from thriftnet.data.registry import open_dataset

FLIPS = 150


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(near_cache, "_WORTH_KEEPING", 1)
    folder = put(tmp_path / "photos", {"cat": 6, "dog": 6})
    picture("cat", 1).save(folder / "cat" / "again.png")
    (folder / "cat" / "torn.png").write_text("no picture")
    open_dataset(DatasetSpec(source=folder), say=lambda _: None).split("train")
    return folder


def flipped(path: Path) -> list[int]:
    """Bits to flip, one at a time."""
    bits = np.random.default_rng(0).integers(8 * path.stat().st_size, size=FLIPS)
    return sorted(set(bits.tolist()))


def flip(content: bytes, bit: int) -> bytes:
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@pytest.mark.usefixtures("photos")
def test_of_near_duplicates(own_cache: Path):
    (path,) = (own_cache / "near_duplicates").glob("*.npz")
    names = ("pairs", "similarity", "mirrored", "copies", "groups")
    written, content = near_cache._read(path, names, 13), path.read_bytes()
    assert written is not None
    for bit in flipped(path):
        path.write_bytes(flip(content, bit))
        found = near_cache._read(path, names, 13)
        assert found is None or all(np.array_equal(found[n], written[n]) for n in names), bit


@pytest.mark.usefixtures("photos")
@pytest.mark.parametrize("file", ["facts.npz", "about.json"])
def test_of_decoded_pictures(own_cache: Path, file: str):
    (folder,) = [each for each in (own_cache / "pictures").iterdir() if each.is_dir()]
    path, content = folder / file, (folder / file).read_bytes()
    written = decoded_cache._read(folder, 32, lambda _: None)
    auto = decoded_cache.remembered_fit(folder.name.partition("-")[2])
    assert written is not None
    assert len(written.omissions) == 1
    told: list[str] = []
    for bit in flipped(path):
        path.write_bytes(flip(content, bit))
        found = decoded_cache._read(folder, 32, told.append)
        known = decoded_cache.remembered_fit(folder.name.partition("-")[2])
        assert known in (auto, None), bit
        if found is not None:
            assert found.omissions == written.omissions, bit
            for name in ("images", "at", "sizes", "sums", "digests"):
                assert np.array_equal(getattr(found, name), getattr(written, name)), bit
    assert len(told) > FLIPS // 3
