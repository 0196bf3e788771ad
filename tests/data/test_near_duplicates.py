import io
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

from thriftnet.data import Dataset
from thriftnet.data.near_duplicates.find import (
    MAX_BITS,
    MIN_SIMILARITY,
    NearDuplicates,
    connected_groups,
    find_near_duplicates,
    pair_fingerprints,
)
from thriftnet.data.near_duplicates.fingerprints import Fingerprints, fingerprints

Picture = NDArray[np.uint8]


@pytest.fixture(scope="module")
def photos(cifar10: tuple[Dataset, Dataset]) -> Picture:
    return np.array(cifar10[1].images[:300])


def resized(picture: Picture, height: int, width: int) -> Picture:
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BICUBIC))


def saved_as_jpeg(picture: Picture) -> Picture:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=50)
    return np.asarray(Image.open(file))


def brighter(picture: Picture) -> Picture:
    return np.asarray(ImageEnhance.Brightness(Image.fromarray(picture)).enhance(1.2))


def tinted(picture: Picture) -> Picture:
    return (picture * np.array([0.9, 1.0, 0.8])).astype(np.uint8)


def cropped(picture: Picture) -> Picture:
    return resized(picture[1:-1, 1:-1], 32, 32)


def as_found(found: NearDuplicates) -> set[tuple[int, int, bool]]:
    return {(a, b, bool(m)) for (a, b), m in zip(found.pairs.tolist(), found.mirrored, strict=True)}


@pytest.mark.parametrize("change", [saved_as_jpeg, brighter, tinted, cropped])
@pytest.mark.parametrize("mirrored", [False, True])
def test_changed_pictures_are_found_and_others_are_not(
    photos: Picture, change: Callable[[Picture], Picture], mirrored: bool
) -> None:
    found = find_near_duplicates(photos)
    assert len(found.pairs) == 0

    changed = np.stack([change(photo) for photo in photos])
    if mirrored:
        changed = changed[:, :, ::-1]
    found = find_near_duplicates(np.concatenate([photos, changed]))

    true = found.pairs[:, 1] - found.pairs[:, 0] == len(photos)
    assert true.all()
    assert true.sum() >= (0.65 if change is cropped else 0.85) * len(photos)
    assert (found.mirrored == mirrored).mean() > 0.97  # some pictures are their own mirror image
    assert not found.copies.any()


@pytest.mark.parametrize(("height", "width"), [(8, 8), (28, 28), (45, 70), (128, 96)])
def test_pictures_of_any_size(photos: Picture, height: int, width: int) -> None:
    some = np.stack([resized(photo, height, width) for photo in photos[:40]])
    found = find_near_duplicates(np.concatenate([some, np.stack(list(map(brighter, some)))]))
    twins = {(a, b) for a, b in found.pairs.tolist() if b - a == 40}
    assert len(twins) >= 34
    assert len(found.pairs) - len(twins) <= 2


