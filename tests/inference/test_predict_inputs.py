"""Predictions for what users point at: files, folders, and the unlabelled pickle."""

import itertools
import json
import os
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from channels import COLOURS, colour_classifier
from thriftnet.errors import DataError, RunError
from thriftnet.inference import inputs, stream
from thriftnet.inference.classifier import Classifier
from thriftnet.inference.inputs import find_pictures, predict_pickle, predict_pictures
from thriftnet.inference.prediction import PictureResult
from thriftnet.terminal.rows import print_json_rows, print_predictions, write_rows


@pytest.fixture
def classifier() -> Classifier:
    return colour_classifier()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures 1 to 3 in red, green and blue; a torn one; a text that says it is a picture."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, colour in enumerate(COLOURS.values(), start=1):
        Image.new("RGB", (40, 50), colour).save(folder / f"{number}.png")
    whole = (folder / "1.png").read_bytes()
    (folder / "4.png").write_bytes(whole[: len(whole) // 2])
    (folder / "5.jpg").write_text("no picture")
    (folder / "notes.txt").write_text("left alone")
    return folder


def named(classifier: Classifier, given: list[Path]) -> list[PictureResult]:
    return list(predict_pictures(classifier, find_pictures(given)))


def test_bad_pictures_do_not_keep_the_good_from_their_names(classifier: Classifier, folder: Path):
    results = named(classifier, [folder])
    assert [Path(result.name).name for result in results] == [
        "1.png",
        "2.png",
        "3.png",
        "4.png",
        "5.jpg",
    ]
    labels = [result.prediction and result.prediction.label for result in results]
    assert labels == ["red", "green", "blue", None, None]
    for result in results:
        assert (result.prediction is None) == (result.error is not None)
    assert all(r.name in str(r.error) and "\n" not in str(r.error) for r in results[3:])


def test_json_of_good_and_bad(classifier: Classifier, folder: Path):
    good, bad = named(classifier, [folder / "2.png", folder / "5.jpg"])
    found = json.loads(json.dumps(good.to_json()))
    assert found["file"] == str(folder / "2.png")
    assert (found["label"], found["index"]) == ("green", 1)
    assert next(iter(found["probabilities"])) == "green"
    assert bad.to_json() == {"file": str(folder / "5.jpg"), "error": bad.error}


def test_a_telephones_folder_is_accounted_for(classifier: Classifier, tmp_path: Path):
    """Raw data are named, JPEG under another name is read, and nobody asked for trash."""
    Image.new("RGB", (40, 50), COLOURS["red"]).save(tmp_path / "3.HEIC", "JPEG")
    (tmp_path / "1.CR3").write_bytes(b"\0\0\0\x18ftypcrx \0\0\0\1crx isom")
    for folder in ("@eaDir", ".Trash-1000", ".ipynb_checkpoints"):
        (tmp_path / folder).mkdir()
        Image.new("RGB", (40, 50), COLOURS["blue"]).save(tmp_path / folder / "2.jpg")

    raw, jpeg = predict_pictures(classifier, find_pictures([tmp_path]))
    remedy = "is a camera's raw data, which cannot be read here; save it as JPEG or PNG"
    assert raw.error == f"{tmp_path / '1.CR3'} {remedy}"
    assert jpeg.prediction is not None
    assert jpeg.prediction.label == "red"


def test_files_and_folders_mix_and_may_repeat(classifier: Classifier, folder: Path):
    results = named(classifier, [folder / "3.png", folder, folder / "3.png"])
    assert [Path(result.name).stem for result in results] == ["3", "1", "2", "3", "4", "5", "3"]
    assert results[0].prediction == results[3].prediction == results[-1].prediction


def test_many_pictures_are_read_in_portions(
    classifier: Classifier, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    expected = named(classifier, [folder])
    monkeypatch.setattr(stream, "BATCH", 2)
    assert named(classifier, [folder]) == expected


def test_what_paths_stand_for_is_counted_and_not_held(folder: Path):
    found = find_pictures([folder, folder / "1.png"])
    assert (len(found), found.widest) == (6, len(str(folder / "1.png")))
    assert (
        list(found)
        == list(found)
        == [folder / name for name in ("1.png", "2.png", "3.png", "4.png", "5.jpg", "1.png")]
    )
    (folder / "2.png").touch()
    os.utime(folder / "2.png", ns=(0, 0))
    assert find_pictures([folder, folder / "1.png"]).digest != found.digest


def test_only_bad_pictures(classifier: Classifier, folder: Path):
    (result,) = named(classifier, [folder / "5.jpg"])
    assert result.prediction is None


def test_paths_that_hold_nothing(classifier: Classifier, folder: Path):
    (folder / "empty").mkdir()
    with pytest.raises(DataError, match="holds no images"):
        named(classifier, [folder / "1.png", folder / "empty"])
    with pytest.raises(DataError, match="does not exist"):
        named(classifier, [folder / "none"])


@pytest.mark.parametrize("flat", [False, True])
def test_pickle_gives_identities_and_indices(classifier: Classifier, tmp_path: Path, flat: bool):
    images = np.zeros((4, 32, 32, 3), np.uint8)
    for number, channel in enumerate([2, 0, 1, 2]):
        images[number, :, :, channel] = 255
    data = images.transpose(0, 3, 1, 2).reshape(4, -1) if flat else images
    path = tmp_path / "test.pkl"
    path.write_bytes(pickle.dumps({b"data": data, b"ids": np.array([7, 3, 9, 1])}))
    assert list(predict_pickle(classifier, path)) == [(7, 2), (3, 0), (9, 1), (1, 2)]
    write_rows(("ID", "Labels"), predict_pickle(classifier, path), tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text() == "ID,Labels\n7,2\n3,0\n9,1\n1,2\n"


def test_pickle_of_nothing_gives_nothing(classifier: Classifier, tmp_path: Path):
    empty = {"data": np.empty((0, 32, 32, 3), np.uint8), "ids": np.empty(0, np.int64)}
    (tmp_path / "test.pkl").write_bytes(pickle.dumps(empty))
    assert list(predict_pickle(classifier, tmp_path / "test.pkl")) == []


def test_rows_that_cannot_be_written_are_one_line(tmp_path: Path):
    (tmp_path / "file").write_text("kept")
    with pytest.raises(RunError, match="cannot be written"):
        write_rows(("a",), [(1,)], tmp_path / "file" / "out.csv")


def test_terminal_shows_the_three_most_probable(
    classifier: Classifier, folder: Path, capsys: pytest.CaptureFixture[str]
):
    found = named(classifier, [folder])
    print_predictions(found, widest=20)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3  # the bad ones are told on standard error
    assert lines[1].split()[1] == "green"
    assert [float(word) for word in lines[1].split()[2::2]] == pytest.approx(
        [0.985, 0.007, 0.007], abs=2e-3
    )


def test_rows_come_as_pictures_are_classified_and_few_are_held(
    classifier: Classifier, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    """However long the list is, or however slowly its results are taken."""
    monkeypatch.setattr(stream, "BATCH", 2)
    taken: list[int] = []

    def endless() -> Iterator[Path]:
        for number in itertools.count():
            taken.append(number)
            yield folder / "1.png"

    results = predict_pictures(classifier, endless())
    assert taken == []
    for done in range(1, 20):
        next(results)
        assert len(taken) <= done + 6
    results.close()


def test_a_later_result_is_that_of_its_whole_batch(
    classifier: Classifier, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(stream, "BATCH", 2)
    monkeypatch.setattr(inputs, "BATCH", 2)
    pictures = find_pictures([folder])
    whole = list(predict_pictures(classifier, pictures))
    seen: list[int] = []
    probabilities = classifier.probabilities

    def counted(images: Any) -> Any:
        seen.append(len(images))
        return probabilities(images)

    monkeypatch.setattr(classifier, "probabilities", counted)
    assert list(predict_pictures(classifier, pictures, first=1)) == whole[1:]
    assert seen == [2, 1]


def rows_until(stop: BaseException | None) -> Iterator[tuple[str, int]]:
    yield "a", 1
    yield "b", 2
    if stop is not None:
        raise stop


def test_rows_are_in_the_file_as_they_come_and_it_is_whole_under_its_name(tmp_path: Path):
    path = tmp_path / "out.csv"
    path.write_text("old")
    path.chmod(0o600)

    def looked() -> Iterator[tuple[str, int]]:
        for row in rows_until(None):
            yield row
            part = tmp_path / "out.csv.part"
            assert part.read_text().splitlines()[-1] == f"{row[0]},{row[1]}"
            assert part.stat().st_mode & 0o777 == 0o600
            assert path.read_text() == "old"

    write_rows(("name", "number"), looked(), path)
    assert path.read_text() == "name,number\na,1\nb,2\n"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), RunError("no")], ids=["Ctrl-C", "fault"])
def test_rows_that_are_cut_short_are_kept_beside_what_was_there(
    tmp_path: Path, stop: BaseException, capsys: pytest.CaptureFixture[str]
):
    path, part = tmp_path / "out.csv", tmp_path / "out.csv.part"
    path.write_text("old")
    part.symlink_to(path)  # of somebody who wants more than a part to be written
    with pytest.raises(type(stop)):
        write_rows(("name", "number"), rows_until(stop), path)
    assert path.read_text() == "old"
    assert part.read_text() == "name,number\na,1\nb,2\n"
    if isinstance(stop, KeyboardInterrupt):
        assert f"the first 2 rows are kept in {part}" in capsys.readouterr().err
    write_rows(("name", "number"), rows_until(None), path)
    assert list(tmp_path.iterdir()) == [path]


def test_json_is_an_array_wherever_it_is_cut(capsys: pytest.CaptureFixture[str]):
    values = [{"a": 1, "b": [2, 3]}, {"a": None}]
    print_json_rows(values)
    assert capsys.readouterr().out == json.dumps(values, indent=2) + "\n"
    print_json_rows([])
    assert capsys.readouterr().out == "[]\n"
    with pytest.raises(KeyboardInterrupt):
        print_json_rows(rows_until(KeyboardInterrupt()))
    assert json.loads(capsys.readouterr().out) == [["a", 1], ["b", 2]]


def test_a_pickle_that_is_a_pipe_is_not_waited_for(tmp_path: Path, classifier: Classifier):
    os.mkfifo(tmp_path / "x.pkl")
    with pytest.raises(DataError, match="it is a pipe, not a file; give the path of a pickle"):
        predict_pickle(classifier, tmp_path / "x.pkl")
