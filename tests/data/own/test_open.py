"""Own pictures as a data set: decoded once, kept in the cache, known by their content."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from own_pictures import picture, put
from phases_shown import Shown
from thriftnet.data import read_image
from thriftnet.data.opened import OpenDataset
from thriftnet.data.options import DatasetSpec
from thriftnet.data.own import decoded_cache, decoding, near_cache
from thriftnet.data.own import open as open_module
from thriftnet.data.own.fit import choose_fit
from thriftnet.data.registry import open_dataset
from thriftnet.errors import DataError
from thriftnet.phases import show_phases


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    put(tmp_path / "photos" / "train", {"cat": 6, "dog": 5})
    put(tmp_path / "photos" / "test", {"cat": 2, "dog": 2}, start=90)
    return tmp_path / "photos"


def opened(path: Path, told: list[str] | None = None, **settings: object) -> OpenDataset:
    spec = DatasetSpec(source=path, **{"image_size": 16, **settings})
    return open_dataset(spec, say=[].append if told is None else told.append)


def test_pixels_labels_and_statistics(photos: Path) -> None:
    data = opened(photos)
    train = data.split("train")
    files = [photos / "train" / label / f"{n}.png" for label, c in (("cat", 6), ("dog", 5))
             for n in range(c)]  # fmt: skip
    assert np.array_equal(train.images, [read_image(file, size=16) for file in files])
    assert train.labels.tolist() == [0] * 6 + [1] * 5
    values = train.images / 255
    assert np.allclose(data.mean, values.mean((0, 1, 2)))
    assert np.allclose(data.std, values.std((0, 1, 2)))
    assert (data.classes, data.image_size, data.find("val")) == (("cat", "dog"), 16, None)
    with pytest.raises(DataError, match=r"has no val split \(only train, test\)"):
        data.split("val")


def test_decoded_once(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = opened(photos)

    def never(*_: object, **__: object) -> None:
        raise AssertionError("decoded again")

    monkeypatch.setattr(decoding, "decode_image", never)
    again = opened(photos)
    assert np.array_equal(first.split("test").images, again.split("test").images)
    assert isinstance(again.split("train").images.base, np.memmap | np.ndarray)
    assert not again.split("train").images.flags.writeable


def test_decoding_is_counted_where_that_is_shown_and_told_in_lines_elsewhere(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "_SAY_EVERY_SECONDS", -1.0)
    shown, told = Shown(), list[str]()
    with show_phases(shown):
        opened(photos, told, image_size=48)
    counted = [f"{done}/15" for done in range(1, 16)]
    assert shown.told == ["decoding pictures", *counted] * 2 + [
        "comparing each picture with the others"
    ]  # at the size of the comparison, too
    assert not any("decoded" in line for line in told)
    opened(photos, told, image_size=16)
    assert "decoded 0 of 15 pictures" in told


def test_a_second_start_looks_at_names_and_times_alone(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At any size: neither headers nor the pictures at 32 pixels are read again."""
    monkeypatch.setattr(near_cache, "_WORTH_KEEPING", 1)
    first = opened(photos, image_size=48)

    def never(*_: object, **__: object) -> None:
        raise AssertionError("read again")

    monkeypatch.setattr(open_module, "sample_sizes", never)
    monkeypatch.setattr(near_cache, "find_near_duplicates", never)
    small = decoded_cache.cache_folder() / "pictures"
    for place in small.glob("*/images.bin"):
        if place.stat().st_size == 15 * 32 * 32 * 3:
            place.unlink()
    again = opened(photos, image_size=48)
    assert again.digests() == first.digests()
    assert np.array_equal(again.split("test").images, first.split("test").images)


def test_the_digest_is_of_content_and_labels_wherever_they_lie(photos: Path) -> None:
    known = opened(photos).digests()
    shutil.copytree(photos, photos.parent / "elsewhere")
    os.utime(photos / "train" / "cat" / "0.png")
    assert opened(photos).digests() == opened(photos.parent / "elsewhere").digests() == known
    shutil.move(photos / "train" / "cat" / "0.png", photos / "train" / "dog" / "zero.png")
    moved = opened(photos).digests()
    picture("dog", 1000).save(photos / "test" / "dog" / "90.png")
    assert len({str(digest) for digest in (known, moved, opened(photos).digests())}) == 3