def test_every_pair_that_plain_python_finds(photos: Picture) -> None:
    """Enough pictures for several blocks, and hashes near enough for thousands of candidates."""
    random = np.random.default_rng(0)
    centres = random.integers(0, 2**63, 400, dtype=np.uint64)
    hashes = np.repeat(centres, 12)
    for _ in range(5):
        hashes ^= np.uint64(1) << random.integers(0, 64, len(hashes), dtype=np.uint64)
    one_and_its_mirror = photos[:1] // 2 + photos[:1, :, ::-1] // 2
    alike = np.resize(fingerprints(one_and_its_mirror).thumbnails, (len(hashes), 16, 16))
    prints = Fingerprints(hashes, ~hashes, alike, np.arange(len(hashes)))

    plain = hashes.tolist()
    expected = {
        (a, b, False)
        for a in range(len(plain))
        for b in range(a + 1, min(len(plain), (a // 12 + 1) * 12))
        if (plain[a] ^ plain[b]).bit_count() <= MAX_BITS
    }
    assert 10_000 < len(expected) < 20_000
    assert as_found(pair_fingerprints(prints)) == expected

    everywhere = Fingerprints(hashes[::6], hashes[::-6], alike[::6], np.arange(len(plain) // 6))
    one, other = plain[::6], plain[::-6]
    expected = {
        (a, b, mirrored)
        for mirrored, others in ((True, other), (False, one))
        for a in range(len(one))
        for b in range(a + 1, len(one))
        if (one[a] ^ others[b]).bit_count() <= MAX_BITS
    }
    found = as_found(pair_fingerprints(everywhere))
    assert {(a, b) for a, b, _ in found} == {(a, b) for a, b, _ in expected}


def test_a_hash_is_the_dct_of_the_grey_picture(photos: Picture) -> None:
    from scipy.fft import dctn

    grey = photos[0] @ np.array([0.299, 0.587, 0.114])
    low = dctn(grey, norm="ortho")[:8, :8].ravel()
    bits = np.unpackbits(fingerprints(photos[:1]).hashes.view(np.uint8))
    assert bits.tolist() == (low > np.median(low) + 0.01).astype(int).tolist()
    mirror = fingerprints(photos[:50, :, ::-1])
    assert np.array_equal(mirror.hashes, fingerprints(photos[:50]).mirrored)


def test_copies_are_told_from_near_duplicates(photos: Picture) -> None:
    pictures = np.stack([photos[0], photos[1], photos[0], brighter(photos[0]), photos[0]])
    found = find_near_duplicates(pictures)
    assert found.pairs[found.copies].tolist() == [[0, 2], [0, 4]]
    assert found.pairs[~found.copies].tolist() == [[0, 3]]
    assert found.groups.tolist() == [0, 1, 0, 0, 0]
    assert (found.similarity >= MIN_SIMILARITY).all()


def test_flat_pictures_are_near_duplicates_of_their_copies_only() -> None:
    levels = np.array([0, 0, 128, 129, 255], dtype=np.uint8)
    flat = np.broadcast_to(levels[:, None, None, None], (5, 32, 32, 3))
    assert find_near_duplicates(flat).pairs.tolist() == [[0, 1]]


def test_frames_of_one_film_are_one_group_without_all_their_pairs(photos: Picture) -> None:
    random = np.random.default_rng(0)
    noise = random.integers(-3, 4, (2000, 32, 32, 3))
    frames = np.clip(photos[3].astype(int) + noise, 0, 255).astype(np.uint8)
    found = find_near_duplicates(np.concatenate([frames, photos[10:12]]))
    assert np.bincount(found.groups).tolist() == [2000, 1, 1]
    assert len(found.pairs) < 1_200_000  # of 2 million


def test_where_unrelated_pictures_look_alike_only_sure_pairs_count(photos: Picture) -> None:
    """Pictures of one outline, as a catalogue of clothes has it, and ten copies."""
    prints = fingerprints(photos)
    random = np.random.default_rng(0)
    outline = random.normal(0, 60, (1, 16, 16))
    grey = np.clip(128 + outline + random.normal(0, 22, (400, 16, 16)), 0, 255)
    saved_again = np.clip(grey[:10] + random.normal(0, 2, (10, 16, 16)), 0, 255)
    thumbnails = np.concatenate([grey, saved_again]).astype(np.uint8)
    count = len(thumbnails)
    same = np.broadcast_to(prints.hashes[:1], count)
    found = pair_fingerprints(Fingerprints(same, ~same, thumbnails, np.arange(count)))
    assert found.pairs.tolist() == [[at, 400 + at] for at in range(10)]


def test_without_pictures_and_with_one(photos: Picture) -> None:
    for count in (0, 1):
        found = find_near_duplicates(photos[:count])
        assert found.pairs.shape == (0, 2)
        assert len(found.groups) == count


def test_groups_are_numbered_by_their_first_members() -> None:
    pairs = np.array([[1, 4], [0, 5], [4, 3]])
    assert connected_groups(6, pairs).tolist() == [0, 1, 2, 1, 1, 0]