def test_what_changed_is_decoded_anew_and_the_old_removed(photos: Path, own_cache: Path) -> None:
    opened(photos)
    picture("dog", 1000).save(photos / "test" / "dog" / "90.png")
    found = opened(photos).split("test").images[2]
    assert np.array_equal(found, read_image(photos / "test" / "dog" / "90.png", size=16))
    folders = [p.name.split("-")[0] for p in (own_cache / "pictures").iterdir() if p.is_dir()]
    assert len(folders) == len(set(folders))  # one for each size


@pytest.mark.parametrize("file", ["images.bin", "facts.npz", "about.json"])
def test_a_damaged_cache_is_told_and_made_anew(photos: Path, own_cache: Path, file: str) -> None:
    wanted = opened(photos).split("train").images.copy()
    for place in (own_cache / "pictures").glob(f"*/{file}"):
        content = bytearray(place.read_bytes())
        content[len(content) // 2] ^= 0xFF
        place.write_bytes(content[:-3] if file == "about.json" else content)
    told: list[str] = []
    assert np.array_equal(opened(photos, told).split("train").images, wanted)
    assert any("is damaged" in line and "decoding the pictures again" in line for line in told)


def test_an_interrupted_decoding_is_told_and_started_again(
    photos: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:  # killed: nothing is tidied up
        patch.setattr(decoded_cache.shutil, "rmtree", lambda *_, **__: None)
        patch.setattr(decoded_cache.np, "savez", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            opened(photos)
    assert list((own_cache / "pictures").glob("*.part"))
    told: list[str] = []
    assert len(opened(photos, told).split("train")) == 11
    assert "an earlier decoding was interrupted; starting it again" in told
    assert not list((own_cache / "pictures").glob("*.part"))


def test_a_cache_that_others_can_write_is_not_used(photos: Path, own_cache: Path) -> None:
    (own_cache / "pictures").mkdir(parents=True)
    (own_cache / "pictures").chmod(0o777)
    told: list[str] = []
    assert len(opened(photos, told).split("train")) == 11
    assert "can be written by anybody, so the cache is not used" in told[0]
    assert not list((own_cache / "pictures").iterdir())


def test_a_full_disk(photos: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = decoded_cache.shutil.disk_usage(photos)
    monkeypatch.setattr(decoded_cache.shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(DataError, match=r"the disk of .* is full; free 1 MB there or set THRIFT"):
        opened(photos)
    assert [p for p in (own_cache / "pictures").iterdir() if p.is_dir()] == []


def test_a_file_that_changes_while_it_is_read(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy, real = photos / "train" / "cat" / "0.png", decoding.open_regular

    def shifted(path: Path):
        file = real(path)
        read = file.read

        class Wrapped:
            def __enter__(self):
                return self

            def __exit__(self, *_: object) -> None:
                file.close()

            def fileno(self) -> int:
                return file.fileno()

            def read(self, count: int) -> bytes:
                content = read(count)
                if path == busy:
                    with path.open("ab") as end:
                        end.write(b"more")
                return content

        return Wrapped()

    monkeypatch.setattr(decoding, "open_regular", shifted)
    (omission,) = opened(photos).omissions
    assert str(omission) == (
        "train/cat/0.png: changes while it is read; start again when it is complete"
    )


@pytest.mark.parametrize(
    ("sizes", "fit"),
    [
        ([(40, 40)] * 9, "crop"),
        ([(40, 30)] * 9 + [(100, 10)], "crop"),
        ([(30, 90)] * 9 + [(90, 90)], "squash"),
        ([(30, 90), (90, 30), (40, 40), (10, 50)], "pad"),
    ],
)
def test_squares_are_chosen_by_the_aspect_ratios(sizes: list[tuple[int, int]], fit: str) -> None:
    assert choose_fit(np.array(sizes))[0] == fit


def test_how_a_picture_becomes_square(tmp_path: Path) -> None:
    wide = picture("cat", 1, size=(64, 32))
    wide.paste((0, 0, 0), (0, 0, 8, 32))
    wide.save(tmp_path / "w.png")
    crop, pad, squash = (read_image(tmp_path / "w.png", size=32, fit=f) for f in
                         ("crop", "pad", "squash"))  # fmt: skip
    assert np.array_equal(crop, np.asarray(wide)[:, 16:48])
    assert (pad[:8] == 255).all()
    assert (pad[-8:] == 255).all()
    assert pad[16, :3].max() < 40
    assert squash[:, :3].max() < 40
    assert np.array_equal(squash[::2][4:12, 6:].shape, pad[8:24][:8, 6:].shape)
